"""Samples in a stream to a fake device: learned in order, each once, whatever comes between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from ska_edge import link as link_module
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.frame import Frame, FrameDecoder, encode_frame
from ska_edge.link import Link
from ska_edge.protocol import BY_NAME, COUNTED, Status, Want
from ska_edge.stream import Interrupted, Learned, Stream, Window
from tests.fake_device import CLASSES, DIGEST, INPUTS, LAYERS, FakeDevice

ROWS = 30
NOTHING = Want(0)
SAMPLE = BY_NAME["SAMPLE"].code
INPUT = np.arange(ROWS * INPUTS).reshape(ROWS, INPUTS) % 128
LABELS = np.arange(ROWS) % CLASSES
ALL = [(int(row[0]), int(label)) for row, label in zip(INPUT, LABELS, strict=True)]


@pytest.fixture
def device() -> Iterator[FakeDevice]:
    device = FakeDevice()
    yield device
    device.close()


def opened(
    device: FakeDevice, *, timeout: float = 20, patience: float = 20, want: Want = NOTHING
) -> Stream:
    """A stream whose link asks again only when something is missing."""
    connect = lambda: Link(device.port, timeout=timeout, tries=20)  # noqa: E731
    return Stream(connect, DIGEST, patience=patience, want=want)


def events(stream: Stream) -> list[Learned | Interrupted]:
    try:
        return list(stream.learn(INPUT, LABELS))
    finally:
        stream.close()


def rows(found: list[Learned | Interrupted]) -> list[int]:
    return [event.row for event in found if isinstance(event, Learned)]


# --- a good line ----------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 2, 5])
def test_all_rows_are_learned_in_order(device: FakeDevice, credit: int) -> None:
    device.credit = credit
    found = events(opened(device, want=Want.METRICS))
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL
    for event in found:
        assert isinstance(event, Learned)
        assert event.result is not None
        assert event.result.samples == event.samples == event.row + 1
        assert len(event.result.metrics) == LAYERS


def test_as_many_rows_are_under_way_as_the_device_has_room_for(device: FakeDevice) -> None:
    """The device answers nothing until it has been sent all it said it could take."""
    device.credit = 4
    waiting: list[Frame] = []
    most: list[int] = []

    def respond(frame: Frame) -> bytes:
        if frame.code != SAMPLE:
            return device.answer(frame)
        waiting.append(frame)
        most.append(len(waiting))
        answer = b""
        while len(waiting) == device.credit or len(waiting) == ROWS - len(device.learned) > 0:
            answer += device.answer(waiting.pop(0))
        return answer

    device.respond = respond
    assert rows(events(opened(device))) == list(range(ROWS))
    assert device.learned == ALL
    assert max(most) == device.credit


def test_the_rest_is_learned_when_the_caller_stops_between_rows(device: FakeDevice) -> None:
    stream = opened(device)
    for event in stream.learn(INPUT, LABELS):
        if isinstance(event, Learned) and event.row == 10:
            break
    assert stream.link.hello().samples == len(device.learned) == 11
    assert rows(list(stream.learn(INPUT[11:], LABELS[11:]))) == list(range(ROWS - 11))
    stream.close()
    assert device.learned == ALL


# --- a bad line -----------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 3])
def test_a_lost_request_is_sent_again_and_those_behind_it_too(
    device: FakeDevice, credit: int
) -> None:
    device.credit = credit
    lost: list[int] = []

    def respond(frame: Frame) -> bytes:
        number = (int.from_bytes(frame.payload[:4], "little") - device.token) % COUNTED
        if frame.code == SAMPLE and number in (3, 4, 17) and number not in lost:
            lost.append(number)
            return b""
        return device.answer(frame)

    device.respond = respond
    found = events(opened(device, timeout=0.3))
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL
    assert lost == [3, 4, 17]


@pytest.mark.parametrize("credit", [1, 3])
def test_a_lost_answer_is_not_learned_twice(device: FakeDevice, credit: int) -> None:
    device.credit = credit
    lost: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        answer = device.answer(frame)
        if frame.code == SAMPLE and len(device.learned) % 5 == 0 and frame not in lost:
            lost.append(frame)
            return b""
        return answer

    device.respond = respond
    found = events(opened(device, timeout=0.3))
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL
    if credit == 1:  # with one under way, the device still has the answer
        assert all(event.result is not None for event in found if isinstance(event, Learned))


def test_what_was_learned_without_an_answer_is_said(device: FakeDevice) -> None:
    """The answers to rows 0 and 1 are lost, that to row 2 comes."""
    device.credit = 3
    device.respond = lambda frame: (
        b""
        if device.answer(frame) and frame.code == SAMPLE and device.samples < 3
        else b"".join(device._replies)
    )
    found = events(opened(device))
    results = [event.result for event in found if isinstance(event, Learned)]
    assert results[:2] == [None, None]
    assert all(result is not None for result in results[2:])
    assert device.learned == ALL


def test_a_request_behind_rows_without_answers(device: FakeDevice) -> None:
    """All of the last two answers but the end of the second is lost."""
    device.credit = 2

    def respond(frame: Frame) -> bytes:
        device.answer(frame)
        replies = device._replies
        return b"".join(replies) if frame.code != SAMPLE else replies[-1] * (device.samples == 2)

    device.respond = respond
    stream = opened(device, want=Want.METRICS)
    found = [event for event in stream.learn(INPUT[:2], LABELS[:2]) if isinstance(event, Learned)]
    assert [event.result for event in found] == [None, None]
    assert list(stream.ask(Link.save)) == []
    stream.close()
    assert (device.saves, stream.link.info.samples) == (1, 2)


@pytest.mark.parametrize("want", [NOTHING, Want.METRICS])
def test_a_late_answer_of_another_session_is_none(device: FakeDevice, want: Want) -> None:
    """It has the seq of a row under way, and counts fewer samples."""
    device.credit = 2
    late: list[bytes] = []

    def respond(frame: Frame) -> bytes:
        answer = device.answer(frame)
        if frame.code == SAMPLE and device.samples == 1:
            late.append(answer)
        if frame.code != SAMPLE or device.samples != 10 or len(late) > 1:
            return answer
        old = FrameDecoder().feed(late[0])
        late.append(b"".join(encode_frame(each.code, frame.seq, each.payload) for each in old))
        return late[1] + answer

    device.respond = respond
    found = events(opened(device, want=want))
    assert len(late) == 2
    results = [event.result for event in found if isinstance(event, Learned)]
    assert [result and result.samples for result in results] == list(range(1, ROWS + 1))


@pytest.mark.parametrize(("token", "samples"), [(COUNTED - 3, 0), (7, COUNTED - 3)])
def test_the_numbers_of_a_stream_go_on_over_the_end_of_32_bits(
    device: FakeDevice, token: int, samples: int
) -> None:
    device.token, device.samples = token, samples
    device.credit = 3
    found = events(opened(device))
    assert rows(found) == list(range(ROWS))
    assert all(event.result is not None for event in found if isinstance(event, Learned))
    assert device.learned == ALL
    assert device.token == token


@pytest.mark.parametrize(("name", "payload"), [("RESULT", bytes(6)), ("STATUS", b"\x03")])
def test_an_answer_that_is_cut_is_refused(device: FakeDevice, name: str, payload: bytes) -> None:
    """In a good frame: that is no fault of the line."""
    device.respond = lambda frame: (
        encode_frame(BY_NAME[name].code, frame.seq, payload)
        if frame.code == SAMPLE
        else device.answer(frame)
    )
    with pytest.raises(DeviceError, match=f"a message {name} of {len(payload)} byte.*not fit"):
        events(opened(device))


# --- contact lost and found -----------------------------------------------------------------------


def test_a_device_that_was_unplugged_goes_on_where_it_was(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = opened(device)
    found: list[Learned | Interrupted] = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Learned) and event.row == 9:
            stream.link.close()  # every use of the port fails from here on
    stream.close()
    assert device.learned == ALL
    assert rows(found) == list(range(ROWS))
    (interrupted,) = [event for event in found if isinstance(event, Interrupted)]
    assert not interrupted.fell_back
    assert interrupted.info.samples == 10


@pytest.mark.parametrize("saved", [4, 10, 11, 13, 40])
def test_a_device_that_started_again_from_a_save(device: FakeDevice, saved: int) -> None:
    """Behind the host, where it is, and ahead of it by what could have been under way, and more."""
    device.credit = 3
    stream = opened(device)
    found: list[Learned | Interrupted] = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Learned) and event.row == 9:
            sent = len(device.learned)
            device.restart(samples=saved)
    stream.close()
    assert rows(found) == list(range(ROWS))
    (interrupted,) = [event for event in found if isinstance(event, Interrupted)]
    assert interrupted.fell_back
    assert interrupted.info.samples == saved
    assert device.learned == ALL[: min(saved, sent)] + ALL[-(device.samples - saved) :]
    counts = [event.samples for event in found if isinstance(event, Learned)]
    assert counts[-(device.samples - saved) :] == list(range(saved + 1, device.samples + 1))
    before = found[: found.index(interrupted)]
    assert device.samples - saved == ROWS - len(before) >= ROWS - sent


@pytest.mark.parametrize("more", [2, 100, -5])
def test_a_device_that_somebody_else_uses_is_left_alone(device: FakeDevice, more: int) -> None:
    """It has more samples than those that were under way make."""
    stream = opened(device)
    with pytest.raises(DeviceError, match=f"has {10 + more} samples, not 10 .* nobody else use it"):
        for event in stream.learn(INPUT, LABELS):
            if isinstance(event, Learned) and event.row == 9:
                stream.link.close()
                device.samples += more
    stream.close()


def test_a_device_that_somebody_else_reset_has_not_gone_on(device: FakeDevice) -> None:
    stream = opened(device)
    found: list[Learned | Interrupted] = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Learned) and event.row == 9:
            stream.link.close()
            with Link(device.port) as other:
                other.reset()
                for x in INPUT[:11]:
                    other.learn(x.tolist(), 0, NOTHING)
    stream.close()
    (interrupted,) = [event for event in found if isinstance(event, Interrupted)]
    assert interrupted.fell_back
    assert interrupted.info.samples == 11
    assert rows(found) == list(range(ROWS))


def test_a_late_refusal_of_the_old_session_tells_nothing_of_the_new_one(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions of one stream count their requests on, so none has the seq of a row under way."""
    seq = [7]  # that a new link begins behind, unless told
    monkeypatch.setattr(link_module.os, "urandom", lambda count: bytes(seq * count))
    device.credit = 3
    stream = opened(device, timeout=0.3)
    found: list[Learned | Interrupted] = []
    old: list[int] = []

    def respond(frame: Frame) -> bytes:
        if frame.code != SAMPLE or not old:
            return device.answer(frame)
        late = b"".join(device.status(seq, Status.SEQUENCE, old[-1]) for seq in old)
        old.clear()
        return late  # and the row itself is lost

    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Learned) and event.row == 9:
            stream.link.close()
            old += [frame.seq for frame in device.requests if frame.code == SAMPLE][:3]
            seq[0] = old[0] - 2  # then comes HELLO
            device.respond = respond
    stream.close()
    assert old == []
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL


