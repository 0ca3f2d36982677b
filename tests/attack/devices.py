"""Simulate devices that send anything: a good device whose answers are altered in transit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random

from ska_edge.device import link
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.wire.frame import Frame, FrameDecoder, encode_frame
from ska_edge.wire.protocol import BY_CODE, COUNTED, MESSAGES, Field, Values, Want
from tests.attack.files import any_bytes
from tests.trainer_device import TrainerDevice

# {} is the port.
COMMANDS = [
    ["monitor", "m.ska", "rows.csv", "--samples", "5"],
    ["monitor", "m.ska", "rows.csv", "--samples", "5", "--log", "new.jsonl", "--save-every", "2"],
    ["monitor", "m.ska", "rows.csv", "--samples", "4", "--log", "new.jsonl", "--halve-rate", "1"],
    ["monitor", "m.ska", "rows.csv", "--samples", "3", "--log", "steps.jsonl", "--json"],
    ["verify", "m.ska", "rows.csv", "--samples", "4"],
    ["pull", "m.ska", "-o", "new.ska"],
    ["push", "m.ska"],
    ["push", "m.ska", "--fresh"],
    ["save"],
]
TEXTS = [b"\x1b[2J\nforged: ok", b"\xff" * 16, b"%s{nope}", "‮ok".encode(), b"", b" "]


class Liar(TrainerDevice):
    """A context manager: a device that learns correctly but often sends altered answers.

    Args:
        model: the flashed model.
        random: determines the alterations.
        lies: the share of its frames that are altered, 0 to 1.
    """

    def __init__(self, model: Model, random: Random, lies: float) -> None:
        super().__init__(model.state)
        self._random, self._lies = random, lies
        self.respond = self.bent

    def bent(self, frame: Frame) -> bytes:
        """Return the answer to a request, with some of its frames altered."""
        random, answer = self._random, b""
        try:
            frames = self.replies(frame)
        except Exception:  # a lie made the host send a request that no good device would get
            frames = []
        for each in frames:
            if random.random() >= self._lies:
                answer += each
            else:
                answer += random.choice([self._other_value] * 6 + [self._other_bytes] * 3)(each)
        return answer

    def _done(self, seq: int, name: str, values: Values) -> list[bytes]:
        """Execute a request as `TrainerDevice` does, with made-up metrics on request."""
        replies = super()._done(seq, name, values)
        if name == "SAMPLE" and values["want"] & Want.METRICS:
            for layer in reversed(range(len(self.network.plan.layers))):
                made_up = {**self.metrics(layer), "step": self.network.step}
                replies.insert(0, self.reply(seq, "METRICS", made_up))
        return replies

    def _other_value(self, encoded: bytes) -> bytes:
        """Return the same message with arbitrary values in some fields, in a valid frame."""
        random = self._random
        (frame,) = FrameDecoder().feed(encoded)
        name, values = self._codec.unpack(frame.code, frame.payload)
        fields = BY_CODE[frame.code].fields
        changed = dict(values)
        for field in random.sample(fields, min(len(fields), random.choice([1, 1, 2, 3]))):
            changed[field.name] = self._any(field, values[field.name])
        return self.reply(frame.seq, name, changed)

    def _any(self, field: Field, value: object) -> object:
        """Return any value of a field's kind."""
        random = self._random
        if isinstance(value, bytes):
            if field.count == "rest":
                return any_bytes(random, value)[: field.most]
            return random.choice([*TEXTS, random.randbytes(len(value))])[: len(value)].ljust(
                len(value), b"\0"
            )
        bits = 8 * field.size
        low = -(2 ** (bits - 1)) if field.kind[0] == "i" else 0
        ends = [low, low + 1, 0, 1, 2, 5, low + 2**bits - 1, random.randrange(low, low + 2**bits)]
        if isinstance(value, tuple):
            return tuple(random.choice(ends) for _ in value)
        assert isinstance(value, int)
        near = min(max(value + random.choice([1, -1, 2, 256]), low), low + 2**bits - 1)
        return random.choice([*ends, near])

    def _other_bytes(self, encoded: bytes) -> bytes:
        """Return another frame, no frame, several frames, or bytes that are not a frame."""
        random = self._random
        (frame,) = FrameDecoder().feed(encoded)
        return random.choice(
            [
                b"",
                encoded * 2,
                encoded[: random.randrange(len(encoded))],
                any_bytes(random, encoded),
                random.randbytes(random.randrange(400)),
                encode_frame(frame.code, random.randrange(256), frame.payload),
                encode_frame(random.choice(MESSAGES).code, frame.seq, frame.payload),
                encode_frame(frame.code, frame.seq, any_bytes(random, frame.payload)),
                self.status(frame.seq, random.randrange(14), random.randrange(COUNTED)),
            ]
        )


def scene(random: Random) -> tuple[list[str], float]:
    """Choose a command that talks to a device, and how often that device lies."""
    arguments = [*random.choice(COMMANDS), "--port", "{}"]
    if arguments[0] == "monitor":
        arguments += ["--patience", "0"]
    return arguments, random.choice([0.05, 0.2, 0.6])


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Shorten all timeouts."""
    defaults = Link.__init__.__kwdefaults__
    before = (defaults["timeout"], link.HELLO_PERIODS)
    defaults["timeout"], link.HELLO_PERIODS = 0.05, 2
    try:
        yield
    finally:
        defaults["timeout"], link.HELLO_PERIODS = before
