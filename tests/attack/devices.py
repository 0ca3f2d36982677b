"""Simulate a device that sends anything: a good device whose answers are altered in transit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random

from ska_edge.device import session
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.wire.frame import Frame, FrameDecoder, encode_frame
from ska_edge.wire.message import Field, Values
from ska_edge.wire.protocol import BY_CODE, COUNTED, MESSAGES, TAG_BYTES, Capability, Want
from tests.attack.attempt import Attempt
from tests.attack.files import any_bytes
from tests.attack.place import Place
from tests.fake_device import EVERYTHING
from tests.trainer_device import TrainerDevice

KEY = ["--key", "device.key"]
LABELS = ["--label-column", "label", "--max-memory", "1"]
DIALECT = ["--separator", "comma", "--decimal", "point"]
COLUMNS = [*DIALECT, "--features", "3,4,5,6", "--group-column", "who", "--drop", "t"]
PORT = ["--json", "--baud", "9600", "--dtr", "off", "--rts", "keep"]
RECORD = ["record", "-o", "new", "--countdown", "0", "--patience", "1"]
COMMANDS = [
    ["monitor"],
    ["monitor", *PORT],
    ["monitor", "m.ska", "rows.csv", "--samples", "5"],
    ["monitor", "m.ska", "rows.csv", "--samples", "5", "--order", "as-is", "--hold-out", "3"],
    ["monitor", "m.ska", "rows.csv", "--samples", "2", "--plain"],
    ["monitor", "m.ska", "rows.csv", "--samples", "5", "--log", "new.jsonl", "--save-every", "2"],
    ["monitor", "m.ska", "rows.csv", "--samples", "4", "--log", "new.jsonl", "--halve-rate", "1"],
    [
        "monitor",
        "m.ska",
        "rows.csv",
        "--samples",
        "3",
        "--log",
        "steps.jsonl",
        "--json",
        "--seed",
        "1",
    ],
    ["monitor", "m.ska", "rows.csv", "--samples", "3", "--log", "steps.jsonl", "--overwrite"],
    ["monitor", "m.ska", "rows.csv", "--samples", "2", "--split", "--save", *KEY, *LABELS],
    ["monitor", "m.ska", "wide.csv", "--samples", "2", *COLUMNS],
    ["verify", "m.ska", "wide.csv", "--samples", "2", *COLUMNS],
    ["predict", "m.ska", "wide.csv", *COLUMNS],
    ["monitor", "m.ska", "rows.csv", "--samples", "2", "--mqtt", "127.0.0.1:1", "--name", "d"],
    ["verify", "m.ska", "rows.csv", "--samples", "4"],
    ["verify", "m.ska", "rows.csv", "--samples", "4", *KEY, *LABELS, *PORT],
    ["predict", "m.ska", "rows.csv"],
    ["predict", "m.ska", "rows.csv", "-o", "new.csv", *LABELS, *PORT],
    ["teach", "m.ska", "calm", "--data", "rows.csv", "--passes", "2", "--save", *KEY, *LABELS],
    ["teach", "m.ska", "calm", "--data", "wide.csv", "--log", "new.jsonl", *COLUMNS],
    ["teach", "m.ska", "calm", "--data", "rows.csv", "--halve-rate", "1", "--seed", "1", *PORT],
    ["pull", "m.ska", "-o", "new.ska"],
    ["pull", "m.ska", "-o", "new.ska", *PORT],
    ["push", "m.ska"],
    ["push", "m.ska", "--fresh"],
    ["push", "m.ska", *KEY, *PORT],
    [*RECORD, "--seconds", "1"],
    [*RECORD, "--label", "walk", "--group", "a", "--samples", "2", "--axes", "x,y", *PORT],
    ["save"],
    ["save", *KEY, *PORT],
]
TEXTS = [b"\x1b[2J\nforged: ok", b"\xff" * 16, b"%s{nope}", "‮ok".encode(), b"", b" "]


class Liar(TrainerDevice):
    """A context manager: a device that learns correctly but may send altered answers.

    Args:
        model: the flashed model.
        random: determines the alterations.
        lies: the share of its frames that are altered, 0 to 1.
        key: whether the device asks for tags; it accepts any tag.
    """

    def __init__(self, model: Model, random: Random, lies: float, *, key: bool = False) -> None:
        super().__init__(model.state, EVERYTHING | (Capability.KEY if key else 0))
        self._random, self._lies, self._key = random, lies, key
        self.respond = self.bent

    def bent(self, frame: Frame) -> bytes:
        """Return the frames of the answer to a request, some of them altered."""
        random, answer = self._random, b""
        try:
            frames = self.replies(frame)
        except Exception:  # an altered answer made the host send an impossible request
            frames = []
        for each in frames:
            if random.random() >= self._lies:
                answer += each
            else:
                answer += random.choice([self._other_value] * 6 + [self._other_bytes] * 3)(each)
        return answer

    def _execute(self, frame: Frame) -> list[bytes]:
        """Remove the tag from a request that has one, then execute it."""
        if self._key and BY_CODE[frame.code].changes:
            frame = frame._replace(payload=frame.payload[:-TAG_BYTES])
        return super()._execute(frame)

    def _done(self, seq: int, name: str, values: Values) -> list[bytes]:
        """Execute a request as `TrainerDevice` does, but answer CHALLENGE with a random nonce, and
        send made-up metrics if they are wanted.
        """
        if name == "CHALLENGE":
            return [self.reply(seq, "NONCE", {"nonce": self._random.randbytes(TAG_BYTES)})]
        replies = super()._done(seq, name, values)
        if name == "SAMPLE" and values["want"] & Want.METRICS:
            for layer in reversed(range(len(self.network.plan.layers))):
                made_up = {**self.metrics(layer), "step": self.network.step}
                replies.insert(0, self.reply(seq, "METRICS", made_up))
        return replies

    def _other_value(self, encoded: bytes) -> bytes:
        random = self._random
        (frame,) = FrameDecoder().feed(encoded)
        name, values = self._codec.unpack(frame.code, frame.payload)
        fields = BY_CODE[frame.code].fields
        changed = dict(values)
        for field in random.sample(fields, min(len(fields), random.choice([1, 1, 2, 3]))):
            changed[field.name] = self._any(field, values[field.name])
        return self.reply(frame.seq, name, changed)

    def _any(self, field: Field, value: object) -> object:
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
    """Choose a command that talks to a device, and the share of the device's frames to alter."""
    line = random.choice(COMMANDS)
    patience = ["--patience", "0"] if line[:2] == ["monitor", "m.ska"] else []
    return [*line, *patience, "--port", "{port}"], random.choice([0.05, 0.2, 0.6])


def attempt(
    place: Place, line: list[str], random: Random, lies: float, **files: bytes
) -> tuple[Attempt, list[str]]:
    """Run a command as `Place.attempt` does, with a device's port in place of "{port}"."""
    if "{port}" not in line:
        return place.attempt(line, **files)
    with impatient(), Liar(place.model, random, lies, key="--key" in line) as device:
        line = [device.port if part == "{port}" else part for part in line]
        return place.attempt(line, **files)


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    defaults = Link.__init__.__kwdefaults__
    before = (defaults["timeout"], session.HELLO_WAITS)
    defaults["timeout"], session.HELLO_WAITS = 0.05, (0.25, 0.25)
    try:
        yield
    finally:
        defaults["timeout"], session.HELLO_WAITS = before
