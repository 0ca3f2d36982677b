"""Ports are found by name, get a speed, and carry bytes, here through ptys and sockets."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import serial  # type: ignore[import-untyped]

from ska_edge.device.port.errors import Holder, holders, refusal
from ska_edge.device.port.port import FASTEST, SLOWEST, Port, list_ports, resolve
from ska_edge.errors import ContactLost, DeviceError
from tests.signals import heeded
from tests.ska_edge.device.port.terminal import Terminal, command, opening

# pyserial's RFC 2217 code uses old names of the standard library.
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name)\\(:DeprecationWarning")

StartBridge = Callable[[str, str], Any]  # starts a `Bridge` of conftest.py
ROOT = Path(__file__).parents[4]
EVERY_BYTE = bytes(range(256)) * 4  # with telnet's escape, 0xff, and every control character


def arriving(port: Port, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += port.read()
    return data


# --- names ----------------------------------------------------------------------------------------


def system_port(
    path: str,
    serial_number: str | None = None,
    hwid: str = "USB",
    usb: tuple[int, int] | None = None,
) -> SimpleNamespace:
    vid, pid = usb or (None, None)
    return SimpleNamespace(
        device=path,
        description=f"at {path}",
        hwid=hwid,
        serial_number=serial_number,
        vid=vid,
        pid=pid,
    )


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    ports = [
        system_port("/dev/ttyUSB1", "FT2"),
        system_port("/dev/ttyUSB0", "FT2"),
        system_port("/dev/ttyACM0", "E6614C"),
        system_port("/dev/ttyS0", hwid="n/a"),
    ]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    return ports


def test_a_port_tells_the_numbers_of_its_usb_device(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [system_port("/dev/ttyACM0", usb=(0x2341, 0x43)), system_port("/dev/ttyS0", hwid="n/a")]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    assert [port.usb for port in list_ports()] == ["2341:0043", None]


def test_ports_are_listed_by_path(listed: list[SimpleNamespace]) -> None:
    found = [
        (port.path, port.description, port.present, port.serial_number) for port in list_ports()
    ]
    assert found == [
        ("/dev/ttyACM0", "at /dev/ttyACM0", True, "E6614C"),
        ("/dev/ttyS0", "at /dev/ttyS0", False, None),
        ("/dev/ttyUSB0", "at /dev/ttyUSB0", True, "FT2"),
        ("/dev/ttyUSB1", "at /dev/ttyUSB1", True, "FT2"),
    ]


@pytest.mark.parametrize("name", ["E6614C", "usb:E6614C"])
def test_a_serial_number_means_the_port_of_its_device_now(
    listed: list[SimpleNamespace], name: str
) -> None:
    assert resolve(name) == "/dev/ttyACM0"
    listed[2].device = "/dev/ttyACM1"  # the device is plugged in again
    assert resolve(name) == "/dev/ttyACM1"


@pytest.mark.parametrize("name", ["e6614c", "E6614", "None", "usb:", "usb:None", "usb:e6614c"])
def test_a_serial_number_is_taken_exactly(listed: list[SimpleNamespace], name: str) -> None:
    with pytest.raises(DeviceError, match="ska-edge ports"):
        resolve(name)


@pytest.mark.parametrize("name", ["FT2", "usb:FT2"])
def test_a_serial_number_of_two_ports_names_both(listed: list[SimpleNamespace], name: str) -> None:
    with pytest.raises(DeviceError, match=r"2 ports have .*'FT2' \(/dev/ttyUSB0, /dev/ttyUSB1\)"):
        resolve(name)


def test_a_pattern_means_the_one_port_that_fits(tmp_path: Path) -> None:
    for name in ("usb-SEGGER-1", "usb-SEGGER-2", "usb-FTDI-3"):
        (tmp_path / name).touch()
    assert resolve(f"{tmp_path}/*FTDI*") == f"{tmp_path}/usb-FTDI-3"
    assert resolve(f"{tmp_path}/usb-SEGGER-[2-9]") == f"{tmp_path}/usb-SEGGER-2"
    with pytest.raises(DeviceError) as caught:
        resolve(f"{tmp_path}/*SEGGER*")
    assert f"2 ports match '{tmp_path}/*SEGGER*'" in str(caught.value)
    assert f"({tmp_path}/usb-SEGGER-1, {tmp_path}/usb-SEGGER-2)" in str(caught.value)
    with pytest.raises(DeviceError, match=r"no port matches '.*none\*'"):
        resolve(f"{tmp_path}/none*")


def test_two_links_to_one_port_are_one_port(tmp_path: Path, terminal: Terminal) -> None:
    for name in ("by-path", "by-id"):
        (tmp_path / name).symlink_to(terminal.path)
    assert resolve(f"{tmp_path}/by-*") == f"{tmp_path}/by-id"


def test_a_path_with_brackets_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "port[1]"
    path.touch()
    assert resolve(str(path)) == str(path)


@pytest.mark.parametrize("name", ["/dev/no-such-port", "no-such-number", "", "ttyACM0"])
def test_a_port_that_is_not_there(listed: list[SimpleNamespace], name: str) -> None:
    assert f"there is no port {name or repr('')}: `ska-edge ports` lists" in opening(name)


@pytest.mark.parametrize(
    "address", ["socket://host:1", "rfc2217://host:65535?ign_set_control", "SOCKET://[::1]:7000"]
)
def test_an_address_is_not_resolved(address: str) -> None:
    assert resolve(address) == address


# --- speed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "baud", [SLOWEST, 9600, 76800, 115200, 230400, 250000, 460800, 500000, FASTEST]
)
def test_every_speed_reaches_the_terminal(terminal: Terminal, baud: int) -> None:
    before = terminal.speed()
    with Port(terminal.path, baud=baud):
        assert terminal.speed() == baud
    assert terminal.speed() == before


@pytest.mark.parametrize("baud", [250000, 921600])
def test_a_driver_that_takes_another_speed(
    terminal: Terminal, baud: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = termios.tcgetattr

    def stays_at_9600(number: int) -> list[Any]:
        settings = real(number)
        settings[4] = settings[5] = termios.B9600
        return settings

    monkeypatch.setattr(termios, "tcgetattr", stays_at_9600)
    assert f"the port {terminal.path} does not run at {baud} baud" in opening(
        terminal.path, baud=baud
    )
    Port(terminal.path, baud=9600).close()


def test_a_speed_that_the_system_refuses_is_an_error(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def invalid(*_: Any) -> None:
        raise termios.error(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(termios, "tcsetattr", invalid)
    assert "does not run at 460800 baud" in opening(terminal.path, baud=460800)


# --- an open port ---------------------------------------------------------------------------------


def test_bytes_go_both_ways_unchanged(terminal: Terminal) -> None:
    with Port(terminal.path) as port:
        port.write(EVERY_BYTE)
        assert terminal.gets(len(EVERY_BYTE)) == EVERY_BYTE
        os.write(terminal.far, EVERY_BYTE)
        assert arriving(port, len(EVERY_BYTE)) == EVERY_BYTE
        assert port.received == len(EVERY_BYTE)
        os.write(terminal.far, b"x")
        assert arriving(port, 1) == b"x"
        assert port.read() == b""
        assert (port.name, port.path) == (terminal.path, terminal.path)


def test_settings_and_lock_are_as_before_when_it_ends(terminal: Terminal) -> None:
    settings = termios.tcgetattr(terminal.near)
    settings[0] |= termios.ICRNL
    settings[3] |= termios.ECHO | termios.ICANON
    settings[4] = settings[5] = termios.B2400
    termios.tcsetattr(terminal.near, termios.TCSANOW, settings)
    before = terminal.settings()
    with Port(terminal.path) as port:
        assert terminal.settings() != before
    assert terminal.settings() == before
    port.close()
    with pytest.raises(RuntimeError, match="mine"), Port(terminal.path):
        raise RuntimeError("mine")
    assert terminal.settings() == before
    assert holders(terminal.path) == [Holder(os.getpid(), command(os.getpid()), False)]


def test_unsent_bytes_are_dropped_when_a_port_closes() -> None:
    """The system has sent a part; the rest of its buffer must not arrive later."""

    def left(fill: Callable[[str], None]) -> int:
        terminal, count = Terminal(), 0
        fill(terminal.path)
        os.close(terminal.near)  # reading ends after the bytes that have arrived
        with contextlib.suppress(OSError):
            while True:
                count += len(os.read(terminal.far, 65536))
        os.close(terminal.far)
        return count

    def plainly(path: str) -> None:
        number = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(number, bytes(100000))
        os.close(number)

    def by_port(path: str) -> None:
        with Port(path, write_timeout=0.1) as port, pytest.raises(DeviceError):
            port.write(bytes(100000))

    given = 4096  # size of a terminal's input buffer: closing cannot drop the bytes in it
    assert left(by_port) <= given < left(plainly)


WAIT = """
import sys
from ska_edge.device.port.port import Port
with Port(sys.argv[1]) as port:
    print("open", flush=True)
    while True:
        port.read()
