"""A stream goes on after lost contact, whether the device kept running or restarted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ska_edge.device import session as session_module
from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Reconnection, Stream
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.wire.frame import Frame
from ska_edge.wire.protocol import BY_NAME, Capability, Status
from tests.fake_device import DIGEST, FakeDevice
from tests.ska_edge.streamed import ALL, INPUT, LABELS, NOTHING, ROWS, SAMPLE, opened, rows

# --- contact lost and found -----------------------------------------------------------------------


def test_a_stream_continues_after_the_device_was_unplugged(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = opened(device)
    found: list[Sample | Reconnection] = []
    told: list[tuple[int, int]] = []
    for event in stream.learn(
        INPUT, LABELS, lambda sample: told.append((sample.row, sample.samples))
    ):
        found.append(event)
        if isinstance(event, Sample) and event.row == 9:
            stream.link.close()  # from here on, every use of the port fails
    stream.close()
    assert device.learned == ALL
    assert list(dict.fromkeys(told)) == [(row, row + 1) for row in range(ROWS)]
    assert rows(found) == list(range(ROWS))
    (interrupted,) = [event for event in found if isinstance(event, Reconnection)]
    assert not interrupted.fell_back
    assert interrupted.info.samples == 10


@pytest.mark.parametrize("saved", [4, 10, 11, 13, 40])
def test_a_stream_continues_from_the_save_of_a_restarted_device(
    device: FakeDevice, saved: int
) -> None:
    """The save is behind the host, equal to it, ahead by the rows in flight, or ahead by more."""
    device.credit = 3
    stream = opened(device)
    found: list[Sample | Reconnection] = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Sample) and event.row == 9:
            sent = len(device.learned)
            device.restart(samples=saved)
    stream.close()
    assert rows(found) == list(range(ROWS))
    (interrupted,) = [event for event in found if isinstance(event, Reconnection)]
    assert interrupted.fell_back
    assert interrupted.info.samples == saved
    assert device.learned == ALL[: min(saved, sent)] + ALL[-(device.samples - saved) :]
    counts = [event.samples for event in found if isinstance(event, Sample)]
    assert counts[-(device.samples - saved) :] == list(range(saved + 1, device.samples + 1))
    before = found[: found.index(interrupted)]
    assert device.samples - saved == ROWS - len(before) >= ROWS - sent


@pytest.mark.parametrize("more", [2, 100, -5])
def test_a_stream_ends_if_another_program_uses_the_device(device: FakeDevice, more: int) -> None:
    """The rows in flight do not explain the device's number of samples."""
    stream = opened(device)
    with pytest.raises(DeviceError, match=f"has {10 + more} samples, not 10 .* nobody else use it"):
        for event in stream.learn(INPUT, LABELS):
            if isinstance(event, Sample) and event.row == 9:
                stream.link.close()
                device.samples += more
    stream.close()


def test_a_reset_by_another_program_is_reported_as_a_rollback(device: FakeDevice) -> None:
    stream = opened(device)
    found: list[Sample | Reconnection] = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Sample) and event.row == 9:
            stream.link.close()
            with Link(device.port) as other:
                other.reset()
                for x in INPUT[:11]:
                    other.learn(x.tolist(), 0, NOTHING)
    stream.close()
    (interrupted,) = [event for event in found if isinstance(event, Reconnection)]
    assert interrupted.fell_back
    assert interrupted.info.samples == 11
    assert rows(found) == list(range(ROWS))


