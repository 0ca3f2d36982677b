"""A stopped stream lets the device learn the rows in flight; it does not wait for a lost device."""

from __future__ import annotations

import threading

import pytest

from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Stream
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.wire.frame import Frame
from ska_edge.wire.protocol import BY_NAME
from tests.fake_device import DIGEST, FakeDevice
from tests.ska_edge.streamed import INPUT, LABELS, NOTHING, ROWS, SAMPLE, rows


@pytest.mark.parametrize("credit", [1, 4])
def test_a_stopped_stream_ends_when_the_rows_in_flight_are_learned(
    device: FakeDevice, credit: int
) -> None:
    device.credit = credit
    stop = threading.Event()
    connect = lambda: Link(device.port, timeout=20, stop=stop)  # noqa: E731
    stream = Stream(connect, DIGEST, patience=20, want=NOTHING, stop=stop)
    found = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Sample) and event.row == 9:
            stop.set()
    assert rows(found) == list(range(len(device.learned)))
    assert 10 <= len(device.learned) <= 10 + credit
    assert stream.link.hello().samples == stream.samples == len(device.learned)
    assert list(stream.learn(INPUT, LABELS)) == []
    stream.close()


def test_a_stopped_stream_gives_up_rows_that_are_never_answered(
    device: FakeDevice,
) -> None:
    """One row is answered; the two after it are in flight and never answered."""
    device.credit = 3
    device.respond = lambda frame: (
        b"" if frame.code == SAMPLE and device.samples == 1 else device.answer(frame)
    )
    stop = threading.Event()
    connect = lambda: Link(device.port, timeout=0.1, tries=3, stop=stop)  # noqa: E731
    stream = Stream(connect, DIGEST, patience=10**9, want=NOTHING, stop=stop)
    learned = stream.learn(INPUT, LABELS)
    next(learned)
    stop.set()
    with pytest.raises(ContactLost, match="stopped answering"):
        list(learned)
    stream.close()
    assert device.names().count("SAMPLE") == 1 + 2 * 3


@pytest.mark.parametrize("lost", ["SAMPLE", "SAVE", "HELLO"])
def test_a_request_whose_answer_is_lost_after_a_stop_is_sent_again(
    device: FakeDevice, lost: str
) -> None:
    """The lost answer belongs to the last row, the save after it, or the HELLO that ends a log."""
    stop = threading.Event()
    connect = lambda: Link(device.port, timeout=0.1, stop=stop)  # noqa: E731
    stream = Stream(connect, DIGEST, patience=20, want=NOTHING, stop=stop)
    frames: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        answer = device.answer(frame)
        if device.samples < 3 or frame.code != BY_NAME[lost].code or len(frames) == 2:
            return answer
        stop.set()
        frames.append(frame)
        return b""

    device.respond = respond
    found = [event for event in stream.learn(INPUT, LABELS) if isinstance(event, Sample)]
    assert len(found) == len(device.learned) == (3 if lost == "SAMPLE" else ROWS)
    assert all(event.result is not None for event in found)
    assert list(stream.ask(Link.save)) == list(stream.ask(Link.hello)) == []
    stream.close()
    assert len(frames) == 2
    assert stop.is_set()
    assert device.saves == 1


def test_a_stopped_link_does_not_wait_for_a_device_to_boot(device: FakeDevice) -> None:
    stop = threading.Event()
    device.respond = lambda _: b""
    stop.set()
    with (
        Link(device.port, timeout=0.1, tries=2, stop=stop) as link,
        pytest.raises(DeviceError, match="does not answer"),
    ):
        link.hello()
    assert device.names() == ["HELLO"] * 2


def test_a_stop_ends_the_wait_for_a_device(device: FakeDevice) -> None:
    stop, said = threading.Event(), []

    def lost(reason: ContactLost) -> None:
        said.append(str(reason))
        stop.set()

    connect = lambda: Link(device.port, timeout=0.1, stop=stop)  # noqa: E731
    stream = Stream(connect, DIGEST, patience=10**9, want=NOTHING, stop=stop, lost=lost)
    learned = stream.learn(INPUT, LABELS)
    next(learned)
    device.respond = lambda _: b""
    with pytest.raises(ContactLost) as caught:
        list(learned)
    stream.close()
    assert said == [str(caught.value)]


def test_without_patience_no_wait_is_announced(device: FakeDevice) -> None:
    said: list[ContactLost] = []
    connect = lambda: Link(device.port, timeout=0.1)  # noqa: E731
    stream = Stream(connect, DIGEST, want=NOTHING, lost=said.append)
    learned = stream.learn(INPUT, LABELS)
    next(learned)
    device.respond = lambda _: b""
    with pytest.raises(ContactLost):
        list(learned)
    stream.close()
    assert said == []
