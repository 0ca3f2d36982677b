"""Telemetry over a real broker, mosquitto, on a free port of the loopback interface."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ska_edge.errors import InputError, ToolError
from ska_edge.monitor.log_line import LogRow, Save
from ska_edge.monitor.sinks.mqtt import Publisher, device_name, parse_address
from tests.conftest import without

LIMIT = 60  # seconds after which a broker or a message counts as lost
BROKER = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[[int], Callable[[], None]]]:
    """A function that starts a broker at a port and returns one that ends it."""
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
    """What a broker has passed on, as (topic, payload, retained)."""

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
    """A subscriber to all that devices publish; it waits until the broker is there."""
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


def test_a_broker_that_comes_late_gets_what_it_missed(start_broker: Callable) -> None:
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


def test_a_broker_that_goes_away_and_comes_back(start_broker: Callable) -> None:
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


def test_what_no_broker_ever_took_is_said() -> None:
    pytest.importorskip("paho.mqtt.client")
    warnings: list[str] = []
    publisher = Publisher(f"127.0.0.1:{free_port()}", "board", warnings.append)
    for number in range(3):
        publisher.line(Save(number))
    for _ in range(2):
        publisher._client.on_connect_fail(publisher._client, None)  # as it tries again and again
    publisher.close()
    assert len(warnings) == 2
    assert "does not answer" in warnings[0]
    assert warnings[1].startswith("3 messages did not reach the MQTT broker at 127.0.0.1:")


def test_without_paho_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    with pytest.raises(ToolError, match=r"pip install 'ska-edge\[mqtt\]'"):
        Publisher("127.0.0.1", "board", no_warning)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("broker", ("broker", 1883)),
        ("10.0.0.7:1884", ("10.0.0.7", 1884)),
        ("[::1]:1884", ("::1", 1884)),
        ("[::1]", ("::1", 1883)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":1883", "host:", "host:x", "host:0", "host:65536", "::1", "mqtt://host", "a b"]
)
def test_what_is_no_address(text: str) -> None:
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
def test_names_of_devices(port: str, name: str) -> None:
    assert device_name("b", port) == name
