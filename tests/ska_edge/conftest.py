"""Fixtures for ports: a fake device, and a server that connects a socket to a port."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import serial  # type: ignore[import-untyped]
from serial.rfc2217 import PortManager  # type: ignore[import-untyped]

from tests.fake_device import FakeDevice


@pytest.fixture
def device() -> Iterator[FakeDevice]:
    device = FakeDevice()
    yield device
    device.close()


class WiredSerial(serial.Serial):  # type: ignore[misc]
    """pyserial's port with fixed modem lines, because a pty has none."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass


class Bridge:
    """A server that carries bytes between a port and a connection, plain or by RFC 2217.

    It serves one connection after the other. `line` is the server's end of the port.
    """

    def __init__(self, path: str, scheme: str, line: serial.Serial | None = None) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.line = WiredSerial(path, timeout=0) if line is None else line
        self._scheme = scheme
        self._stop = os.pipe()
        self.address = f"{scheme}://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """End the connection and the server; a second call does nothing."""
        if self._thread.is_alive():
            os.write(self._stop[1], b"x")
            self._thread.join()
        if self.line.is_open:
            self.line.close()
            self._server.close()
            for number in self._stop:
                os.close(number)

    def _run(self) -> None:
        while self._stop[0] not in select.select([self._server, self._stop[0]], [], [])[0]:
            if self._carry():
                return

    def _carry(self) -> bool:
        """Carry the bytes of one connection; return whether the bridge was stopped."""
        connection, _ = self._server.accept()
        with connection:
            coder = (
                PortManager(self.line, SimpleNamespace(write=connection.sendall))
                if self._scheme == "rfc2217"
                else SimpleNamespace(filter=lambda data: [data], escape=lambda data: [data])
            )
            while True:
                ready, _, _ = select.select([connection, self.line, self._stop[0]], [], [])
                if self._stop[0] in ready:
                    return True
                if connection in ready:
                    data = connection.recv(4096)
                    if not data:
                        self.line.dtr = False  # as a driver does when a program closes the port
                        return False
                    self.line.write(b"".join(coder.filter(data)))
                if self.line in ready:
                    connection.sendall(b"".join(coder.escape(self.line.read(4096))))


@pytest.fixture
def bridge() -> Iterator[Callable[[str, str], Bridge]]:
    """Return a function that starts a bridge, given a port's path and "socket" or "rfc2217"."""
    bridges: list[Bridge] = []

    def start(path: str, scheme: str) -> Bridge:
        bridges.append(Bridge(path, scheme))
        return bridges[-1]

    yield start
    for each in bridges:
        each.stop()
