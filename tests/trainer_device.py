"""A device at the end of a pty; it learns with the host's trainer and can save its state."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.network.output import answers
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import Frame
from ska_edge.wire.message import Values
from ska_edge.wire.protocol import Capability, Status, Want
from tests.fake_device import EVERYTHING, FakeDevice

BEGINNING = 20  # rows that a gated device learns before its gate
SLOW = 1.0  # seconds that a row takes then, much less than the time after which contact is lost


class TrainerDevice(FakeDevice):
    """A device whose network learns, with memory for one save.

    Args:
        flashed: the state that it starts with.
        capabilities: bits of `protocol.Capability`.

    Attributes:
        network: its present state.
        saved: the bytes of the saved state; None if nothing was saved.
    """

    def __init__(self, flashed: State, capabilities: int = EVERYTHING) -> None:
        super().__init__()
        self.network = flashed.copy()
        self.saved: bytes | None = None
        self.capabilities = capabilities
        self._flashed = flashed.copy()
        plan = flashed.plan
        self._width = plan.layers[0].input.bits // 8
        dimensions = {"input_bytes": plan.inputs * self._width, "classes": plan.classes}
        if plan.regression:
            self.capabilities |= Capability.VALUES
            dimensions["target_bytes"] = 2 * plan.classes
        self._codec = Codec(dimensions)

    def restart(self, samples: int = 0) -> None:
        """Restart as after a power loss: from the save, or from the flashed state. The number of
        samples comes from that state, not from `samples`.
        """
        super().restart(samples)
        plan = self.network.plan
        self.network = self._flashed.copy()
        if self.saved is not None:
            self.network = State.from_bytes(plan, self.saved)

    def _refusal(self, name: str, values: Values) -> tuple[int, int] | None:
        if name == "OFFER" and values["digest"].hex() != self.network.plan.digest:
            return Status.DIGEST, 0
        if name in ("ADD_CLASS", "FORGET_CLASS") and values["token"] != self.token:
            return Status.TOKEN, self.token
        return super()._refusal(name, values)

    def _done(self, seq: int, name: str, values: Values) -> list[bytes]:
        if name == "SAMPLE":
            trainer = FixedTrainer(self.network)
            decisions = trainer.learn_one(self._input(values), self._truth(values))
            sums = trainer.metrics() if values["want"] & Want.METRICS else []
            return [
                *(
                    self.reply(seq, "METRICS", {"layer": i, "step": self.network.step, **layer})
                    for i, layer in enumerate(sums)
                ),
                self.reply(seq, "RESULT", self._result(decisions, Want(values["want"]))),
            ]
        if name == "INFER":
            decisions = FixedTrainer(self.network).infer(self._input(values)[None, :])[0]
            return [self.reply(seq, "RESULT", self._result(decisions, Want(0)))]
        if name in ("ADD_CLASS", "FORGET_CLASS"):
            return [self.status(seq, *self._change_class(name, values))]
        self.state = self.network.to_bytes()
        if name == "SET_RATE":
            self.network.halve_rate(values["halvings"])
        elif name == "RESET":
            self.network = self._flashed.copy()
        elif name == "SAVE":
            self.saved = self.state
        replies = super()._done(seq, name, values)
        if name == "PUSH" and len(self._pushed) == len(self.state):
            self.network = State.from_bytes(self.network.plan, self._pushed)
            self.saved, self.saves = self._pushed, self.saves + 1
        return replies

    def _change_class(self, name: str, values: Values) -> tuple[int, int]:
        if name == "FORGET_CLASS":
            self.network.forget_class(values["label"])
            return Status.OK, 0
        try:
            text = bytes(values["name"]).rstrip(b"\0").decode()
            return Status.OK, self.network.add_class(text)
        except InputError:
            return Status.SPARE, self.network.plan.spares

    def learn_alone(self, x: Sequence[int], label: int, *, lost: bool = False) -> None:
        """Learn a sample without a request and announce it; the line may lose the announcement."""
        announcement = self.announcement(x, label)
        if self.followed and not lost:
            os.write(self.master, announcement)

    def announcement(self, x: Sequence[int], label: int) -> bytes:
        """Learn a sample without a request, and return its announcement."""
        inputs = np.array(x, dtype=np.int64)
        result = self._result(FixedTrainer(self.network).learn_one(inputs, label), Want(0))
        octets, samples = inputs.astype(f"<i{self._width}").tobytes(), self.network.samples
        learned = self.reply(0, "LEARNED", {"samples": samples, "label": label, "x": octets})
        return learned + self.reply(0, "RESULT", result)

    def _input(self, values: Values) -> NDArray[np.int64]:
        return np.frombuffer(values["x"], dtype=f"<i{self._width}").astype(np.int64)

    def _truth(self, values: Values) -> int | NDArray[np.int64]:
        if not self.network.plan.regression:
            return int(values["label"])
        return np.frombuffer(values["targets"], dtype="<i2").astype(np.int64)

    def _result(self, decisions: NDArray[np.integer], want: Want) -> dict[str, Any]:
        return {
            "step": self.network.step,
            "samples": self.network.samples,
            "crc": self.network.crc if want & Want.CRC else 0,
            "predicted": int(answers(self.network.plan, decisions.astype(np.int64)[None])[0]),
            "decisions": tuple(int(d) for d in decisions),
        }

    def welcome(self) -> dict[str, Any]:
        plan, network = self.network.plan, self.network
        return {
            **super().welcome(),
            "digest": bytes.fromhex(plan.digest),
            "step": network.step,
            "samples": network.samples,
            "crc": zlib.crc32(network.to_bytes()),
            "state_bytes": plan.state_bytes,
            "inputs": plan.inputs,
            "input_width": self._width,
            "classes": plan.classes,
            "layers": len(plan.layers),
            "halvings": network.halvings,
        }


class GatedDevice(TrainerDevice):
    """A device that learns `BEGINNING` rows, and then is slow until its gate is opened."""

    def __init__(self, flashed: State) -> None:
        self.gate = threading.Event()
        super().__init__(flashed)
        self.respond = self._gated

    def _gated(self, frame: Frame) -> bytes:
        if self.network.samples - self._flashed.samples >= BEGINNING:
            self.gate.wait(SLOW)
        return self.answer(frame)

    def close(self) -> None:
        self.gate.set()
        super().close()