def test_a_late_refusal_of_the_old_session_is_ignored(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new session continues the sequence numbers, so no request reuses one of a row in flight."""
    seq = [7]  # a new link's first sequence number follows this random number
    monkeypatch.setattr(session_module.os, "urandom", lambda count: bytes(seq * count))
    device.credit = 3
    stream = opened(device, timeout=0.3)
    found: list[Sample | Reconnection] = []
    old: list[int] = []

    def respond(frame: Frame) -> bytes:
        if frame.code != SAMPLE or not old:
            return device.answer(frame)
        late = b"".join(device.status(seq, Status.SEQUENCE, old[-1]) for seq in old)
        old.clear()
        return late  # the row itself is lost

    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Sample) and event.row == 9:
            stream.link.close()
            old += [frame.seq for frame in device.requests if frame.code == SAMPLE][:3]
            seq[0] = old[0] - 2  # the next number is HELLO's
            device.respond = respond
    stream.close()
    assert old == []
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL


def test_a_restart_is_reported_although_the_new_token_got_no_answer(device: FakeDevice) -> None:
    """The host must remember the device's restart even if the SET_TOKEN that follows gets no
    answer.
    """
    stream = opened(device, timeout=0.05)
    lost: list[Frame] = []
    found: list[Sample | Reconnection] = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Sample) and event.row == 9:
            device.restart(samples=10)
            lost = device.lose_answers("SET_TOKEN", 20)
    stream.close()
    (interrupted,) = [event for event in found if isinstance(event, Reconnection)]
    assert interrupted.fell_back
    assert len(lost) == 20
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL


def test_rows_learned_before_a_refused_row_are_reported(device: FakeDevice) -> None:
    """The answers to three rows and the refusal of the fourth arrive together."""
    device.credit = 4
    held: list[bytes] = []

    def respond(frame: Frame) -> bytes:
        if frame.code != SAMPLE:
            return device.answer(frame)
        if len(held) == 3:
            return b"".join(held) + device.refuse(frame, Status.LABEL, 3)
        held.append(device.answer(frame))
        return b""

    device.respond = respond
    stream = opened(device)
    found: list[Sample | Reconnection] = []
    with pytest.raises(DeviceError, match="refused SAMPLE: no class has this label"):
        found.extend(stream.learn(INPUT, LABELS))
    stream.close()
    assert rows(found) == [0, 1, 2]


def test_a_refused_row_shows_that_the_rows_before_it_were_learned(device: FakeDevice) -> None:
    """The answers to the earlier rows are lost, but the number of the refused row is the next."""
    device.credit = 3
    device.respond = lambda frame: (
        device.refuse(frame, Status.LABEL, 3)
        if device.samples == 2 and frame.code == SAMPLE
        else device.answer(frame) * (frame.code != SAMPLE)
    )
    stream = opened(device)
    found = []
    with pytest.raises(DeviceError, match="refused SAMPLE"):
        for event in stream.learn(INPUT, LABELS):
            found.append(event)
    stream.close()
    assert rows(found) == [0, 1]
    assert device.learned == ALL[:2]


@pytest.mark.parametrize("patience", [0, 0.3])
def test_a_device_that_does_not_come_back_is_an_error(device: FakeDevice, patience: float) -> None:
    stream = Stream(lambda: Link(device.port, timeout=0.1), DIGEST, patience=patience)
    learned = stream.learn(INPUT, LABELS)
    next(learned)
    device.respond = lambda _: b""
    with pytest.raises(ContactLost, match="stopped answering"):
        list(learned)
    stream.close()


def test_a_device_with_another_plan_at_the_same_port_is_refused(device: FakeDevice) -> None:
    stream = opened(device)
    learned = stream.learn(INPUT, LABELS)
    next(learned)
    other = {**device.welcome(), "digest": bytes(8)}
    device.respond = lambda frame: (
        device.reply(frame.seq, "WELCOME", other)
        if frame.code == BY_NAME["HELLO"].code
        else device.status(frame.seq, Status.SEQUENCE, 0xFFFF)
    )
    with pytest.raises(DeviceError, match="runs the plan 0000000000000000"):
        list(learned)
    stream.close()


def test_another_plan_is_refused_before_anything_is_sent(device: FakeDevice) -> None:
    with pytest.raises(DeviceError, match="runs the plan"):
        Stream(lambda: Link(device.port), "f" * 16)
    assert device.names() == ["HELLO"]


def test_a_row_that_the_device_refuses_ends_the_stream(device: FakeDevice) -> None:
    respond: Callable[[Frame], bytes] = lambda frame: (  # noqa: E731
        device.refuse(frame, Status.LABEL, 2)
        if frame.code == SAMPLE and device.samples == 2
        else device.answer(frame)
    )
    device.respond = respond
    stream = opened(device)
    with pytest.raises(DeviceError, match="refused SAMPLE: no class has this label"):
        list(stream.learn(INPUT, LABELS))
    stream.close()
    assert device.learned == ALL[:2]


# --- requests between rows ------------------------------------------------------------------------


def test_samples_learned_between_two_calls_of_a_stream_are_counted(device: FakeDevice) -> None:
    stream = opened(device)
    list(stream.learn(INPUT[:2], LABELS[:2]))
    stream.link.learn(INPUT[2].tolist(), int(LABELS[2]), NOTHING)
    found = [event for event in stream.learn(INPUT[3:], LABELS[3:]) if isinstance(event, Sample)]
    stream.close()
    assert [event.samples for event in found] == list(range(4, ROWS + 1))
    assert device.learned == ALL


def asked(stream: Stream, request: Callable[[Link], object] = Link.save) -> list[Reconnection]:
    try:
        return list(stream.ask(request))
    finally:
        stream.close()


def test_a_request_between_rows(device: FakeDevice) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    assert asked(stream) == []
    assert device.saves == 1


def test_a_request_is_sent_again_after_contact_was_lost(device: FakeDevice) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    stream.link.close()
    (interrupted,) = asked(stream)
    assert not interrupted.fell_back
    assert "is gone" in interrupted.reason
    assert device.saves == 1


@pytest.mark.parametrize("saved", [7, ROWS, ROWS + 1])
def test_a_request_to_a_device_that_started_again(device: FakeDevice, saved: int) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    device.restart(samples=saved)
    (interrupted,) = asked(stream)
    assert interrupted.fell_back
    assert (interrupted.info.samples, stream.samples, device.saves) == (saved, saved, 1)


def test_a_restart_is_reported_before_a_request_is_sent(device: FakeDevice) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    device.restart(samples=7)
    stream.link.hello()
    asking = stream.ask(Link.save)
    assert isinstance(next(asking), Reconnection)
    assert device.saves == 0
    assert list(asking) == []
    stream.close()
    assert device.saves == 1


@pytest.mark.parametrize("saved", [7, ROWS, ROWS + 1])
def test_hello_shows_that_a_device_started_again(device: FakeDevice, saved: int) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    device.restart(samples=saved)
    (interrupted,) = asked(stream, Link.hello)
    assert interrupted.fell_back
    assert "has started again, or was reset: connect again" in interrupted.reason


def test_hello_shows_that_somebody_else_uses_the_device(device: FakeDevice) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    device.samples += 1
    with pytest.raises(DeviceError, match="nobody else use it"):
        asked(stream, Link.hello)


def test_a_request_that_is_refused_is_not_made_again(device: FakeDevice) -> None:
    stream = opened(device)
    device.capabilities = int(Capability.LEARN)  # it cannot save
    stream.link.hello()
    with pytest.raises(DeviceError, match="cannot keep its state"):
        asked(stream)
