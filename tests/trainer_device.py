"""A device on the far end of a pty: it learns with the host's trainer and keeps what it is told."""

from __future__ import annotations

import os
import select
import threading
import tty
import zlib

import numpy as np

from ska_edge.errors import InputError
from ska_edge.protocol import (
    BY_NAME,
    CHUNK_MAX,
    PROTOCOL_VERSION,
    Codec,
    Frame,
    FrameDecoder,
    Status,
    Values,
    encode_frame,
)
from ska_edge.state import State
from ska_edge.trainer import FixedTrainer

EVERYTHING = 63  # all capabilities


class TrainerDevice:
    """Answers one request after the other, the last one again when it is repeated.

    Args:
        flashed: what it starts with.
        capabilities: bits of `protocol.Capability`.

    Attributes:
        port: path for the host.
        state: what it has now.
        saved: what it would start with again; None when nothing is kept.
        names: of the messages that came.
    """

    def __init__(self, flashed: State, capabilities: int = EVERYTHING) -> None:
        self.state = flashed.copy()
        self.saved: bytes | None = None
        self.saves = 0
        self.names: list[str] = []
        self.capabilities = capabilities
        self._flashed = flashed.copy()
        self._offered = -1
        self._arrived = b""
        self._last: tuple[Frame, bytes] | None = None
        plan = flashed.plan
        width = plan.layers[0].input.bits // 8
        self._kind = f"<i{width}"
        self._codec = Codec({"input_bytes": plan.inputs * width, "classes": plan.classes})
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> TrainerDevice:
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._stop[1], b"x")
        self._thread.join()
        for number in (*self._stop, self._master, self._slave):
            os.close(number)

    def _run(self) -> None:
        decoder = FrameDecoder()
        while True:
            ready, _, _ = select.select([self._master, self._stop[0]], [], [])
            if self._stop[0] in ready:
                return
            for frame in decoder.feed(os.read(self._master, 4096)):
                if self._last is None or frame != self._last[0]:
                    self._last = frame, self._answer(frame)
                os.write(self._master, self._last[1])

    def _answer(self, frame: Frame) -> bytes:
        name, values = self._codec.unpack(frame.code, frame.payload)
        self.names.append(name)
        code, detail = Status.OK, 0
        if name == "HELLO":
            return self._reply(frame, "WELCOME", self._welcome())
        if name == "PULL":
            data = self.state.to_bytes()[values["offset"] :][:CHUNK_MAX]
            return self._reply(frame, "CHUNK", {**values, "data": data})
        if name == "SAMPLE":
            return self._reply(frame, "RESULT", self._learned(values))
        if name == "SET_RATE":
            self.state.halve_rate(values["halvings"])
        elif name == "OFFER":
            code, detail = self._offer(values)
        elif name == "PUSH":
            code, detail = self._push(values)
        elif name == "SAVE":
            self.saved, self.saves = self.state.to_bytes(), self.saves + 1
        elif name == "RESET":
            self.state = self._flashed.copy()
        else:
            code = Status.TYPE
        return self._reply(frame, "STATUS", {"code": code, "detail": detail})

    def _reply(self, frame: Frame, name: str, values: Values) -> bytes:
        return encode_frame(BY_NAME[name].code, frame.seq, self._codec.pack(name, values))

    def _learned(self, values: Values) -> Values:
        x = np.frombuffer(values["x"], dtype=self._kind).astype(np.int64)
        decisions = FixedTrainer(self.state).learn_one(x, values["label"])
        return {
            "step": self.state.step,
            "samples": self.state.samples,
            "crc": self.state.crc,
            "predicted": int(decisions.argmax()),
            "decisions": tuple(int(d) for d in decisions),
        }

    def _offer(self, values: Values) -> tuple[Status, int]:
        if values["digest"].hex() != self.state.plan.digest:
            return Status.DIGEST, 0
        if values["crc"] != self._offered:
            self._offered, self._arrived = values["crc"], b""
        return Status.OK, len(self._arrived)

    def _push(self, values: Values) -> tuple[Status, int]:
        if values["offset"] != len(self._arrived):
            return Status.OFFSET, len(self._arrived)
        self._arrived += values["data"]
        if len(self._arrived) < self.state.plan.state_bytes:
            return Status.OK, len(self._arrived)
        if zlib.crc32(self._arrived) != self._offered:
            return Status.CRC, zlib.crc32(self._arrived)
        try:
            self.state = State.from_bytes(self.state.plan, self._arrived)
        except InputError:
            return Status.STORAGE, 0
        self.saved, self.saves, self._offered = self._arrived, self.saves + 1, -1
        return Status.OK, len(self._arrived)

    def _welcome(self) -> Values:
        plan = self.state.plan
        return {
            "protocol": PROTOCOL_VERSION,
            "digest": bytes.fromhex(plan.digest),
            "step": self.state.step,
            "samples": self.state.samples,
            "crc": self.state.crc,
            "state_bytes": plan.state_bytes,
            "inputs": plan.inputs,
            "input_width": plan.layers[0].input.bits // 8,
            "classes": plan.classes,
            "layers": len(plan.layers),
            "halvings": self.state.halvings,
            "credit": 1,
            "capabilities": self.capabilities,
            "saves": self.saves,
            "error": Status.OK,
            "error_detail": 0,
            "dropped": 0,
            "board": b"stand-in".ljust(16, b"\0"),
        }
