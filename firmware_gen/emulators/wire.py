"""The other end of an emulated UART: a pseudo terminal, or a replacement in a test."""

from __future__ import annotations

import os
import select
import tty
from typing import Protocol


class Wire(Protocol):
    """The other end of the UART."""

    def read(self, limit: int) -> bytes:
        """Wait for bytes; return at most `limit`. An empty result means that the wire is gone."""
        ...

    def write(self, data: bytes) -> None:
        """Write all bytes; wait as long as needed."""
        ...


class Line(Wire, Protocol):
    """A wire that can be asked for bytes without waiting."""

    def ready(self) -> bool:
        """Tell whether `read` returns at once."""
        ...


class Terminal:
    """A wire to a pseudo terminal; a serial program opens it by the path `port`."""

    def __init__(self) -> None:
        # This process keeps both ends open, so the port stays when a program closes its end.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)

    def ready(self) -> bool:
        """Tell whether a program has written bytes to the port."""
        return bool(self._poll.poll(0))

    def read(self, limit: int) -> bytes:
        """Wait for bytes that a program writes to the port."""
        return os.read(self._master, limit)

    def write(self, data: bytes) -> None:
        """Write all bytes to the port; wait while it is full."""
        while data:
            data = data[os.write(self._master, data) :]
