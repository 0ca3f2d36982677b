"""A device on the far end of a pty that counts samples instead of learning; it can misbehave."""

from __future__ import annotations

import os
import select
import threading
import tty
import zlib
from collections.abc import Callable
from typing import Any

from ska_edge.closable import Closable
from ska_edge.rules.metric_sums import METRICS, SIGNED_METRICS
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import Frame, FrameDecoder, encode_frame
from ska_edge.wire.message import Values
from ska_edge.wire.protocol import (
    BY_CODE,
    BY_NAME,
    CHUNK_MAX,
    COUNTED,
    PROTOCOL_VERSION,
    Capability,
    Status,
    Want,
)

INPUTS, CLASSES, LAYERS = 4, 3, 2
STATE = bytes(i % 251 for i in range(300))
DIGEST = "0123456789abcdef"
X = (1, -2, 3, -128)
DECISIONS = (-5, 32767, 0)
# All capabilities but three: without KEY every host may change the device, without VALUES it learns
# classes, and without SENSOR a host does not ask it for windows.
EVERYTHING = int(sum(Capability)) - int(Capability.KEY | Capability.VALUES | Capability.SENSOR)

Respond = Callable[[Frame], bytes]


class FakeDevice(Closable):
    """Answers at `port` until it is closed.

    `respond` returns the bytes that answer a request frame; tests may replace it. By default it is
    `answer`, which executes each request once, as a real device does.

    Attributes:
        requests: every received frame, in order.
        learned: first input and label of each sample that was learned, in order.
        state: the bytes of the state, which learning does not change.
        credit, protocol, capabilities: the values that WELCOME reports.
        followed: whether a host follows what the device learns by itself.
        saves: how many SAVE requests it executed.
        samples, token, halvings: how many samples it has learned, its present token, and how many
            times its rate is halved.
    """

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        self.respond: Respond = self.answer
        self.requests: list[Frame] = []
        self.learned: list[tuple[int, int]] = []
        self.state = STATE
        self.credit = 1
        self.protocol = PROTOCOL_VERSION
        self.capabilities = EVERYTHING
        self.saves = 0
        self.followed = False
        self.samples = self.token = self.halvings = 0
        self._last: Frame | None = None
        self._hello = 0  # sequence number of the HELLO that opened the session
        self._replies: list[bytes] = []
        self._pushed, self._offered = b"", 0
        self._codec = Codec({"input_bytes": INPUTS, "classes": CLASSES})
        self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        os.write(self._stop[1], b"x")
        self._thread.join()
        for number in (*self._stop, self.master, self.slave):
            os.close(number)

    def _run(self) -> None:
        decoder = FrameDecoder()
        while True:
            ready, _, _ = select.select([self.master, self._stop[0]], [], [])
            if self._stop[0] in ready:
                return
            for frame in decoder.feed(os.read(self.master, 4096)):
                self.requests.append(frame)
                os.write(self.master, self.respond(frame))

    def restart(self, samples: int = 0) -> None:
        """Restart as after a power loss, from a save with this many samples."""
        self._last, self.samples = None, samples
        self.followed = False
        self.token = self.halvings = 0
        del self.learned[samples:]

    def lose_answers(self, name: str, count: int) -> list[Frame]:
        """Lose the answers to the next `count` requests of a kind; return the list to which these
        requests will be added.
        """
        lost: list[Frame] = []

        def respond(frame: Frame) -> bytes:
            answer = self.answer(frame)
            if frame.code == BY_NAME[name].code and len(lost) < count:
                lost.append(frame)
                return b""
            return answer

        self.respond = respond
        return lost

    def names(self) -> list[str]:
        return [BY_CODE[frame.code].name for frame in self.requests]

    def reply(self, seq: int, name: str, values: Values) -> bytes:
        return encode_frame(BY_NAME[name].code, seq, self._codec.pack(name, values))

    def status(self, seq: int, code: int, detail: int = 0) -> bytes:
        return self.reply(seq, "STATUS", {"code": code, "detail": detail})

    def refuse(self, frame: Frame, code: int, detail: int = 0) -> bytes:
        """Return a refusal; the request counts as the latest request, but changes nothing."""
        self._last, self._replies = frame, [self.status(frame.seq, code, detail)]
        return self._replies[0]

    def answer(self, frame: Frame) -> bytes:
        return b"".join(self.replies(frame))

    def replies(self, frame: Frame) -> list[bytes]:
        """Execute a request if it is in sequence; return the frames of the answer."""
        last, name = self._last, BY_CODE[frame.code].name
        repeated = last is not None and (frame.seq, frame.code) == (last.seq, last.code)
        follows = last is not None and frame.seq == (last.seq + 1) % 256
        if not repeated and not follows:
            if name != "HELLO":
                detail = 0xFFFF if last is None else last.seq
                return [self.status(frame.seq, Status.SEQUENCE, detail)]
            # A late copy of the HELLO that opened the session.
            if last is not None and frame.seq == self._hello:
                return [self.reply(frame.seq, "WELCOME", self.welcome())]
        if name == "HELLO":
            self._hello = frame.seq
        if not repeated:
            self._last = frame
            self._replies = self._execute(frame)
        return list(self._replies)

    def _execute(self, frame: Frame) -> list[bytes]:
        name, values = self._codec.unpack(frame.code, frame.payload)
        refusal = self._refusal(name, values)
        if refusal is not None:
            return [self.status(frame.seq, *refusal)]
        return self._done(frame.seq, name, values)

    def _refusal(self, name: str, values: Values) -> tuple[int, int] | None:
        """Return the code and detail of the refusal if a request is meant for another state, else
        None.
        """
        known = self.welcome()
        number = (self.token + known["samples"]) % COUNTED
        if name == "SAMPLE" and values["number"] != number:
            return Status.NUMBER, number
        if name in ("SET_RATE", "SAVE") and values["token"] != self.token:
            return Status.TOKEN, self.token
        if name == "SET_TOKEN" and values["crc"] != known["crc"]:
            return Status.TOKEN, self.token
        return None

    def _done(self, seq: int, name: str, values: Values) -> list[bytes]:
        if name in ("HELLO", "FOLLOW"):
            self.followed = name == "FOLLOW"
            return [self.reply(seq, "WELCOME", self.welcome())]
        if name == "PULL":
            data = self.state[values["offset"] :][:CHUNK_MAX]
            return [self.reply(seq, "CHUNK", {**values, "data": data})]
        if name in ("OFFER", "PUSH"):
            return [self.status(seq, *self._take(name, values))]
        if name == "RESET":
            self.samples = self.token = self.halvings = 0
        elif name == "SET_TOKEN":
            self.token = values["token"]
        elif name == "SAVE":
            self.saves += 1
        elif name == "SET_RATE":
            self.halvings = values["halvings"]
        elif name == "SAMPLE":
            self.samples = (self.samples + 1) % COUNTED
            self.learned.append((values["x"][0], values["label"]))
        else:
            assert name == "INFER"
        if name in ("SAMPLE", "INFER"):
            return self.results(seq, Want(values.get("want", 0)))
        return [self.status(seq, Status.OK)]

    def results(self, seq: int, want: Want) -> list[bytes]:
        result = {
            "step": self.samples,
            "samples": self.samples,
            "crc": zlib.crc32(self.state) if want & Want.CRC else 0,
            "predicted": 1,
            "decisions": DECISIONS,
        }
        parts = range(LAYERS) if want & Want.METRICS else range(0)
        return [
            *(self.reply(seq, "METRICS", self.metrics(layer)) for layer in parts),
            self.reply(seq, "RESULT", result),
        ]

    def _take(self, name: str, values: Values) -> tuple[int, int]:
        """Take an OFFER, or a piece of a state; return the code and detail of the answer."""
        if name == "OFFER":
            if values["crc"] != self._offered:
                self._offered, self._pushed = values["crc"], b""
        elif values["offset"] != len(self._pushed):
            return Status.OFFSET, len(self._pushed)
        else:
            self._pushed += values["data"]
            if len(self._pushed) == len(self.state):
                self.state, self.token = self._pushed, 0
        return Status.OK, len(self._pushed)

    def metrics(self, layer: int) -> dict[str, int]:
        far = 10**12 * layer
        sums = {
            name: i - far if name in SIGNED_METRICS else i + far for i, name in enumerate(METRICS)
        }
        return {"layer": layer, "step": self.samples, **sums}

    def welcome(self) -> dict[str, Any]:
        return {
            "protocol": self.protocol,
            "seq": 0 if self._last is None else self._last.seq,
            "digest": bytes.fromhex(DIGEST),
            "step": self.samples,
            "samples": self.samples,
            "token": self.token,
            "crc": zlib.crc32(self.state),
            "state_bytes": len(self.state),
            "inputs": INPUTS,
            "input_width": 1,
            "classes": CLASSES,
            "layers": LAYERS,
            "halvings": self.halvings,
            "credit": self.credit,
            "capabilities": self.capabilities,
            "saves": self.saves,
            "error": 0,
            "error_detail": 0,
            "dropped": 0,
            "board": b"fake".ljust(16, b"\0"),
        }
