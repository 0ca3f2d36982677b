"""`monitor` with real firmware publishes to an MQTT broker, and goes on without a broker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Start
from tests.cli.iris_log import ROWS, published_lines_of, rows_of
from tests.ska_edge.monitor.sinks.test_mqtt import free_port, start_broker, subscribed

__all__ = ["start_broker"]  # the tests use this imported fixture


def test_a_broker_gets_every_line_of_every_device(
    ska_edge, iris_file: Path, start_board: Start, start_broker: Callable
) -> None:
    broker = free_port()
    start_broker(broker)
    ports = [start_board("host", f"board-{number}") for number in range(2)]
    named = [part for port in ports for part in ("--port", port)]
    with subscribed(broker) as subscriber:
        outcome = ska_edge(
            "monitor", iris_file, "iris", *named, "--samples", ROWS, "--log", "s.jsonl",
            "--mqtt", f"127.0.0.1:{broker}", "--name", "left", "--name", "right",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        for number, name in enumerate(("left", "right"), 1):
            subscriber.wait_for(f"ska-edge/{name}/status", "ended")
            published = [json.loads(text) for text in subscriber.of(f"ska-edge/{name}/telemetry")]
            assert published == published_lines_of(f"s-{number}.jsonl")
            assert len(rows_of(published)) == ROWS
            assert subscriber.of(f"ska-edge/{name}/status") == ["learning", "ended"]


def test_two_devices_with_the_same_name_are_refused(
    ska_edge, iris_file: Path, start_board: Start
) -> None:
    """The default name of a device is derived from its port."""
    pytest.importorskip("paho.mqtt.client")
    for number in range(2):
        Path(f"bench-{number}").mkdir()
        Path(f"bench-{number}/tty").symlink_to(start_board("host", f"board-{number}"))
    ports = ("--port", "bench-0/tty", "--port", "bench-1/tty")
    outcome = ska_edge("monitor", iris_file, "iris", *ports, "--mqtt", f"127.0.0.1:{free_port()}")
    assert outcome.code == 2
    assert "bench-0/tty and bench-1/tty would both be called host-tty: give" in outcome.err


def test_a_device_has_a_default_name(
    ska_edge, iris_file: Path, start_board: Start, start_broker: Callable
) -> None:
    broker = free_port()
    start_broker(broker)
    port = start_board("host", "board")
    with subscribed(broker) as subscriber:
        arguments = ("monitor", iris_file, "iris", "--port", port, "--samples", 2)
        assert ska_edge(*arguments, "--mqtt", f"127.0.0.1:{broker}").code == 0
        subscriber.wait_for(f"ska-edge/host-{Path(port).name}/status", "ended")


def test_devices_learn_even_without_a_broker(ska_edge, iris_file: Path, start_board: Start) -> None:
    pytest.importorskip("paho.mqtt.client")
    port = start_board("host", "board")
    outcome = ska_edge(
        "monitor", iris_file, "iris", "--port", port, "--samples", ROWS, "--json",
        "--mqtt", f"127.0.0.1:{free_port()}",
    )  # fmt: skip
    assert outcome.code == 0
    assert outcome.document()["samples"] == ROWS
    assert (
        sum("does not answer; the devices keep" in line for line in outcome.err.splitlines()) == 1
    )
