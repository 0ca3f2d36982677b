"""Whatever a device says, a link soon returns an answer or one error sentence."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.device import session as session_module
from ska_edge.device import stream as stream_module
from ska_edge.device import window as window_module
from ska_edge.device.link import Link
from ska_edge.device.stream import Stream
from ska_edge.errors import DeviceError, SkaError
from ska_edge.monitor.monitor import Monitor
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import Frame, FrameDecoder, encode_frame
from ska_edge.wire.message import STRUCT_CODES, Field, Message
from ska_edge.wire.protocol import BY_CODE, BY_NAME, MESSAGES, PROTOCOL_VERSION, Status, Want

INPUTS, CLASSES, LAYERS, STATE_BYTES = 4, 3, 2, 300
DIMENSIONS = {"input_bytes": INPUTS, "classes": CLASSES}
DIGEST = "0123456789abcdef"
X = (1, -2, 3, -128)
PLAN = make_plan((INPUTS, 5, CLASSES))  # the plan has LAYERS layers
POLL = 0.01  # seconds that a read takes on the simulated clock
READS_MOST = 20_000  # more reads than the slowest of these requests needs
EVENTS_MOST = 100  # more events than a stream of 6 rows needs
REPLIES = [message.of(False) for message in MESSAGES if message.direction == "reply"]

Say = Callable[[Frame], bytes]


# --- what a device may say ------------------------------------------------------------------------


def numbers(field: Field) -> st.SearchStrategy[int]:
    """Integers of a field's range; its ends and small integers are more frequent."""
    bits = 8 * field.size
    signed = STRUCT_CODES[field.kind].islower()
    lo, hi = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.sampled_from([lo, hi]) | st.integers(max(lo, -3), 3) | st.integers(lo, hi)


def values(message: Message) -> st.SearchStrategy[dict[str, Any]]:
    """Values of a reply: arbitrary values, or the values of a working device."""
    good = well(message)

    def value(field: Field) -> st.SearchStrategy[Any]:
        if field.count == "rest":
            return st.binary(max_size=field.most)
        count = DIMENSIONS.get(str(field.count), field.count)
        assert isinstance(count, int)
        each = numbers(field)
        wild = each if count == 1 else st.lists(each, min_size=count, max_size=count)
        known = good.get(field.name)
        return wild if known is None else st.just(known) | st.just(known) | wild

    return st.fixed_dictionaries({field.name: value(field) for field in message.fields})


def well(message: Message) -> dict[str, Any]:
    """Return the values that a working device reports."""
    known: dict[str, Any] = {
        "protocol": PROTOCOL_VERSION,
        "digest": bytes.fromhex(DIGEST),
        "state_bytes": STATE_BYTES,
        "inputs": INPUTS,
        "input_width": 1,
        "classes": CLASSES,
        "layers": LAYERS,
        "credit": 3,
        "capabilities": 63,
        "code": 0,
    }
    return {field.name: known[field.name] for field in message.fields if field.name in known}


def say_message(message: Message, chosen: dict[str, Any]) -> Say:
    """Make a reply with the request's sequence number, and with the request's offset if both
    messages have an offset.
    """

    def say(request: Frame) -> bytes:
        told = dict(chosen)
        if message.name == "CHUNK" and len(request.payload) == 4:
            told["offset"] = int.from_bytes(request.payload, "little")
        return encode_frame(message.code, request.seq, Codec(DIMENSIONS).pack(message.name, told))

    return say


def plain(field: Field) -> Any:
    """Return zeros for a field; five zeros if its length is free."""
    count = 5 if field.count == "rest" else DIMENSIONS.get(str(field.count), field.count)
    assert isinstance(count, int)
    return 0 if count == 1 else [0] * count


def say_answer(samples: int) -> Say:
    """Make the reply that completes the request, with small numbers."""

    def say(request: Frame) -> bytes:
        message = BY_NAME[BY_CODE[request.code].answer].of(False)
        told = {field.name: plain(field) for field in message.fields} | well(message)
        if "samples" in told:
            told["samples"] = samples
        return say_message(message, told)(request)

    return say


def say_frame(code: int, ahead: int, payload: bytes) -> Say:
    return lambda request: encode_frame(code, (request.seq + ahead) % 256, payload)


codes = st.sampled_from([message.code for message in REPLIES]) | st.integers(0, 255)
said: st.SearchStrategy[Say] = st.one_of(
    st.binary(max_size=60).map(lambda data: lambda _: data),
    st.builds(say_frame, codes, st.sampled_from([0, 0, 0, -1, 1, 7]), st.binary(max_size=40)),
    st.sampled_from(REPLIES).flatmap(lambda m: values(m).map(lambda v: say_message(m, v))),
    st.integers(0, 3).map(say_answer),
    st.integers(0, 3).map(say_answer),
    st.sampled_from([*Status, 77]).flatmap(
        lambda code: st.sampled_from([0, 1, 64, 255, 299, 300, 65535, 2**32 - 1]).map(
            lambda detail: say_message(BY_NAME["STATUS"], {"code": int(code), "detail": detail})
        )
    ),
)
both = st.builds(lambda a, b: lambda request: a(request) + b(request), said, said)
answers = st.lists(said | both, min_size=1, max_size=6)


