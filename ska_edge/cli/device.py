"""Opens a command's link to a device: at a port, or on a board that the command starts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firmware_gen.build import BuildReport
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.cli.options.key import key_in
from ska_edge.cli.options.port import Line, find_port
from ska_edge.cli.screen.console import Output
from ska_edge.cli.screen.project import build_and_report, require_fit, say_kept
from ska_edge.device.info import DeviceInfo
from ska_edge.device.link import Link
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model


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
    model: Model,
    board: str,
    project: Path,
    out: Output,
    *,
    inference_only: bool = False,
) -> Iterator[tuple[str, BuildReport]]:
    """Generate and build a model's firmware in a folder; run it on a board during the block.

    Yields the port of the board, and the report of the build.
    """
    written = write_project(
        model.plan,
        model.state.parameters,
        board,
        project,
        model.input_notes(),
        inference_only=inference_only,
        memory=model.memory(inference_only=inference_only),
    )
    say_kept(written.folder, written.kept, out)
    report = build_and_report(project, out)
    require_fit(report, project)
    with start(project) as running_board:
        yield running_board.port, report


def refuse_line(port: str | None, key: Path | None) -> None:
    """Raise InputError if a board that is started here is given a port or a key."""
    if port is not None:
        raise InputError("give --board or --port, not both: a started board brings its own port")
    if key is not None:
        raise InputError("give --board or --key, not both: a board that is started here has no key")


@contextmanager
def device(
    model: Model,
    board: str | None,
    port: str | None,
    line: Line,
    out: Output,
    key: Path | None = None,
) -> Iterator[Link]:
    """Open a link to a device with this model, at `port` or on a board started for the block."""
    if board is None:
        with line.open(find_port(port), key_in(key)) as link:
            yield link
        return
    refuse_line(port, key)
    with (
        tempfile.TemporaryDirectory(prefix="ska-edge-") as folder,
        started(model, board, Path(folder) / "firmware", out) as (port, _),
        Link(port) as link,
    ):
        yield link
