"""Defines the options that choose a device: a port and its speed, or a board to start."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from firmware_gen.board.board import board_names, load_board
from firmware_gen.emulators.flash import running
from ska_edge.cli.options.complete import BOARD
from ska_edge.cli.options.shared import shared_option
from ska_edge.cli.options.word import Word
from ska_edge.cli.screen.console import Output
from ska_edge.device.info import DeviceInfo
from ska_edge.device.link import Link
from ska_edge.device.port.control import KEEP, LEVELS, Control
from ska_edge.device.port.port import FASTEST, SLOWEST, is_address, list_ports, resolve
from ska_edge.errors import DeviceError

board_option = click.option(
    "--board", type=BOARD, help="Build, flash and start this board first: a name, or a folder."
)
PORT_HELP = (
    "Port of a device: path, pattern, USB serial number, socket://HOST:PORT or rfc2217://HOST:PORT."
)
port_option = click.option("--port", help=PORT_HELP)
_LINE = "when the port opens [default: what the board needs, or on; keep for an address]."
_options = (
    shared_option(
        "--baud",
        type=click.IntRange(SLOWEST, FASTEST),  # not only standard baud rates
        metavar="RATE",
        default=115200,
        show_default=True,
        help="Speed of the port.",
    ),
    shared_option("--dtr", type=Word(LEVELS), help=f"Level of the control line DTR {_LINE}"),
    shared_option("--rts", type=Word(LEVELS), help=f"Level of the control line RTS {_LINE}"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """How to open a port: its speed, and the levels of DTR and RTS; None for the defaults."""

    baud: int
    dtr: str | None = None
    rts: str | None = None

    def control(self, port: str) -> Control:
        """Return what to do with DTR and RTS of a port."""
        found = Control() if self.dtr and self.rts else _default_control(port)
        return Control(self.dtr or found.dtr, self.rts or found.rts)

    def open(self, port: str, key: bytes | None = None) -> Link:
        """Open a link to the device at a port."""
        return Link(port, baud=self.baud, key=key, control=self.control(port))


def _default_control(port: str) -> Control:
    """Return the levels of the board with this USB device, or else the defaults.

    For an address on the network, the levels are kept.
    """
    if is_address(port):
        return Control(KEEP, KEEP)
    path = resolve(port)
    place = os.path.realpath(path)
    ids = {found.usb for found in list_ports() if os.path.realpath(found.path) == place}
    for usb in ids - {None}:
        for board in map(load_board, board_names()):
            if board.at_usb(usb):
                return Control(board.lines.dtr, board.lines.rts)
    return Control()


def line_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a serial line, which its parameter `line` gets as a `Line`."""

    @functools.wraps(command)
    def opening(*arguments: Any, baud: int, dtr: str | None, rts: str | None, **others: Any) -> Any:
        return command(*arguments, line=Line(baud, dtr, rts), **others)

    for option in reversed(_options):
        opening = option(opening)
    return opening


def say_if_untaught(info: DeviceInfo, port: str, out: Output) -> None:
    """Warn if a device has learned nothing, perhaps because it restarts when its port opens."""
    if info.samples == 0:
        out.warning(
            f"the device at {port} has learned nothing since it started; if it restarts whenever"
            " its port opens, choose --dtr and --rts (docs/DEVICE.md)"
        )


def find_port(port: str | None) -> str:
    """Return the given port, or the only existing port.

    Raises DeviceError if there is no port, or if there are several to choose from.
    """
    if port is not None:
        return port
    found = [board.port for board in running()] + [p.path for p in list_ports() if p.present]
    if len(found) == 1:
        return found[0]
    if not found:
        raise DeviceError("no device: start a board with `ska-edge flash`, or name a --port")
    raise DeviceError(f"there are {len(found)} ports ({', '.join(found)}); choose one with --port")
