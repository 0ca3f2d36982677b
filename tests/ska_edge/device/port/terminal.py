"""A terminal whose far end a test holds, and the error sentence of a port that does not open."""

from __future__ import annotations

import fcntl
import os
import sys
import termios
import tty
from pathlib import Path
from typing import Any

import pytest
from serial.serialposix import TCGETS2  # type: ignore[import-untyped]

from ska_edge.device.port.port import Port
from ska_edge.errors import ContactLost, DeviceError


class Terminal:
    """A pty: a device reads and writes `far`, a program opens `path`."""

    def __init__(self) -> None:
        self.far, self.near = os.openpty()
        tty.setraw(self.near)
        self.path = os.ttyname(self.near)

    def hang_up(self) -> None:
        """Disconnect the device; a second call does nothing."""
        if self.far >= 0:
            os.close(self.far)
            os.close(self.near)
            self.far = -1

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.near)

    def speed(self) -> int:
        """Return bits per second, also for a speed that the terminal's settings cannot name."""
        return int.from_bytes(fcntl.ioctl(self.near, TCGETS2, bytes(44))[40:], sys.byteorder)

    def gets(self, count: int) -> bytes:
        """Read this number of bytes at the device's end."""
        data = b""
        while len(data) < count:
            data += os.read(self.far, count - len(data))
        return data


def opening(name: str, **options: int) -> str:
    """Return the error sentence for a port that does not open."""
    with pytest.raises(DeviceError) as caught:
        Port(name, **options)
    assert not isinstance(caught.value, ContactLost)
    sentence = str(caught.value)
    assert "\n" not in sentence and "Errno" not in sentence
    return sentence


def command(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text().strip()
