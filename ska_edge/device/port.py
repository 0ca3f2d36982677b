"""Serial ports: which there are, which one a name means, and one that is open.

This is the only module that imports pyserial, and only when a port is asked for: not every system
has the modules that pyserial itself needs. Why a port does not open is put in words by
`port_refusal`.
"""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ska_edge.device.port_errors import address_refusal, refusal, speed_refusal
from ska_edge.errors import ContactLost, DeviceError, ToolError

SLOWEST, FASTEST = 1200, 921_600  # bits per second
POLL = 0.05  # seconds one read waits for its first byte: how late a deadline is noticed
READ_LIMIT = 65536  # bytes one read asks the system for
USB = "usb:"  # stands ahead of a serial number that could also be a file's name


@contextmanager
def _terminals() -> Iterator[None]:
    """Here pyserial and `terminal` are imported; one sentence says that this system has neither."""
    try:
        yield
    except ImportError as error:
        raise ToolError(
            f"serial ports need POSIX terminals, and this system has none ({error}): "
            "use Linux, macOS or WSL"
        ) from error


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A serial port of this computer: its path, and what the system says about it.

    `present` says whether there is a device; a system also lists UARTs that lead nowhere.
    `serial_number` is that of the USB device, None for every other port.
    """

    path: str
    description: str
    present: bool
    serial_number: str | None = None


def list_ports() -> list[PortInfo]:
    """The serial ports that the system knows, sorted by path.

    Raises ToolError on a system without POSIX terminals.
    """
    with _terminals():
        from serial.tools import list_ports as system
    ports = system.comports()
    return sorted(
        (
            PortInfo(port.device, port.description, port.hwid != "n/a", port.serial_number)
            for port in ports
        ),
        key=lambda port: port.path,
    )


# --- names ----------------------------------------------------------------------------------------


def is_address(name: str) -> bool:
    """Whether a port's name is a URL, which leads to another computer, and no path."""
    return "://" in name


def _speaks_rfc2217(path: str) -> bool:
    return path.lower().startswith("rfc2217:")


def resolve(name: str) -> str:
    """The path or the address of the port that is meant now; a board may come back under another.

    Args:
        name: a path ("/dev/ttyACM0"), an address ("socket://host:port", "rfc2217://host:port"), a
            pattern that fits one path ("/dev/serial/by-id/*SEGGER*"), or a USB serial number, alone
            or as "usb:NUMBER".

    Raises DeviceError when there is no such port, and when there are several.
    """
    if is_address(name):
        problem = address_refusal(name)
        if problem is not None:
            raise DeviceError(problem)
        return name
    if name.startswith(USB):
        return _by_serial_number(name.removeprefix(USB))
    if os.path.lexists(name):  # ahead of patterns: a path may have brackets in it
        return name
    if glob.has_magic(name):
        return _by_pattern(name)
    if name and "/" not in name and name in {port.serial_number for port in list_ports()}:
        return _by_serial_number(name)
    raise DeviceError(
        f"there is no port {name or repr(name)}: `ska-edge ports` lists those of this computer"
    )


def _by_pattern(pattern: str) -> str:
    # Two links to one device (by-id and by-path) are one port.
    found = {os.path.realpath(path): path for path in sorted(glob.glob(pattern), reverse=True)}
    return _only(sorted(found.values()), f"no port fits {pattern!r}", f"fit {pattern!r}")


def _by_serial_number(number: str) -> str:
    found = [port.path for port in list_ports() if port.serial_number == number]
    return _only(
        found,
        f"no USB port has the serial number {number!r}",
        f"have the serial number {number!r}",
    )


def _only(found: list[str], none: str, several: str) -> str:
    """The one path that was found."""
    if not found:
        raise DeviceError(f"{none}: `ska-edge ports` lists those of this computer")
    if len(found) > 1:
        raise DeviceError(f"{len(found)} ports {several} ({', '.join(found)}): name one of them")
    return found[0]


# --- an open port ---------------------------------------------------------------------------------


