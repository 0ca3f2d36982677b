"""Reads npz archives of any origin; checks the size of every array before it unpacks the array."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # numpy uses only these methods
READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an array, checked against the size of its file in the archive.

    Attributes:
        start: number of bytes before the first element.
        shape, fortran, dtype: as in numpy.
    """

    start: int
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Number of bytes of all elements."""
        return math.prod(self.shape) * self.dtype.itemsize


class Archive:
    """The arrays of an npz file, without pickles.

    Attributes:
        foreign: names of members that are not arrays.

    For a damaged file, every method may raise any error of zipfile, zlib and numpy. The caller must
    convert the error and name the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file)
        self._members = {
            info.filename.removesuffix(".npy"): info
            for info in self._zip.infolist()
            if info.filename.endswith(".npy")
        }
        self.foreign = frozenset(self._zip.namelist()) - {f"{name}.npy" for name in self._members}

    @property
    def names(self) -> list[str]:
        """Names of the arrays, in the order of the file."""
        return list(self._members)

    def header(self, name: str) -> Header:
        """Read the header of an array from its first bytes only."""
        with self._open(name) as member:
            return self._header(name, member)

    def read(self, name: str) -> NDArray[Any]:
        """Return an array, which is read-only; raise ValueError for a damaged one."""
        with self._open(name) as member:
            header = self._header(name, member)
            content = member.read(header.size)
            if member.read(1) or len(content) != header.size:  # at the end, zipfile checks the CRC
                raise ValueError(f"'{name}' is cut short")
        values: NDArray[Any] = np.frombuffer(content, header.dtype)
        shape = header.shape[::-1] if header.fortran else header.shape
        return values.reshape(shape).transpose() if header.fortran else values.reshape(shape)

    def _open(self, name: str) -> IO[bytes]:
        info = self._members[name]
        if info.compress_type not in METHODS:
            raise ValueError(f"'{name}' is packed by a method that npz files do not use")
        return self._zip.open(info)

    def _header(self, name: str, member: IO[bytes]) -> Header:
        version = np.lib.format.read_magic(member)  # type: ignore[no-untyped-call, unused-ignore]
        if version not in READERS:
            raise ValueError(f"'{name}' has a header of version {version}, not 1.0 or 2.0")
        shape, fortran, dtype = READERS[version](member)  # type: ignore[no-untyped-call, unused-ignore]
        header = Header(member.tell(), shape, fortran, dtype)
        if dtype.hasobject or min(shape, default=0) < 0:
            raise ValueError(f"'{name}' is not an array of numbers or text")
        if header.start + header.size != self._members[name].file_size:
            raise ValueError(f"'{name}' is not as long as its header says")
        return header
