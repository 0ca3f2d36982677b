"""Telemetry goes over a real broker, mosquitto, on a free port of the loopback interface."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ska_edge.errors import InputError, ToolError
from ska_edge.monitor.log.line import LogRow, Save
from ska_edge.monitor.sinks.mqtt import Access, Publisher, access_of, device_name, parse_address
from tests.conftest import without

LIMIT = 60  # seconds after which a broker or a message counts as lost
BROKER = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[[int], Callable[[], None]]]:
    """Return a function that starts a broker at a port and returns a function that ends it."""
    pytest.importorskip("paho.mqtt.client")
    if BROKER is None:
        without("mosquitto is not installed")
    with ExitStack() as stack:

        def start(port: int) -> Callable[[], None]:
            config = tmp_path / "mosquitto.conf"
            config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
            process = subprocess.Popen(
                [str(BROKER), "-c", str(config)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

            def end() -> None:
                process.terminate()
                process.wait()

            stack.callback(end)
            return end

        yield start


class Subscriber:
    """Collects the messages that a broker passes on, as (topic, payload, retained)."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, bool]] = []
        self._change = threading.Condition()
        self.subscribed = threading.Event()

    def take(self, topic: str, payload: str, retained: bool) -> None:
        with self._change:
            self.messages.append((topic, payload, retained))
            self._change.notify_all()

    def wait_for(self, topic: str, payload: str) -> None:
        with self._change:
            found = self._change.wait_for(
                lambda: (topic, payload) in [message[:2] for message in self.messages], LIMIT
            )
        assert found, self.messages

    def of(self, topic: str) -> list[str]:
        return [payload for at, payload, _ in self.messages if at == topic]


@contextmanager
def subscribed(port: int) -> Iterator[Subscriber]:
    """Subscribe to everything that devices publish, and wait until the broker confirms it."""
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    subscriber = Subscriber()
    client = paho.Client(CallbackAPIVersion.VERSION2)

    def take(_client: Any, _data: Any, message: Any) -> None:
        subscriber.take(message.topic, message.payload.decode(), message.retain)

    client.on_connect = lambda client, *_: client.subscribe("ska-edge/#", 1)
    client.on_subscribe = lambda *_: subscriber.subscribed.set()
    client.on_message = take
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    try:
        assert subscriber.subscribed.wait(LIMIT)
        yield subscriber
    finally:
        client.disconnect()
        client.loop_stop()


def no_warning(sentence: str) -> None:
    raise AssertionError(sentence)


def test_every_line_reaches_a_subscriber(start_broker: Callable) -> None:
    port = free_port()
    start_broker(port)
    with subscribed(port) as subscriber:
        publisher = Publisher(f"127.0.0.1:{port}", "board-1", no_warning)
        publisher.status("learning")
        lines = [LogRow(number, 0, (number, -1)) for number in range(300)]
        for line in lines:
            publisher.line(line)
        publisher.status("ended")
        publisher.close()
        subscriber.wait_for("ska-edge/board-1/status", "ended")
        published = [json.loads(text) for text in subscriber.of("ska-edge/board-1/telemetry")]
        assert published == [line.as_dict() for line in lines]
        assert subscriber.of("ska-edge/board-1/status") == ["learning", "ended"]
    with subscribed(port) as later:
        later.wait_for("ska-edge/board-1/status", "ended")
        assert later.messages == [("ska-edge/board-1/status", "ended", True)]


def test_a_monitor_that_is_killed_leaves_its_last_will(start_broker: Callable) -> None:
    port = free_port()
    start_broker(port)
    program = (
        "from ska_edge.monitor.sinks.mqtt import Publisher\n"
        f"publisher = Publisher('127.0.0.1:{port}', 'board 2/x', print)\n"
        "publisher.status('learning')\n"
        "input()\n"
    )
    with subscribed(port) as subscriber:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
        )
        subscriber.wait_for("ska-edge/board-2-x/status", "learning")
        process.kill()
        process.communicate()
        subscriber.wait_for("ska-edge/board-2-x/status", "offline")
    with subscribed(port) as later:
        later.wait_for("ska-edge/board-2-x/status", "offline")
        assert later.messages[-1][2], "the last will is retained"