class Line:
    """Replaces `Port` and the clock. The device repeats a list of replies and sends noise in
    between. Every read advances the clock.
    """

    def __init__(self, answers: list[Say], babble: bytes) -> None:
        self._answers = itertools.cycle(answers)
        self._babble = babble
        self._decoder = FrameDecoder()
        self._arriving = b""
        self.reads = 0
        self.now = 0.0
        self.received = 0
        self.path = "noise"

    def open(self, *_: object, **__: object) -> Line:
        return self

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def read(self) -> bytes:
        self.reads += 1
        assert self.reads < READS_MOST, "no end"
        self.now += POLL
        data, self._arriving = self._arriving + self._babble, b""
        self.received += len(data)
        return data

    def wait(self, seconds: float) -> None:
        """Advance the clock, like an Event that is never set."""
        self.now += seconds

    def is_set(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._arriving += next(self._answers)(frame)

    def close(self) -> None:
        pass


@contextmanager
def plugged(line: Line) -> Iterator[None]:
    """Connect every link in this block to this line and its clock."""
    clock = SimpleNamespace(monotonic=line.monotonic, sleep=line.sleep)
    with (
        patch.object(session_module, "Port", line.open),
        patch.object(session_module, "time", clock),
        patch.object(window_module, "time", clock),
        patch.object(stream_module, "time", clock),
    ):
        yield


def connect() -> Link:
    return Link("noise", timeout=0.1, tries=2)


# --- frames and messages --------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=50) | st.sampled_from([b"\0", b"\xff" * 300]), max_size=20))
def test_the_decoder_takes_anything_in_any_pieces(pieces: list[bytes]) -> None:
    decoder, whole = FrameDecoder(), FrameDecoder()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    assert frames == whole.feed(b"".join(pieces))
    assert decoder.bad == whole.bad
    parts = b"".join(pieces).split(b"\0")[:-1]
    assert len(frames) + decoder.bad == len([part for part in parts if part])


@given(st.binary(min_size=1, max_size=50).filter(lambda data: 0 not in data))
@settings(max_examples=10)
def test_the_decoder_keeps_no_more_than_its_limit(garbage: bytes) -> None:
    decoder, piece, most = FrameDecoder(), garbage * 2000, 0
    for _ in range(3 * FrameDecoder.LIMIT // len(piece) + 3):
        decoder.feed(piece)
        most = max(most, len(decoder._pending))
    assert most <= FrameDecoder.LIMIT
    good = encode_frame(1, 2, b"3")
    assert decoder.feed(b"\0" + good) == [Frame(1, 2, b"3")]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
@given(payload=st.binary(max_size=200), known=st.booleans())
def test_any_payload_is_a_message_or_an_error(
    message: Message, payload: bytes, known: bool
) -> None:
    codec = Codec(DIMENSIONS if known else {})
    try:
        name, found = codec.unpack(message.code, payload)
    except SkaError as error:
        assert str(error)
        return
    assert name == message.name
    assert codec.pack(name, found) == payload


@given(st.integers(0, 255), st.binary(max_size=200))
def test_any_type_is_a_message_or_an_error(code: int, payload: bytes) -> None:
    try:
        Codec(DIMENSIONS).unpack(code, payload)
    except DeviceError:
        pass
    else:
        assert code in BY_CODE


# --- a link ---------------------------------------------------------------------------------------

ASKED: dict[str, Callable[[Link], object]] = {
    "hello": lambda link: link.hello(),
    "learn": lambda link: link.learn(X, 1, Want.METRICS | Want.CRC),
    "learn without": lambda link: link.learn(X, 1, Want(0)),
    "infer": lambda link: link.infer(X),
    "rate": lambda link: link.halve_rate(1),
    "pull": lambda link: link.pull(STATE_BYTES),
    "push": lambda link: link.push(bytes(STATE_BYTES), DIGEST),
    "save": lambda link: link.save(),
    "reset": lambda link: link.reset(),
}


@given(
    answers,
    st.just(b"") | st.binary(max_size=8),
    st.lists(st.sampled_from(list(ASKED)), min_size=1, max_size=4),
)
@settings(max_examples=400)
def test_a_link_answers_or_says_why_not(
    answers: list[Say], babble: bytes, asked: list[str]
) -> None:
    line = Line(answers, babble)
    with plugged(line), connect() as link:
        for what in asked:
            line.reads = 0
            try:
                ASKED[what](link)
            except SkaError as error:
                assert "\n" not in str(error)


# --- a stream -------------------------------------------------------------------------------------


INPUT, LABELS = np.tile(X, (6, 1)), np.zeros(6, dtype=np.int64)


def learned(stream: Stream) -> Iterator[object]:
    return stream.learn(INPUT, LABELS)


def monitored(stream: Stream) -> Iterator[object]:
    return Monitor(stream, PLAN).run(INPUT, LABELS, halvings=1, save=True, save_every=3)


@pytest.mark.parametrize("use", [learned, monitored])
@given(
    answers=answers,
    babble=st.just(b"") | st.binary(max_size=8),
    patience=st.sampled_from([0.0, 2.0]),
)
@settings(max_examples=400)
def test_a_stream_ends(
    use: Callable[[Stream], Iterator[object]], answers: list[Say], babble: bytes, patience: float
) -> None:
    line = Line(answers, babble)
    stop = cast(threading.Event, line)
    with plugged(line):
        try:
            stream = Stream(connect, DIGEST, patience=patience, stop=stop)
            for count, _ in enumerate(use(stream)):
                line.reads = 0
                assert count < EVENTS_MOST, "no end"
        except SkaError as error:
            assert "\n" not in str(error)
