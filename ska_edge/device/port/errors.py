"""Explains in one sentence why a port does not open, and what to do."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SCHEMES = ("socket", "rfc2217")
LISTED = "`ska-edge ports` lists those of this computer"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a port open: its id, its command name, and whether it locks the port."""

    process: int
    command: str
    locks: bool


def refusal(path: str, baud: int, error: Exception) -> str:
    """Return the error sentence for a port that did not open.

    Args:
        path: device path or address.
        baud: the requested speed.
        error: the error at opening: OSError (such as pyserial's errors) or ValueError.
    """
    if "://" in path:
        return _connection_refusal(path, baud, error)
    number = _number(error)
    if number == errno.ENOENT:
        return f"there is no port {path}: {LISTED}"
    if number in (errno.EACCES, errno.EPERM):
        return _permission_refusal(path)
    if number in (errno.EBUSY, errno.EAGAIN):
        return _busy_refusal(path)
    what = _kind(path)
    if what is not None:
        return f"{path} is {what}, not a serial port: {LISTED}"
    if number in (errno.ENXIO, errno.ENODEV, errno.EIO):
        return f"nothing is connected to the port {path}: check the cable; {LISTED}"
    if number == errno.EINVAL:
        return speed_refusal(path, baud)
    return f"the port {path} cannot be opened as a serial port ({error})"


def speed_refusal(path: str, baud: int) -> str:
    """Return the error sentence for a port that does not run at a speed."""
    return f"the port {path} does not run at {baud} baud: choose a speed that both ends support"


def address_refusal(address: str) -> str | None:
    """Return the error sentence if an address has a syntax error, otherwise None."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in SCHEMES and parts.hostname and parts.port
    except ValueError:  # the TCP port is no number, or a bracket is not closed
        good = False
    if good:
        return None
    return f"{address!r} is no address of a port: write socket://HOST:PORT or rfc2217://HOST:PORT"


def _number(error: BaseException) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _kind(path: str) -> str | None:
    """Return the kind of a path, such as "a directory"; None if it may be a terminal."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return None
    if stat.S_ISDIR(mode):
        return "a directory"
    if stat.S_ISREG(mode):
        return "a file"
    if not stat.S_ISCHR(mode):
        return "no device"
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return None if os.isatty(number) else "another kind of device"
    finally:
        os.close(number)


# --- permission -----------------------------------------------------------------------------------


def _permission_refusal(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return f"no permission to look at {path}: its folder belongs to another user"
    if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
        return f"{path} is {_kind(path)}, not a serial port: {LISTED}"
    import grp  # not at the top, because only POSIX systems have this module

    try:
        group = grp.getgrgid(status.st_gid)
    except KeyError:
        return (
            f"no permission to open {path}: it belongs to group {status.st_gid}, which has no name"
        )
    wanted = stat.S_IRGRP | stat.S_IWGRP
    if status.st_mode & wanted != wanted or status.st_gid in os.getgroups():
        return (
            f"no permission to open {path} (owner {_user(status.st_uid)}, group {group.gr_name}, "
            f"mode {stat.filemode(status.st_mode)}): ask its owner, or try `sudo chmod a+rw {path}`"
        )
    if _user(os.getuid()) in group.gr_mem:
        return (
            f"no permission to open {path} yet: you joined its group {group.gr_name} after this "
            "session began; log in again"
        )
    return (
        f"no permission to open {path}: it belongs to the group {group.gr_name}; join it with "
        f"`sudo usermod -aG {group.gr_name} $USER` and log in again"
    )


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


# --- busy -----------------------------------------------------------------------------------------


def _busy_refusal(path: str) -> str:
    every, own = holders(path), os.getpid()
    # A process may have a port open without a lock, as an emulated board does with its own port.
    found = [each for each in every if each.locks] or [
        each for each in every if each.process != own
    ]
    if any(each.process == own for each in found):
        return f"the port {path} is busy: this program already has it open; name each port once"
    if not found:
        return (
            f"the port {path} is busy: a program of another user has it open; "
            f"`sudo fuser -v {path}` names it"
        )
    names = ", ".join(f"process {each.process} ({each.command})" for each in found)
    one = len(found) == 1
    return f"the port {path} is busy: {names} {'has' if one else 'have'} it open; close " + (
        "it" if one else "them"
    )


def holders(path: str) -> list[Holder]:
    """Return the processes that have a device open, as far as this user can see them, sorted by id.

    Args:
        path: device path, or a link to one.
    """
    try:
        device = os.stat(path).st_rdev
    except OSError:
        return []
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            locks = [_locked(descriptor) for descriptor in _descriptors(entry, device)]
            if locks:
                command = (entry / "comm").read_text(errors="replace").strip()
                found[int(entry.name)] = Holder(int(entry.name), command, any(locks))
        except OSError:
            continue  # the process has ended, or belongs to another user
    return [found[process] for process in sorted(found)]


def _descriptors(process: Path, device: int) -> Iterator[Path]:
    """Yield the entries /proc/PID/fd/N of a process for the device with this number."""
    for descriptor in (process / "fd").iterdir():
        try:
            # Check the name first, to avoid files on disks that do not answer.
            if os.readlink(descriptor).startswith("/dev/"):
                status = descriptor.stat()
                if stat.S_ISCHR(status.st_mode) and status.st_rdev == device:
                    yield descriptor
        except OSError:
            continue  # the process has closed it


def _locked(descriptor: Path) -> bool:
    """Tell whether an open file is locked, by the line "lock:" in /proc/PID/fdinfo/N."""
    text = (descriptor.parent.parent / "fdinfo" / descriptor.name).read_text()
    return any(line.startswith("lock:") for line in text.splitlines())


# --- connections ----------------------------------------------------------------------------------


def _connection_refusal(address: str, baud: int, error: Exception) -> str:
    parts = urlsplit(address)
    place = f"{parts.hostname}:{parts.port}"
    cause = _cause(error)
    if isinstance(cause, ConnectionRefusedError):
        return (
            f"{place} refused the connection: check the port's number, and that the bridge to the "
            "device runs there"
        )
    if isinstance(cause, socket.gaierror):
        return f"there is no host {parts.hostname!r}: check its name, or give its IP address"
    if isinstance(cause, TimeoutError) or _number(cause) == errno.EHOSTUNREACH:
        return f"{place} does not answer: check the address, the network and firewalls"
    if "does not seem to support RFC2217" in str(error):
        return f"{place} does not speak RFC 2217: name a plain connection socket://{place}"
    if "rejected value" in str(error) or "parameter change" in str(error):
        return f"the RFC 2217 server at {place} refuses {baud} baud, 8N1: choose another baud rate"
    return f"the connection to {address} cannot be opened ({cause})"


def _cause(error: Exception) -> Exception:
    """Return the error of the system that caused pyserial's error."""
    inner = error.__context__
    return inner if isinstance(inner, (OSError, ValueError)) else error