def test_a_broker_that_starts_late_gets_earlier_messages(start_broker: Callable) -> None:
    port, warnings = free_port(), []
    warned = threading.Event()

    def warn(sentence: str) -> None:
        warnings.append(sentence)
        warned.set()

    publisher = Publisher(f"127.0.0.1:{port}", "board", warn)
    assert warned.wait(LIMIT)
    publisher.line(Save(1))
    publisher.status("learning")
    start_broker(port)
    with subscribed(port) as subscriber:
        subscriber.wait_for("ska-edge/board/status", "learning")
    publisher.close()
    (sentence,) = warnings
    assert f"the MQTT broker at 127.0.0.1:{port} does not answer" in sentence


def test_a_broker_that_restarts_gets_later_messages(start_broker: Callable) -> None:
    port, warnings = free_port(), []
    warned = threading.Event()

    def warn(sentence: str) -> None:
        warnings.append(sentence)
        warned.set()

    end = start_broker(port)
    with subscribed(port) as subscriber:
        publisher = Publisher(f"127.0.0.1:{port}", "board", warn)
        publisher.status("learning")
        subscriber.wait_for("ska-edge/board/status", "learning")
        subscriber.subscribed.clear()
        end()
        assert warned.wait(LIMIT)
        publisher.status("waiting")
        start_broker(port)
        assert subscriber.subscribed.wait(LIMIT)
        subscriber.wait_for("ska-edge/board/status", "waiting")
        publisher.status("ended")
        publisher.close()
        subscriber.wait_for("ska-edge/board/status", "ended")
    assert len(warnings) == 1
    assert "has gone" in warnings[0]


def test_messages_that_no_broker_received_are_counted() -> None:
    pytest.importorskip("paho.mqtt.client")
    warnings: list[str] = []
    publisher = Publisher(f"127.0.0.1:{free_port()}", "board", warnings.append)
    for number in range(3):
        publisher.line(Save(number))
    for _ in range(2):
        publisher._client.on_connect_fail(publisher._client, None)  # the client retries forever
    publisher.close()
    assert len(warnings) == 2
    assert "does not answer" in warnings[0]
    assert warnings[1].startswith("3 messages did not reach the MQTT broker at 127.0.0.1:")


def test_without_paho_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    with pytest.raises(ToolError, match=r"pip install '\.\[mqtt\]'"):
        Publisher("127.0.0.1", "board", no_warning)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("broker", ("broker", 1883)),
        ("10.0.0.7:1884", ("10.0.0.7", 1884)),
        ("[::1]:1884", ("::1", 1884)),
        ("[::1]", ("::1", 1883)),
        ("mqtts://broker", ("broker", 8883)),
        ("mqtts://[::1]:1884", ("::1", 1884)),
    ],
)
def test_a_broker_address_has_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1883",
        "host:",
        "host:x",
        "host:0",
        "host:65536",
        "::1",
        "mqtt://host",
        "mqtts://",
        "mqtts://a/b",
        "a b",
    ],
)
def test_an_impossible_broker_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no address of an MQTT broker"):
        parse_address(text)


@pytest.mark.parametrize(
    ("port", "name"),
    [
        ("/dev/ttyACM0", "b-ttyACM0"),
        ("/dev/pts/3", "b-3"),
        ("socket://10.0.0.1:7", "b-10.0.0.1:7"),
        ("COM3", "b-COM3"),
        ("/dev/a+b#c d", "b-a-b-c-d"),
    ],
)
def test_a_device_is_named_by_its_board_and_port(port: str, name: str) -> None:
    assert device_name("b", port) == name


# --- encrypted, with a password -------------------------------------------------------------------