def test_contact_that_is_lost_before_the_device_has_its_new_token(device: FakeDevice) -> None:
    """The device started again; that must not be forgotten when its SET_TOKEN gets no answer."""
    stream = opened(device, timeout=0.05)
    lost: list[Frame] = []
    found: list[Learned | Interrupted] = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Learned) and event.row == 9:
            device.restart(samples=10)
            lost = device.lose_answers("SET_TOKEN", 20)
    stream.close()
    (interrupted,) = [event for event in found if isinstance(event, Interrupted)]
    assert interrupted.fell_back
    assert len(lost) == 20
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL


def test_rows_learned_before_one_that_is_refused_are_said(device: FakeDevice) -> None:
    """The answers to three rows and the refusal of the fourth come at once."""
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
    found: list[Learned | Interrupted] = []
    with pytest.raises(DeviceError, match="refused SAMPLE: the label is not a class"):
        found.extend(stream.learn(INPUT, LABELS))
    stream.close()
    assert rows(found) == [0, 1, 2]


def test_a_refused_row_says_that_those_before_it_were_learned(device: FakeDevice) -> None:
    """Their answers are lost."""
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
def test_a_device_that_does_not_come_back(device: FakeDevice, patience: float) -> None:
    stream = Stream(lambda: Link(device.port, timeout=0.1), DIGEST, patience=patience)
    learned = stream.learn(INPUT, LABELS)
    next(learned)
    device.respond = lambda _: b""
    with pytest.raises(ContactLost, match="stopped answering"):
        list(learned)
    stream.close()


