"""Options that choose a device: a port and its speed, or a board to start."""

from __future__ import annotations

import click

from firmware_gen.emulators.flash import running
from ska_edge.cli.options.complete import BOARD
from ska_edge.device.port import FASTEST, SLOWEST, list_ports
from ska_edge.errors import DeviceError

board_option = click.option(
    "--board", type=BOARD, help="Build, flash and start this board first: a name, or a folder."
)
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
