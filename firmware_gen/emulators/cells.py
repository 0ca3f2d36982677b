"""Models the flash cells for saves: an erase sets all bits of a page, programming only clears bits.

With a path, the cells are in a file, so they outlive the process like the cells of a chip. A test
can plan a power failure for any erase or write; this operation is then only half done.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path

from ska_edge.errors import InputError

ERASED = b"\xff"


class PowerFailure(Exception):
    """The planned power failure has occurred."""


class Cells:
    """The flash cells for saves, `size` bytes in all.

    `operations_left` is the number of erases and writes until power fails; None if it never does.
    `broken` are the offsets of the bytes that an interrupted operation left half done.

    Raises:
        InputError: the file cannot be used, has another size, or another process uses it.
    """

    def __init__(self, size: int, path: Path | None = None) -> None:
        self.size = size
        self.operations_left: int | None = None
        self.broken: set[int] = set()
        self._bytes: bytearray | mmap.mmap = (
            bytearray(ERASED * size) if path is None else mmap.mmap(open_cells(path, size), size)
        )

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes as a little-endian number."""
        return int.from_bytes(self._bytes[offset : offset + size], "little")

    def program(self, offset: int, size: int, value: int) -> None:
        """Program `size` bytes at an offset: clear each bit that is 0 in `value`.

        Raises:
            PowerFailure: the planned power failure has occurred.
        """
        old = self.read(offset, size)
        if self._power_fails():
            value |= 2 ** (4 * size) - 1  # half of the bits are not programmed yet
            self._bytes[offset : offset + size] = (old & value).to_bytes(size, "little")
            self.broken |= set(range(offset, offset + size))
            raise PowerFailure
        self._bytes[offset : offset + size] = (old & value).to_bytes(size, "little")

    def erase(self, offset: int, size: int) -> None:
        """Set all bits of `size` bytes at an offset.

        Raises:
            PowerFailure: the planned power failure has occurred.
        """
        if self._power_fails():
            self._bytes[offset : offset + size : 2] = ERASED * (size // 2)
            self.broken |= set(range(offset, offset + size))
            raise PowerFailure
        self._bytes[offset : offset + size] = ERASED * size
        self.broken -= set(range(offset, offset + size))

    def _power_fails(self) -> bool:
        if self.operations_left is not None:
            self.operations_left -= 1
        return self.operations_left == 0


def open_cells(path: Path, size: int) -> int:
    """Open a file of exactly `size` bytes and lock it; fill a new or empty file with erased bytes.

    Returns the descriptor. The file stays locked until the descriptor is closed or the process
    ends.

    Raises:
        InputError: the file cannot be used, has another size, or another process uses it.
    """

    def refusal(why: str) -> InputError:
        return InputError(f"cannot use {path}, the file of SKA_STORAGE: {why}")

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(descriptor).st_size
        if found == 0:
            os.pwrite(descriptor, ERASED * size, 0)
        elif found != size:
            raise refusal(f"it has {found} bytes, but the board stores {size}; remove it")
        return descriptor
    except BlockingIOError:
        raise refusal("another process uses it") from None
    except OSError as error:
        raise refusal(str(error.strerror)) from None
