"""Lists serial ports, resolves a name to a port, and reads and writes an open port.

Only this module imports pyserial, and only when a port is needed, because not every system has the
modules that pyserial needs. `errors` explains why a port does not open.
"""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ska_edge.closable import Closable
from ska_edge.device.port.control import BOTH_ON, Control
from ska_edge.device.port.errors import address_refusal, refusal, speed_refusal
from ska_edge.errors import ContactLost, DeviceError, no_terminals

SLOWEST, FASTEST = 1200, 921_600  # bits per second
POLL = 0.05  # seconds that a read waits for its first byte; deadlines can be this late
READ_LIMIT = 65536  # most bytes of a read after its first byte
NOTHING_TO_READ = "readiness to read but returned no data"  # a part of pyserial's error
USB = "usb:"  # prefix that marks a name as a USB serial number, not a path


@contextmanager
def _terminals() -> Iterator[None]:
    """Turn a failed import of pyserial or `terminal` in this block into a ToolError."""
    try:
        yield
    except ImportError as error:
        raise no_terminals() from error


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A serial port of this computer: its path, and what the system says about it.

    `present` tells whether a device is connected; a system also lists UARTs without a device.
    `serial_number` is the number of the USB device, and `usb` its vendor and product number, such
    as "2341:0043"; both are None for any other port.
    """

    path: str
    description: str
    present: bool
    serial_number: str | None = None
    usb: str | None = None


def list_ports() -> list[PortInfo]:
    """Return the serial ports that the system knows, sorted by path.

    Raises ToolError on a system without POSIX terminals.
    """
    with _terminals():
        from serial.tools import list_ports as system
    ports = system.comports()
    return sorted(
        (
            PortInfo(
                port.device,
                port.description,
                port.hwid != "n/a",
                port.serial_number,
                None if port.vid is None else f"{port.vid:04X}:{port.pid:04X}",
            )
            for port in ports
        ),
        key=lambda port: port.path,
    )


# --- names ----------------------------------------------------------------------------------------


def is_address(name: str) -> bool:
    """Tell whether a port's name is the URL of a port on another computer, not a path."""
    return "://" in name


def _speaks_rfc2217(path: str) -> bool:
    return path.lower().startswith("rfc2217:")


def resolve(name: str) -> str:
    """Return the path or address of a name; paths may change, so resolve again before reconnecting.

    Args:
        name: a path ("/dev/ttyACM0"), an address ("socket://host:port", "rfc2217://host:port"), a
            pattern that matches one path ("/dev/serial/by-id/*SEGGER*"), or a USB serial number,
            alone or as "usb:NUMBER".

    Raises DeviceError if there is no such port, if there are several, or for a malformed address;
    ToolError on a system without POSIX terminals.
    """
    if is_address(name):
        problem = address_refusal(name)
        if problem is not None:
            raise DeviceError(problem)
        return name
    if name.startswith(USB):
        return _by_serial_number(name.removeprefix(USB))
    if os.path.lexists(name):  # before patterns, because a path may contain brackets
        return name
    if glob.has_magic(name):
        return _by_pattern(name)
    if name and "/" not in name and name in {port.serial_number for port in list_ports()}:
        return _by_serial_number(name)
    raise DeviceError(
        f"there is no port {name or repr(name)}: `ska-edge ports` lists those of this computer"
    )


def _by_pattern(pattern: str) -> str:
    # Two symbolic links to one device, by-id and by-path, count as one port.
    found = {os.path.realpath(path): path for path in sorted(glob.glob(pattern), reverse=True)}
    return _only(sorted(found.values()), f"no port matches {pattern!r}", f"match {pattern!r}")


def _by_serial_number(number: str) -> str:
    found = [port.path for port in list_ports() if port.serial_number == number]
    return _only(
        found,
        f"no USB port has the serial number {number!r}",
        f"have the serial number {number!r}",
    )


def _only(found: list[str], none: str, several: str) -> str:
    """Return the only path that was found; raise DeviceError otherwise."""
    if not found:
        raise DeviceError(f"{none}: `ska-edge ports` lists those of this computer")
    if len(found) > 1:
        raise DeviceError(f"{len(found)} ports {several} ({', '.join(found)}): name one of them")
    return found[0]


# --- an open port ---------------------------------------------------------------------------------


