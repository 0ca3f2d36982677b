"""Reads MNIST's idx files: a file of images and, next to it, a file of labels, also as .gz.

The format was published with MNIST. A file begins with two zero bytes and the type of the elements
(8: unsigned bytes, the only type that is read here). Then come the number of dimensions, and the
size of each dimension as four bytes, most significant first. The elements follow, with the last
dimension varying fastest.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.memory import FEATURE, MAX_MEMORY, check_memory
from ska_edge.errors import InputError

_NAME = re.compile(r"(?P<kind>images(?=.idx3)|labels(?=.idx1)).idx[13]-ubyte(\.gz)?$")
_UNSIGNED_BYTE = 8

File: TypeAlias = "IO[bytes] | gzip.GzipFile"


def is_idx(path: Path) -> bool:
    """Tell whether a file has the name of an idx file, such as `train-images-idx3-ubyte.gz`."""
    return _NAME.search(path.name) is not None


def read_idx(
    path: Path, max_memory: int = MAX_MEMORY
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images (n, pixels), row after row, and labels (n,), given the path of the images.

    The file of the labels is in the same folder, compressed or not. Its name has `labels` in place
    of `images`, and `idx1` in place of `idx3`.

    Raises InputError if a file is missing, damaged or truncated, if the two files do not belong
    together, or if the features take more than `max_memory` MB.
    """
    labels_path = labels_beside(path)
    images, labels = _read(path, 3, max_memory), _read(labels_path, 1, max_memory)
    if len(images) != len(labels):
        raise InputError(
            f"{path} has {len(images)} images, but {labels_path.name} has {len(labels)} labels;"
            " take two files that belong together"
        )
    if not images.size:
        raise InputError(f"{path} is empty: its images are of shape {images.shape}")
    return images.reshape(len(images), -1), labels


def labels_beside(path: Path) -> Path:
    """Return the path of the labels, given the path of the images.

    Raises InputError if `path` is not the name of a file of images, or if the labels are missing.
    """
    match = _NAME.search(path.name)
    if match is None or match["kind"] == "labels":
        raise InputError(
            f"{path} does not hold images; give the file of the images, ...images-idx3-ubyte"
        )
    ending = path.name[match.end("kind") :].replace("idx3", "idx1")
    plain = path.name[: match.start()] + "labels" + ending.removesuffix(".gz")
    # First look for labels that are compressed like the images, then for the other kind.
    wanted, other = (plain + ".gz", plain) if ending.endswith(".gz") else (plain, plain + ".gz")
    for name in (wanted, other):
        if path.with_name(name).is_file():
            return path.with_name(name)
    raise InputError(f"{path} needs its labels beside it, but there is no {wanted}")


def _read(path: Path, dimensions: int, max_memory: int) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    return _array(path, unpacked, None, dimensions, max_memory)
            return _array(path, file, os.fstat(file.fileno()).st_size, dimensions, max_memory)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is damaged or no gzip file: {error}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _array(
    path: Path,
    file: IO[bytes] | gzip.GzipFile,
    length: int | None,
    dimensions: int,
    max_memory: int,
) -> NDArray[np.uint8]:
    """Read as many elements as the header announces; `length` is the file's size, if known."""
    start = 4 + 4 * dimensions
    header = file.read(start)
    if header[:4] != bytes([0, 0, _UNSIGNED_BYTE, dimensions]):
        raise InputError(
            f"{path} starts with {header[:4].hex() or 'nothing'}, not with"
            f" 00000{_UNSIGNED_BYTE}0{dimensions}: unsigned bytes in {dimensions} dimensions"
        )
    if len(header) < start:
        raise InputError(f"{path} is cut short: {len(header)} bytes, less than its header")
    shape = [int(size) for size in np.frombuffer(header[4:], dtype=">u4")]
    size = math.prod(shape)
    announced = start + size
    if length is not None and length < announced:
        raise InputError(f"{path} is cut short: {length} bytes of {announced}")
    if length is not None and length > announced:
        raise InputError(f"{path} is too long: {length} bytes instead of {announced}")
    check_memory(path, size * (1 + FEATURE), max_memory)
    content = file.read(size)
    if len(content) < size:
        raise InputError(f"{path} is cut short: {start + len(content)} bytes of {announced}")
    if file.read(1):
        raise InputError(f"{path} is too long: it goes on after its {announced} bytes")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
