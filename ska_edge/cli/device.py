"""Opens the link of a command to a device at a port, or to a board that it starts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from firmware_gen.build import BuildReport
from firmware_gen.emulators.flash import running, start
from firmware_gen.project import write_project
from ska_edge.cli.build import build_and_report, require_fit
from ska_edge.cli.console import Output
from ska_edge.cli.firmware import say_kept
from ska_edge.cli.key import key_in
from ska_edge.device.info import DeviceInfo
from ska_edge.device.link import Link
from ska_edge.device.port import FASTEST, SLOWEST, list_ports
from ska_edge.errors import DeviceError, InputError
from ska_edge.model.model_file import Model

board_option = click.option("--board", help="Build, flash and start this board first.")
PORT_HELP = (
    "Port of a device: path, pattern, USB serial number, socket://HOST:PORT or rfc2217://HOST:PORT."
)
port_option = click.option("--port", help=PORT_HELP)
baud_option = click.option(
    "--baud",
    type=click.IntRange(SLOWEST, FASTEST),  # not only standard baud rates
    metavar="RATE",
    default=115200,
    show_default=True,
    help="Speed of the port.",
)


def find_port(port: str | None) -> str:
    """Return the given port, or the only existing one."""
    if port is not None:
        return port
    found = [board.port for board in running()] + [p.path for p in list_ports() if p.present]
    if len(found) == 1:
        return found[0]
    if not found:
        raise DeviceError("no device: start a board with `ska-edge flash`, or name a --port")
    raise DeviceError(f"there are {len(found)} ports ({', '.join(found)}); choose one with --port")


def device_document(info: DeviceInfo, port: str) -> dict[str, Any]:
    """Return the keys of `--json` that describe a device and its state."""
    return {
        "board": info.board,
        "port": port,
        "digest": info.digest,
        "samples": info.samples,
        "step": info.step,
        "crc": info.crc,
        "saves": info.saves,
    }


@contextmanager
def started(
    model: Model, board: str, project: Path, out: Output
) -> Iterator[tuple[Link, BuildReport]]:
    """Generate and build a model's firmware in a folder; run it on a board during the block."""
    scaling = model.scaling.as_dict()
    written = write_project(model.plan, model.state.parameters, board, project, scaling)
    say_kept(written, out)
    report = build_and_report(project, out)
    require_fit(report, project)
    with start(project) as running_board, Link(running_board.port) as link:
        yield link, report


@contextmanager
def device(
    model: Model,
    board: str | None,
    port: str | None,
    baud: int,
    out: Output,
    key: Path | None = None,
) -> Iterator[Link]:
    """Open a link to a device with this model, at `port` or on a board started for the block."""
    if board is None:
        with Link(find_port(port), baud=baud, key=key_in(key)) as link:
            yield link
        return
    if port is not None:
        raise InputError("give --board or --port, not both: a started board brings its own port")
    if key is not None:
        raise InputError("give --board or --key, not both: a board that is started here has no key")
    with (
        tempfile.TemporaryDirectory(prefix="ska-edge-") as folder,
        started(model, board, Path(folder) / board, out) as (link, _),
    ):
        yield link
