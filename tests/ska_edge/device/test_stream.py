"""A fake device learns the samples of a stream in order and once each, whatever goes wrong."""

from __future__ import annotations

import pytest

from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.window import Window
from ska_edge.errors import DeviceError
from ska_edge.wire.frame import Frame, FrameDecoder, encode_frame
from ska_edge.wire.protocol import BY_NAME, COUNTED, Want
from tests.fake_device import LAYERS, FakeDevice
from tests.ska_edge.streamed import ALL, INPUT, LABELS, NOTHING, ROWS, SAMPLE, events, opened, rows

# --- a good line ----------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 2, 5])
def test_all_rows_are_learned_in_order(device: FakeDevice, credit: int) -> None:
    device.credit = credit
    found = events(opened(device, want=Want.METRICS))
    assert rows(found) == list(range(ROWS))
    assert device.learned == ALL
    for event in found:
        assert isinstance(event, Sample)
        assert event.result is not None
        assert event.result.samples == event.samples == event.row + 1
        assert len(event.result.metrics) == LAYERS


def test_as_many_rows_are_in_flight_as_the_credit_allows(device: FakeDevice) -> None:
    """The device answers after it has received as many rows as its credit, or the last row."""
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


@pytest.mark.parametrize("credit", [1, 3])
def test_a_row_is_announced_to_the_caller_before_it_is_sent(
    device: FakeDevice, credit: int
) -> None:
    device.credit = credit
    told: list[tuple[int, int]] = []

    def sending(sample: Sample) -> None:
        assert len(device.learned) <= sample.row
        told.append((sample.row, sample.samples))

    stream = opened(device)
    assert rows(list(stream.learn(INPUT, LABELS, sending))) == list(range(ROWS))
    stream.close()
    assert told == [(row, row + 1) for row in range(ROWS)]


def test_the_rest_is_learned_when_the_caller_stops_between_rows(device: FakeDevice) -> None:
    stream = opened(device)
    for event in stream.learn(INPUT, LABELS):
        if isinstance(event, Sample) and event.row == 10:
            break
    assert stream.link.hello().samples == len(device.learned) == 11
    assert rows(list(stream.learn(INPUT[11:], LABELS[11:]))) == list(range(ROWS - 11))
    stream.close()
    assert device.learned == ALL


# --- a bad line -----------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 3])
def test_a_lost_request_and_the_requests_after_it_are_sent_again(
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
    if credit == 1:  # the device still has the answer to the only row in flight
        assert all(event.result is not None for event in found if isinstance(event, Sample))


def test_rows_whose_answers_were_lost_are_reported(device: FakeDevice) -> None:
    """The answers to rows 0 and 1 are lost; the answer to row 2 arrives."""
    device.credit = 3
    device.respond = lambda frame: (
        b""
        if device.answer(frame) and frame.code == SAMPLE and device.samples < 3
        else b"".join(device._replies)
    )
    found = events(opened(device))
    results = [event.result for event in found if isinstance(event, Sample)]
    assert results[:2] == [None, None]
    assert all(result is not None for result in results[2:])
    assert device.learned == ALL


def test_a_request_follows_rows_without_answers(device: FakeDevice) -> None:
    """Of the answers to the last two rows, only the end of the second answer arrives."""
    device.credit = 2

    def respond(frame: Frame) -> bytes:
        device.answer(frame)
        replies = device._replies
        return b"".join(replies) if frame.code != SAMPLE else replies[-1] * (device.samples == 2)

    device.respond = respond
    stream = opened(device, want=Want.METRICS)
    found = [event for event in stream.learn(INPUT[:2], LABELS[:2]) if isinstance(event, Sample)]
    assert [event.result for event in found] == [None, None]
    assert list(stream.ask(Link.save)) == []
    stream.close()
    assert (device.saves, stream.link.info.samples) == (1, 2)


@pytest.mark.parametrize("want", [NOTHING, Want.METRICS])
def test_a_late_answer_of_another_session_is_ignored(device: FakeDevice, want: Want) -> None:
    """The late answer has the sequence number of a row in flight, but counts fewer samples."""
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
    results = [event.result for event in found if isinstance(event, Sample)]
    assert [result and result.samples for result in results] == list(range(1, ROWS + 1))


@pytest.mark.parametrize(("token", "samples"), [(COUNTED - 3, 0), (7, COUNTED - 3)])
def test_sample_numbers_wrap_at_32_bits_within_a_stream(
    device: FakeDevice, token: int, samples: int
) -> None:
    device.token, device.samples = token, samples
    device.credit = 3
    found = events(opened(device))
    assert rows(found) == list(range(ROWS))
    assert all(event.result is not None for event in found if isinstance(event, Sample))
    assert device.learned == ALL
    assert device.token == token


@pytest.mark.parametrize(("name", "payload"), [("RESULT", bytes(6)), ("STATUS", b"\x03")])
def test_an_answer_that_is_cut_is_refused(device: FakeDevice, name: str, payload: bytes) -> None:
    """The answer comes in a valid frame, so the line is not to blame."""
    device.respond = lambda frame: (
        encode_frame(BY_NAME[name].code, frame.seq, payload)
        if frame.code == SAMPLE
        else device.answer(frame)
    )
    with pytest.raises(DeviceError, match=f"a message {name} of {len(payload)} byte.*not fit"):
        events(opened(device))


def test_a_window_without_rows_has_no_results(device: FakeDevice) -> None:
    with Link(device.port) as link:
        assert list(Window(link, INPUT[:0], LABELS[:0], Want(0)).results()) == []