def test_another_device_that_comes_instead_is_refused(device: FakeDevice) -> None:
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
    with pytest.raises(DeviceError, match="refused SAMPLE: the label is not a class"):
        list(stream.learn(INPUT, LABELS))
    stream.close()
    assert device.learned == ALL[:2]


# --- stopped --------------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 4])
def test_a_stopped_stream_ends_when_the_rows_under_way_are_learned(
    device: FakeDevice, credit: int
) -> None:
    device.credit = credit
    stop = threading.Event()
    connect = lambda: Link(device.port, timeout=20, stop=stop)  # noqa: E731
    stream = Stream(connect, DIGEST, patience=20, want=NOTHING, stop=stop)
    found = []
    for event in stream.learn(INPUT, LABELS):
        found.append(event)
        if isinstance(event, Learned) and event.row == 9:
            stop.set()
    assert rows(found) == list(range(len(device.learned)))
    assert 10 <= len(device.learned) <= 10 + credit
    assert stream.link.hello().samples == stream.samples == len(device.learned)  # one try is made
    assert list(stream.learn(INPUT, LABELS)) == []
    stream.close()


def test_a_stopped_stream_gives_up_what_is_not_answered_after_its_tries(
    device: FakeDevice,
) -> None:
    """One row is answered, the two behind it are under way and never are."""
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
def test_an_answer_that_is_lost_after_a_stop_comes_again(device: FakeDevice, lost: str) -> None:
    """That of the last row, of the save behind it, of the HELLO that ends a log."""
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
    found = [event for event in stream.learn(INPUT, LABELS) if isinstance(event, Learned)]
    assert len(found) == len(device.learned) == (3 if lost == "SAMPLE" else ROWS)
    assert all(event.result is not None for event in found)
    assert list(stream.ask(Link.save)) == list(stream.ask(Link.hello)) == []
    stream.close()
    assert len(frames) == 2
    assert stop.is_set()
    assert device.saves == 1


