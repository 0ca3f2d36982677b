"""Serial ports: how they are opened, read and written."""

from __future__ import annotations

from dataclasses import dataclass

import serial
from serial.tools import list_ports as serial_list_ports

from ska_edge.errors import ContactLost, DeviceError


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A serial port of this computer: its path, and what the system says about it.

    `present` says whether there is a device; a system also lists UARTs that lead nowhere.
    """

    path: str
    description: str
    present: bool


def list_ports() -> list[PortInfo]:
    """The serial ports that the system knows, sorted by path."""
    ports = serial_list_ports.comports()
    return sorted(
        (PortInfo(port.device, port.description, port.hwid != "n/a") for port in ports),
        key=lambda port: port.path,
    )


class Port:
    """An open port."""

    def __init__(self, name: str, *, baud: int = 115200, write_timeout: float = 2.0) -> None:
        self.received = 0
        try:
            self._serial = serial.serial_for_url(
                name, baudrate=baud, timeout=0.05, write_timeout=write_timeout, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise DeviceError(str(error)) from error

    def read(self) -> bytes:
        """What has arrived."""
        try:
            data: bytes = self._serial.read(1)
            if data:
                data += self._serial.read(self._serial.in_waiting)
        except OSError as error:
            raise ContactLost(f"gone {error}") from error
        self.received += len(data)
        return data

    def write(self, data: bytes) -> None:
        """Send."""
        self._serial.write(data)

    def close(self) -> None:
        """Close."""
        self._serial.close()