"""


def test_ctrl_c_leaves_the_port_clean(terminal: Terminal) -> None:
    before = terminal.settings()
    with (
        heeded(),
        subprocess.Popen(
            [sys.executable, "-c", WAIT, terminal.path],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        assert terminal.settings() != before
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert terminal.settings() == before
    Port(terminal.path).close()


def test_a_port_with_nothing_to_read_is_explained_in_plain_words(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Port(terminal.path)
    os.write(terminal.far, b"x")
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", lambda *_: b"")  # another program has read the bytes
        with pytest.raises(ContactLost) as caught:
            port.read()
    port.close()
    assert str(caught.value) == (
        f"the port {terminal.path} is gone (the device was unplugged, or another program reads the"
        " port): plug it in again, or end that program"
    )


def test_a_device_that_is_unplugged(terminal: Terminal) -> None:
    port = Port(terminal.path)
    os.write(terminal.far, b"last words")
    assert arriving(port, 10) == b"last words"
    terminal.hang_up()
    for _ in range(2):
        with pytest.raises(
            ContactLost, match=r"is gone .*(device was|was the device) unplugged"
        ) as caught:
            port.read()
        assert caught.value.exit_code == 3
        with pytest.raises(ContactLost, match="is gone"):
            port.write(b"x")
    port.close()
    port.close()


def test_a_device_that_accepts_no_bytes_is_an_error(terminal: Terminal) -> None:
    with (
        Port(terminal.path, write_timeout=0.1) as port,
        pytest.raises(ContactLost, match="accepts no bytes"),
    ):
        port.write(bytes(1000000))


# --- bridges --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_bytes_go_both_ways_through_a_bridge_until_it_ends(
    terminal: Terminal, bridge: StartBridge, scheme: str
) -> None:
    server = bridge(terminal.path, scheme)
    with Port(server.address, baud=57600) as port:
        assert port.path == server.address
        assert terminal.speed() == (57600 if scheme == "rfc2217" else 9600)
        port.write(EVERY_BYTE)
        assert terminal.gets(len(EVERY_BYTE)) == EVERY_BYTE
        os.write(terminal.far, EVERY_BYTE)
        assert arriving(port, len(EVERY_BYTE)) == EVERY_BYTE
        assert port.received == len(EVERY_BYTE)
        server.stop()
        with pytest.raises(ContactLost, match=f"the connection to {server.address} ended"):
            while True:
                port.read()


def test_bytes_sent_before_a_connection_ended_are_read() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Port(f"socket://127.0.0.1:{server.getsockname()[1]}") as port,
    ):
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"x")
            assert arriving(port, 1) == b"x"
            connection.sendall(EVERY_BYTE)
        assert arriving(port, len(EVERY_BYTE)) == EVERY_BYTE
        with pytest.raises(ContactLost):
            port.read()
        with pytest.raises(ContactLost):
            while True:
                port.write(EVERY_BYTE)


@pytest.fixture
def unused() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    assert isinstance(number, int)
    return number


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_a_connection_that_is_refused(scheme: str, unused: int) -> None:
    sentence = opening(f"{scheme}://127.0.0.1:{unused}")
    assert f"127.0.0.1:{unused} refused the connection: check the port's number" in sentence


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "there is no host 'board.lan'"),
        (TimeoutError("timed out"), "board.lan:7000 does not answer: check the address"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "board.lan:7000 does not answer"),
        (ConnectionRefusedError(errno.ECONNREFUSED, ""), "board.lan:7000 refused the connection"),
    ],
)
def test_a_connection_that_fails(
    monkeypatch: pytest.MonkeyPatch, scheme: str, error: OSError, words: str
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", failing)
    assert words in opening(f"{scheme}://board.lan:7000")


def test_a_failed_reopening_does_not_quote_the_error_of_the_lost_port() -> None:
    error = serial.SerialException("it waited in vain")
    error.__context__ = ContactLost("it was unplugged")  # unplugged again during the reopening
    sentence = refusal("rfc2217://board.lan:7000", 9600, error)
    assert sentence == (
        "the connection to rfc2217://board.lan:7000 cannot be opened (it waited in vain)"
    )


def test_a_plain_connection_is_not_an_rfc2217_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
        sentence = opening(f"rfc2217://{place}?timeout=0.1")
    assert sentence == (
        f"{place} does not speak RFC 2217: name a plain connection socket://{place}"
    )


def test_a_bridge_without_the_wanted_speed_is_an_error(
    terminal: Terminal, bridge: StartBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_9600(_: serial.SerialBase, baud: int) -> None:
        if baud != 9600:
            raise ValueError("not here")

    server = bridge(terminal.path, "rfc2217")
    speed = property(serial.SerialBase.baudrate.fget, only_9600)
    monkeypatch.setattr(type(server.line), "baudrate", speed, raising=False)
    assert "refuses 115200 baud" in opening(server.address)
