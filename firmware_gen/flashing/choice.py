"""Chooses the flasher of a board by what the user gives, and by what is connected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from firmware_gen.board.board import Board
from firmware_gen.board.flasher import Flasher
from firmware_gen.flashing.drives import uf2_drives
from firmware_gen.program import find_program
from ska_edge.errors import DeviceOptionError, InputError, OptionError
from ska_edge.spelling import did_you_mean


class UsbPort(Protocol):
    """A serial port; `usb` is None if the port belongs to no USB device."""

    @property
    def path(self) -> str:
        """The path of the port."""
        ...

    @property
    def usb(self) -> str | None:
        """Vendor and product number of the port's USB device, such as "2341:0043"."""
        ...


Ports = Callable[[], Sequence[UsbPort]]


@dataclass(frozen=True)
class Choice:
    """A flasher, and the port that its command needs, if any.

    `found` is the port or the drive of the connected device that decided; None if none decided.
    """

    flasher: Flasher
    port: str | None
    found: str | None = None


def by_user(
    board: Board, tool: str | None, port: str | None, dry_run: bool, ports: Ports
) -> Choice:
    """Return the flasher `tool`; without `tool`, the best flasher of the board.

    With only a `port`, the best flasher is one that uses a port. With neither, a connected device
    decides; without such a device, the best flasher is one that uses no port. If several flashers
    suit, the best is the first whose program is installed, or the first if none is installed.
    `dry_run` tells whether the user asked only for the commands.

    Raises:
        InputError: the board has no suitable flasher.
        DeviceError: several devices are connected.
    """
    if not board.flashers:
        given = {"{tool}": tool is not None, "{port}": port is not None, "{dry_run}": dry_run}
        options = " and ".join(name for name, is_given in given.items() if is_given)
        raise OptionError(
            f"{{board}} is emulated, not a real device; leave {options} out", board=board.name
        )
    names = [flasher.tool for flasher in board.flashers]
    if tool is not None:
        named = [flasher for flasher in board.flashers if flasher.tool == tool]
        if not named:
            raise InputError(
                f"board {board.name} has no flasher {tool!r}{did_you_mean(tool, names)}; choose one"
                f" of {', '.join(names)}"
            )
        if port is not None or not named[0].needs_port():
            return Choice(named[0], port)
        return _connected(board, named, ports) or Choice(named[0], None)
    if port is None:
        connected = by_connection(board, ports)
        if connected is not None:
            return connected
    suited = [flasher for flasher in board.flashers if flasher.needs_port() == (port is not None)]
    if not suited and port is None:
        raise OptionError(
            "no {board} is connected, and {names} writes through a port; name it with {port}",
            board=board.name,
            names=" or ".join(names),
        )
    if not suited:
        raise InputError(f"no flasher of board {board.name} fits; choose one of {', '.join(names)}")
    return Choice(_installed(suited), port)


def by_connection(board: Board, ports: Ports) -> Choice | None:
    """Return the flasher for the connected device; None if no device of this board is connected.

    Raises:
        DeviceError: several devices are connected.
    """
    return _connected(board, board.flashers, ports)


def _connected(board: Board, flashers: Sequence[Flasher], ports: Ports) -> Choice | None:
    present = ports() if any(flasher.usb for flasher in flashers) else ()
    places = {flasher.tool: _places(flasher, present) for flasher in flashers}
    reaching = [flasher for flasher in flashers if places[flasher.tool]]
    if not reaching:
        return None
    flasher = _installed(reaching)
    found = places[flasher.tool]
    if len(found) > 1:
        advice = "name one with {port}" if flasher.needs_port() else "disconnect all but one"
        others = " or take another {tool}" if len(board.flashers) > 1 else ""
        raise DeviceOptionError(
            f"{{count}} devices may be the {{board}} ({{places}}); {advice}{others}",
            count=len(found),
            board=board.name,
            places=", ".join(found),
        )
    return Choice(flasher, found[0] if flasher.needs_port() else None, found[0])


def _places(flasher: Flasher, ports: Sequence[UsbPort]) -> list[str]:
    """Return the ports and drives of the connected devices that a flasher reaches."""
    drives = [] if flasher.drive is None else uf2_drives(flasher.drive)
    return [port.path for port in ports if port.usb in flasher.usb] + drives


def _installed(flashers: Sequence[Flasher]) -> Flasher:
    """Return the first flasher whose program is installed, or the first one."""
    installed = (flasher for flasher in flashers if find_program(flasher.command[0]) is not None)
    return next(installed, flashers[0])