class Port(Closable):
    """An open serial port, 8N1 without flow control; a context manager.

    A local port is locked against other programs that lock ports. When the port is closed, its
    terminal settings are restored, except one: DTR and RTS no longer fall when the last program
    closes the port, because many boards reset when DTR rises again.

    Args:
        name: a name for `resolve`.
        baud: bits per second; ptys and sockets ignore it.
        write_timeout: seconds within which a device must accept written bytes.
        control: what to do with DTR and RTS.

    Attributes:
        name: the given name.
        path: the resolved path or address.
        baud: the given speed.
        received: bytes read since the port was opened.

    Raises DeviceError if there is no such port, or if it does not open at that speed; ToolError on
    a system without POSIX terminals.
    """

    def __init__(
        self,
        name: str,
        *,
        baud: int = 115200,
        write_timeout: float = 2.0,
        control: Control = BOTH_ON,
    ) -> None:
        self.name = name
        self._control = control
        self.path = resolve(name)
        self.baud = baud
        self.received = 0
        self._settings: list[Any] | None = None  # the terminal's original settings
        try:
            if is_address(self.path):
                self._serial = self._connect(write_timeout)
            else:
                self._serial = self._open(write_timeout)
        except (OSError, ValueError) as error:
            raise DeviceError(refusal(self.path, baud, error)) from error

    def read(self) -> bytes:
        """Return the bytes that have arrived; wait for the first one for at most `POLL`.

        Raises ContactLost if the device was unplugged, or if the connection ended.
        """
        try:
            data: bytes = self._serial.read(1)
        except OSError as error:
            raise self._gone(error) from error
        if data:
            # On an error, return the bytes before the error; the next read raises the error again.
            with contextlib.suppress(OSError):
                data += self._rest()
        self.received += len(data)
        return data

    def _rest(self) -> bytes:
        """Return the bytes that have arrived, without waiting; `read` has read the first byte."""
        if _speaks_rfc2217(self.path):  # pyserial must extract the data from the telnet stream
            rest: bytes = self._serial.read(min(self._serial.in_waiting, READ_LIMIT))
            return rest
        # pyserial would read a socket byte by byte. Neither a socket nor a terminal blocks here.
        return os.read(self._serial.fileno(), READ_LIMIT)

    def write(self, data: bytes) -> None:
        """Write all bytes.

        Raises ContactLost as `read` does, and if the device does not accept the bytes in time.
        """
        from serial import SerialTimeoutException

        try:
            self._serial.write(data)
        except SerialTimeoutException as error:
            raise ContactLost(
                f"the device at {self.path} accepts no bytes: check that it runs, and that"
                " flow control is off"
            ) from error
        except OSError as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Close the port and drop unsent bytes; a second call does nothing."""
        # pyserial does not close a socket after the other end has closed it; close it here.
        connection = getattr(self._serial, "_socket", None)
        try:
            if self._settings is not None and self._serial.is_open:
                self._put_back(self._settings)
        finally:
            self._serial.close()
            if connection is not None:
                connection.close()

    def _put_back(self, settings: list[Any]) -> None:
        from ska_edge.device.port import terminal

        # The device may be unplugged; then there are no settings to restore.
        with contextlib.suppress(OSError), terminal.system_errors():
            # Else closing would wait until the device has accepted the unsent bytes.
            terminal.drop_output(self._serial.fileno())
            terminal.put_back(self._serial.fileno(), settings)

    def _open(self, write_timeout: float) -> Any:
        # Open the port before pyserial does, to read the settings before they change, and to get
        # the system's own error instead of pyserial's. Close it only after pyserial has opened the
        # port, or the control lines would toggle twice.
        with _terminals():
            import serial

            from ska_edge.device.port import terminal
        number = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            with terminal.system_errors():
                settings = terminal.settings(number)
                opened = serial.Serial(
                    baudrate=self.baud,
                    timeout=POLL,
                    write_timeout=write_timeout,
                    exclusive=True,
                )
                opened.port = self.path
                self._control.apply(opened)
                opened.open()
                # A driver that does not support a speed silently uses another one.
                if not terminal.runs_at(number, self.baud):
                    terminal.put_back(number, settings)
                    opened.close()
                    raise DeviceError(speed_refusal(self.path, self.baud))
        finally:
            os.close(number)
        self._settings = terminal.without_hang_up(settings)
        return opened

    def _connect(self, write_timeout: float) -> Any:
        with _terminals():
            import serial
        # For RFC 2217, pyserial always has a write timeout of 5 s, and refuses any other.
        opened = serial.serial_for_url(
            self.path,
            baudrate=self.baud,
            timeout=POLL,
            write_timeout=None if _speaks_rfc2217(self.path) else write_timeout,
            do_not_open=True,
        )
        self._control.apply(opened)
        opened.open()
        return opened

    def _gone(self, error: OSError) -> ContactLost:
        if is_address(self.path):
            return ContactLost(
                f"the connection to {self.path} ended ({error}): is the bridge running?"
            )
        if NOTHING_TO_READ in str(error):
            return ContactLost(
                f"the port {self.path} is gone (the device was unplugged, or another program reads"
                " the port): plug it in again, or end that program"
            )
        return ContactLost(f"the port {self.path} is gone ({error}): was the device unplugged?")