def certificate(folder: Path, name: str) -> Path:
    """Write a key and a self-signed certificate for a broker at 127.0.0.1.

    The certificate is its own authority. Return its path.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        without("openssl is not installed")
    path = folder / f"{name}.pem"
    subprocess.run(
        [str(openssl), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(path.with_suffix(".key")), "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.fixture
def safe_broker(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Start an encrypted broker for the user `me`; return its port and certificate."""
    pytest.importorskip("paho.mqtt.client")
    tool = shutil.which("mosquitto_passwd")
    if BROKER is None or tool is None:
        without("mosquitto is not installed")
    port, path, users = free_port(), certificate(tmp_path, "broker"), tmp_path / "users"
    users.touch(mode=0o600)
    subprocess.run([str(tool), "-b", str(users), "me", "secret"], check=True, capture_output=True)
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {users}\n"
        f"certfile {path}\nkeyfile {path.with_suffix('.key')}\n"
    )
    process = subprocess.Popen(
        [str(BROKER), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield port, path
    process.terminate()
    process.wait()


def delivered(address: str, access: Access) -> list[str]:
    """Publish one message after the broker has started; return the publisher's notices."""
    warnings: list[str] = []
    for _ in range(100):  # wait until the broker listens
        with contextlib.suppress(OSError), socket.create_connection(parse_address(address)):
            break
        time.sleep(0.05)
    publisher = Publisher(address, "board", warnings.append, access)
    publisher.line(Save(1))
    publisher.close()
    return warnings


@pytest.mark.parametrize("kept", ["environment", "file"])
def test_an_encrypted_broker_with_a_password(
    safe_broker: tuple[int, Path], tmp_path: Path, kept: str
) -> None:
    port, ca = safe_broker
    (tmp_path / "password").write_text("secret\n")
    words = (
        {"SKA_EDGE_MQTT_PASSWORD": "secret"}
        if kept == "environment"
        else {"SKA_EDGE_MQTT_PASSWORD_FILE": str(tmp_path / "password")}
    )
    address = f"mqtts://127.0.0.1:{port}"
    access = access_of(address, ca, {"SKA_EDGE_MQTT_USER": "me", **words})
    assert "secret" not in repr(access)
    assert delivered(address, access) == []


def test_a_broker_that_does_not_know_the_password(safe_broker: tuple[int, Path]) -> None:
    port, ca = safe_broker
    address = f"mqtts://127.0.0.1:{port}"
    wrong = {"SKA_EDGE_MQTT_USER": "me", "SKA_EDGE_MQTT_PASSWORD": "guess"}
    first, lost = delivered(address, access_of(address, ca, wrong))
    assert "refuses the connection" in first
    assert "1 message did not reach" in lost
    assert "guess" not in first + lost


# If the handshake fails, the client leaves its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_certificate_that_is_not_trusted(safe_broker: tuple[int, Path], tmp_path: Path) -> None:
    port, _ = safe_broker
    address = f"mqtts://127.0.0.1:{port}"
    first, _ = delivered(address, access_of(address, certificate(tmp_path, "other"), {}))
    assert "does not answer, or its certificate is not trusted on this computer" in first


@pytest.mark.parametrize(
    ("address", "ca", "environment", "words"),
    [
        ("host", "ca.pem", {}, "a CA file is for an encrypted connection: write mqtts://host"),
        ("mqtts://host", "none.pem", {}, "cannot read none.pem"),
        ("host", None, {"SKA_EDGE_MQTT_PASSWORD": "x"}, "set SKA_EDGE_MQTT_USER, too"),
        ("host", None, {"SKA_EDGE_MQTT_PASSWORD_FILE": "nowhere"}, "cannot read nowhere"),
        (
            "host",
            None,
            {"SKA_EDGE_MQTT_PASSWORD": "x", "SKA_EDGE_MQTT_PASSWORD_FILE": "y"},
            "both set",
        ),
    ],
)
def test_incomplete_access_to_a_broker_is_refused(
    address: str, ca: str | None, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        access_of(address, Path(ca) if ca else None, environment)


def test_a_broker_that_sends_a_huge_packet_loses_contact() -> None:
    """The broker announces 256 MB; the client ends the connection long before all have arrived."""
    pytest.importorskip("paho.mqtt.client")
    ended, taken = threading.Event(), []

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"\x20\x02\0\0" + b"\x30\xff\xff\xff\x7f")  # CONNACK, PUBLISH
            with contextlib.suppress(OSError):
                while not ended.is_set():
                    connection.sendall(bytes(65536))
                    taken.append(65536)
                    if sum(taken) > 2**26:
                        return
        ended.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        warned = threading.Event()
        port = server.getsockname()[1]
        publisher = Publisher(f"127.0.0.1:{port}", "board", lambda _: warned.set())
        assert warned.wait(LIMIT)
        ended.set()
        thread.join()
        publisher.close()
    assert sum(taken) < 2**26
