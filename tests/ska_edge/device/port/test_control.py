"""DTR and RTS are set once when a port opens, or kept, and do not fall when it closes."""

from __future__ import annotations

import struct
import termios
from collections import Counter
from typing import Any

import pytest
import serial.serialposix as posix

from ska_edge.device.port.control import LEVELS, Control
from ska_edge.device.port.port import Port
from tests.ska_edge.device.port.terminal import Terminal

LINES = {"dtr": termios.TIOCM_DTR, "rts": termios.TIOCM_RTS}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """Count what the driver is asked to do with DTR and RTS; a pty has neither and would refuse."""
    found: Counter[tuple[str, str]] = Counter()
    real = posix.fcntl.ioctl

    def ioctl(number: int, request: int, *arguments: Any) -> Any:
        if request not in (termios.TIOCMBIS, termios.TIOCMBIC):
            return real(number, request, *arguments)
        (bits,) = struct.unpack("I", arguments[0])
        for name, bit in LINES.items():
            if bits & bit:
                found[name, "on" if request == termios.TIOCMBIS else "off"] += 1
        return arguments[0]

    monkeypatch.setattr(posix.fcntl, "ioctl", ioctl)
    return found


@pytest.mark.parametrize("dtr", LEVELS)
@pytest.mark.parametrize("rts", LEVELS)
def test_the_lines_are_set_once_or_kept(
    dtr: str, rts: str, terminal: Terminal, asked: Counter[tuple[str, str]]
) -> None:
    with Port(terminal.path, control=Control(dtr, rts)):
        pass
    wanted = [(name, level) for name, level in (("dtr", dtr), ("rts", rts)) if level != "keep"]
    assert asked == Counter(wanted)


def test_both_lines_are_on_by_default(terminal: Terminal, asked: Counter[tuple[str, str]]) -> None:
    Port(terminal.path).close()
    assert asked == Counter([("dtr", "on"), ("rts", "on")])


def test_the_lines_do_not_fall_when_the_port_closes(terminal: Terminal) -> None:
    settings = termios.tcgetattr(terminal.near)
    settings[2] |= termios.HUPCL
    termios.tcsetattr(terminal.near, termios.TCSANOW, settings)
    Port(terminal.path).close()
    assert not terminal.settings()[2] & termios.HUPCL