def test_nobody_waits_for_a_device_to_boot_after_a_stop(device: FakeDevice) -> None:
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


def test_nobody_is_told_of_a_wait_that_is_none(device: FakeDevice) -> None:
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


# --- requests between rows ------------------------------------------------------------------------


def test_rows_that_the_caller_lets_it_learn_meanwhile_count(device: FakeDevice) -> None:
    stream = opened(device)
    list(stream.learn(INPUT[:2], LABELS[:2]))
    stream.link.learn(INPUT[2].tolist(), int(LABELS[2]), NOTHING)
    found = [event for event in stream.learn(INPUT[3:], LABELS[3:]) if isinstance(event, Learned)]
    stream.close()
    assert [event.samples for event in found] == list(range(4, ROWS + 1))
    assert device.learned == ALL


def asked(stream: Stream, request: Callable[[Link], object] = Link.save) -> list[Interrupted]:
    try:
        return list(stream.ask(request))
    finally:
        stream.close()


def test_a_request_between_rows(device: FakeDevice) -> None:
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    assert asked(stream) == []
    assert device.saves == 1


def test_a_request_is_made_again_after_contact_was_lost(device: FakeDevice) -> None:
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


def test_a_restart_that_the_link_met_before_a_request_is_said_first(device: FakeDevice) -> None:
    """The state that it has now is not saved in place of the one that was meant."""
    stream = opened(device)
    list(stream.learn(INPUT, LABELS))
    device.restart(samples=7)
    stream.link.hello()
    asking = stream.ask(Link.save)
    assert isinstance(next(asking), Interrupted)
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
    device.capabilities = 0
    stream.link.hello()
    with pytest.raises(DeviceError, match="cannot keep its state"):
        asked(stream)


def test_a_window_of_nothing(device: FakeDevice) -> None:
    with Link(device.port) as link:
        assert list(Window(link, INPUT[:0], LABELS[:0], Want(0)).results()) == []
