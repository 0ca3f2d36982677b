"""Writes files atomically, and npz archives whose bytes depend only on their contents.

A writer creates a temporary file next to the target, under a random name that no other process can
predict. It renames the file when the content is complete and on the disk, so readers see either the
old file or the new one. A process that is killed in between leaves a file `.ska-edge-*.part`.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError

PRIVATE = 0o600
"""Mode of a file that only its owner can read and write."""
NEW_FILE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    # Not every system has these flags.
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def refusal(action: str, path: str | Path | None, error: OSError) -> InputError:
    """Return the error for an `action`, such as "read", that the system refuses for a file."""
    return InputError(f"cannot {action} {path}: {error.strerror or error}")


def write_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file atomically: an old file stays unchanged until the new one is complete.

    The new file keeps the mode of an old one; `private` always sets mode 0600. If the path is a
    symbolic link, its target is replaced. A pipe or a character device, such as /dev/stdout, is
    written to directly.

    Raises:
        InputError: the path is a folder, socket or disk, or the system refuses to write.
    """
    try:
        target = regular_target(path)
        if target is None:
            _write_plainly(path, content)
        else:
            _replace(target, content, private)
    except OSError as error:
        raise refusal("write", path, error) from error


def path_of(given: object) -> Path:
    """Return a path that was given as text or as a path; raise InputError for anything else."""
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"a path is text or a Path, not {given!r}")
    return Path(given)


def check_file(path: Path) -> None:
    """Raise InputError unless a file can be written at this path."""
    try:
        target = regular_target(path)
    except OSError as error:
        raise refusal("write", path, error) from error
    if target is not None:
        check_folder(target)
    elif not os.access(path, os.W_OK):
        raise InputError(f"{path} cannot be written: no permission")


def check_target(path: Path, *others: str | Path | None, by: str) -> None:
    """Raise InputError if `path` cannot be written, or if it is one of the other files.

    `others` are the files that `by`, the name of the command or call, also reads or writes; None is
    ignored.
    """
    check_file(path)
    if regular_target(path) is None:
        return
    for source in others:
        if source is not None and Path(source).exists() and path.exists():
            if path.samefile(source):
                raise InputError(f"{path} is read by {by}; write to another file")
        elif source is not None and path.absolute() == Path(source).absolute():
            raise InputError(f"{path} is written twice by {by}; name two files")


def check_folder(path: Path) -> None:
    """Raise InputError unless a file or folder could be created at this path."""
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} to")
    if not os.access(path if path.is_dir() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: no permission in that folder")


def regular_target(path: Path) -> Path | None:
    """Return the file that a write to `path` creates or replaces; None for a pipe or a character
    device.

    Raises:
        InputError: the path is a folder, a socket or a disk.
        OSError: the system cannot tell what the path is.
    """
    try:
        mode = path.stat().st_mode  # `stat` and a write both follow a symbolic link
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder; name the file to write in it")
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        return None
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is a device or a socket, not a file; name another file to write")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def part_name() -> str:
    """Return a random name for an incomplete file; systems limit names, so it is short."""
    return f".ska-edge-{secrets.token_hex(8)}.part"


def _write_plainly(path: Path, content: bytes) -> None:
    """Write to an existing pipe or device, without creating a file."""
    number = os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0))
    with open(number, "wb", buffering=0) as file:
        if stat.S_ISREG(os.fstat(number).st_mode):
            raise InputError(f"{path} has just become a file; run the command again")
        _write_all(file, content)


def _replace(target: Path, content: bytes, private: bool) -> None:
    partial = target.with_name(part_name())
    old = _status(target)
    number = os.open(partial, NEW_FILE, PRIVATE if private or old is not None else 0o666)
    try:
        with open(number, "wb", buffering=0) as file:
            if old is not None:
                _take_after(number, partial, old, PRIVATE if private else old.st_mode & 0o777)
            _write_all(file, content)
            os.fsync(number)
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(target.parent)


def _write_all(file: io.FileIO, content: bytes) -> None:
    """Write every byte, because one call of the system may write only a part of them."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _status(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _take_after(number: int, partial: Path, old: os.stat_result, mode: int) -> None:
    """Give a new file this mode, and the owner of the old file if the system allows it."""
    if hasattr(os, "fchown"):
        with contextlib.suppress(PermissionError):
            os.fchown(number, old.st_uid, old.st_gid)
    os.chmod(number if os.chmod in os.supports_fd else partial, mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power loss, if the system supports that."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(number)
        finally:
            os.close(number)


def npz_bytes(arrays: Mapping[str, NDArray[Any]], comment: bytes = b"") -> bytes:
    """Create an npz archive without pickles; equal arrays give equal bytes on every system.

    A `comment`, at most 65,535 bytes, becomes the end of the archive.

    The entries are uncompressed. Unlike those of numpy.savez, they are dated 1980 and marked as
    Unix on every system.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for key, values in arrays.items():
            entry = zipfile.ZipInfo(f"{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(values), allow_pickle=False)  # type: ignore[no-untyped-call, unused-ignore]
            archive.writestr(entry, content.getvalue())
        archive.comment = comment
    return buffer.getvalue()
