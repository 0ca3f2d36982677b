"""A wire connects a device's port with a new port; a host program opens the new port instead."""

from __future__ import annotations

import os
import threading
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

AnyWire = TypeVar("AnyWire", bound="Wire")


class Wire(ABC):
    """Carries bytes while it is used as a context manager; subclasses define how.

    Args:
        device: path of the device's port.

    Attributes:
        port: path to open in place of the device's.
    """

    def __init__(self, device: str) -> None:
        self._device = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._device)
        self._host, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._stop = os.pipe()  # its reading end becomes readable when the wire must end
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def _tasks(self) -> Sequence[Callable[[], None]]:
        """Return the functions that carry the bytes; each runs in a thread until `_stop` is
        readable.
        """

    def __enter__(self: AnyWire) -> AnyWire:
        self._threads = [threading.Thread(target=task) for task in self._tasks()]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._stop[1], b"x")
        for thread in self._threads:
            thread.join()
        for number in (*self._stop, self._device, self._host, self._slave):
            os.close(number)