class Port:
    """An open serial port, 8N1 without flow control; a context manager.

    No other program that asks for the port gets it meanwhile. Its terminal settings are put back
    when it is closed.

    Args:
        name: what `resolve` understands.
        baud: bits per second; ptys and sockets ignore it.
        write_timeout: seconds within which a device has to take what is written.

    Attributes:
        name: the name that was given; resolve it again when the port is gone.
        path: the path or address that it stood for.
        baud: as given.
        received: bytes read since the port was opened.

    Raises DeviceError when there is no such port, or it does not open, or not at that speed;
    ToolError on a system without POSIX terminals.
    """

    def __init__(self, name: str, *, baud: int = 115200, write_timeout: float = 2.0) -> None:
        self.name = name
        self.path = resolve(name)
        self.baud = baud
        self.received = 0
        self._settings: list[Any] | None = None  # of the terminal, as they were
        try:
            if is_address(self.path):
                self._serial = self._connect(write_timeout)
            else:
                self._serial = self._open(write_timeout)
        except (OSError, ValueError) as error:
            raise DeviceError(refusal(self.path, baud, error)) from error

    def __enter__(self) -> Port:
        """The port itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the port."""
        self.close()

    def read(self) -> bytes:
        """What has arrived; waits for the first byte, but not longer than `POLL`.

        Raises ContactLost when the device was unplugged, or the connection ended.
        """
        try:
            data: bytes = self._serial.read(1)
        except OSError as error:
            raise self._gone(error) from error
        if data:
            # What came before an end counts; the next read meets the end again.
            with contextlib.suppress(OSError):
                data += self._rest()
        self.received += len(data)
        return data

    def _rest(self) -> bytes:
        """What has arrived behind a first byte, without waiting."""
        if _speaks_rfc2217(self.path):  # pyserial takes its bytes out of the telnet stream
            rest: bytes = self._serial.read(min(self._serial.in_waiting, READ_LIMIT))
            return rest
        # Not by pyserial, which would take a socket's bytes one by one; neither kind blocks.
        return os.read(self._serial.fileno(), READ_LIMIT)

    def write(self, data: bytes) -> None:
        """Writes everything.

        Raises ContactLost as `read` does, and when the device takes no bytes in time.
        """
        from serial import SerialTimeoutException

        try:
            self._serial.write(data)
        except SerialTimeoutException as error:
            raise ContactLost(
                f"the device at {self.path} takes no bytes: check that it runs, and flow control"
            ) from error
        except OSError as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Closes the port and drops what was not sent yet; a second time does nothing."""
        # pyserial does not close a socket whose other end has gone.
        connection = getattr(self._serial, "_socket", None)
        try:
            if self._settings is not None and self._serial.is_open:
                self._put_back(self._settings)
        finally:
            self._serial.close()
            if connection is not None:
                connection.close()

    def _put_back(self, settings: list[Any]) -> None:
        from ska_edge.device import terminal

        # The device may be gone, and its settings with it.
        with contextlib.suppress(OSError), terminal.system_errors():
            # Closing would wait for a device that takes nothing.
            terminal.drop_output(self._serial.fileno())
            terminal.put_back(self._serial.fileno(), settings)

    def _open(self, write_timeout: float) -> Any:
        # Opened by hand, ahead of pyserial: settings are read before they change, the system's own
        # error is seen, and the control lines do not move twice, since this end stays until
        # pyserial's is open.
        with _terminals():
            import serial

            from ska_edge.device import terminal
        number = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            with terminal.system_errors():
                settings = terminal.settings(number)
                opened = serial.Serial(
                    self.path,
                    baudrate=self.baud,
                    timeout=POLL,
                    write_timeout=write_timeout,
                    exclusive=True,
                )
                # A driver that cannot run at a speed takes another one and says nothing.
                if not terminal.runs_at(number, self.baud):
                    terminal.put_back(number, settings)
                    opened.close()
                    raise DeviceError(speed_refusal(self.path, self.baud))
        finally:
            os.close(number)
        self._settings = settings
        return opened

    def _connect(self, write_timeout: float) -> Any:
        with _terminals():
            import serial
        # pyserial's RFC 2217 has a limit of its own for writing, 5 s, and refuses another.
        return serial.serial_for_url(
            self.path,
            baudrate=self.baud,
            timeout=POLL,
            write_timeout=None if _speaks_rfc2217(self.path) else write_timeout,
        )

    def _gone(self, error: OSError) -> ContactLost:
        if is_address(self.path):
            return ContactLost(
                f"the connection to {self.path} ended ({error}): is the bridge running?"
            )
        return ContactLost(f"the port {self.path} is gone ({error}): was the device unplugged?")
