"""`verify` names the first difference. Here a simulated device takes the place of a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ska_edge.device.info import Result
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.verify import Report, verify
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.protocol import Want

INPUTS, SAMPLES = 5, 8


def a_model(rule: str = "local") -> Model:
    options: dict[str, Any] = {"batch": 3, "steps": 3, "rate": 0.5}
    if rule == "local":
        options = {"replay": Replay(2, 1)}
    plan = make_plan((INPUTS, 4, 4, 3), rule=rule, **options)
    parameters = np.random.default_rng(1).integers(-4000, 4000, plan.parameter_count)
    return Model(plan, State(plan, parameters), Scaling(np.zeros(INPUTS), np.ones(INPUTS)))


class HonestDevice:
    """Replaces `Link`: computes what the host computes; `spoil` may change its state."""

    def __init__(self, model: Model, spoil: Callable[[HonestDevice], None] | None = None) -> None:
        self._model = model
        self.trainer = FixedTrainer(model.state.copy())
        self._spoil = spoil

    info = SimpleNamespace(learns=True)

    def hello(self) -> SimpleNamespace:
        return SimpleNamespace(crc=self.trainer.state.crc)

    def expect_plan(self, plan: Plan) -> None:
        assert plan == self._model.plan

    def reset(self) -> None:
        self.trainer = FixedTrainer(self._model.state.copy())

    def pull(self, size: int) -> bytes:
        state = self.trainer.state.to_bytes()
        assert len(state) == size
        return state

    def learn(self, x: Iterable[int], label: int, want: Want) -> Result:
        decisions = self.trainer.learn_one(np.array(list(x)), label)
        if self._spoil:
            self._spoil(self)
        return Result(
            step=self.trainer.state.step,
            samples=self.trainer.state.samples,
            predicted=int(decisions.argmax()),
            decisions=tuple(int(d) for d in decisions),
            metrics=tuple(self.trainer.metrics()) if want & Want.METRICS else (),
            crc=self.trainer.state.crc if want & Want.CRC else 0,
        )


def prove(model: Model, device: HonestDevice) -> Report:
    rng = np.random.default_rng(2)
    inputs = rng.integers(-128, 128, (SAMPLES, INPUTS))
    return verify(device, model, inputs, rng.integers(0, 3, SAMPLES))  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["local", "published"])
def test_equal_devices_pass(rule: str) -> None:
    model = a_model(rule)
    report = prove(model, HonestDevice(model))
    assert report.equal
    assert report.samples == SAMPLES
    assert report.steps == (2 * SAMPLES - 1 if rule == "local" else 4)  # nothing to replay at first
    assert report.parameters == model.plan.parameter_count


def test_the_model_itself_does_not_learn() -> None:
    model = a_model()
    before = model.state.parameters.copy()
    prove(model, HonestDevice(model))
    np.testing.assert_array_equal(model.state.parameters, before)


EVERYWHERE = [
    (0, "weight", (3, 4)),
    (0, "readout_weight", (1, 2)),
    (0, "readout_bias", (2,)),
    (1, "bias", (0,)),
    (2, "weight", (2, 3)),
]


@pytest.mark.parametrize(
    ("step", "layer", "tensor", "index"),
    [(step, *place) for step in (0, 1, 5) for place in EVERYWHERE],
)
def test_a_flipped_bit_is_named(step: int, layer: int, tensor: str, index: tuple[int, ...]) -> None:
    model = a_model()

    def flip(device: HonestDevice) -> None:
        if device.trainer.state.step == step:
            device.trainer.state.tensor(layer, tensor)[index] ^= 1 << 9

    device = HonestDevice(model, flip)
    if step == 0:  # the flashed weights already differ
        other = Model(model.plan, model.state.copy(), model.scaling)
        other.state.tensor(layer, tensor)[index] ^= 1 << 9
        device = HonestDevice(other)
    found = prove(model, device).first_difference
    assert found is not None
    assert (found.layer, found.tensor, found.index) == (layer, tensor, index)
    assert found.host ^ found.device == 1 << 9
    assert found.step == step
    sentence = found.sentence()
    assert f"layer {layer}" in sentence
    assert f"{tensor}[{', '.join(str(i) for i in index)}]" in sentence


def test_a_lost_sample_is_a_difference_of_steps() -> None:
    model = a_model()

    def forget(device: HonestDevice) -> None:
        if device.trainer.state.step == 3:
            device.trainer.state.step = 2

    found = prove(model, HonestDevice(model, forget)).first_difference
    assert found is not None
    assert (found.step, found.tensor, found.host, found.device) == (3, "step", 3, 2)


def test_a_spoiled_past_sample_is_named() -> None:
    model = a_model()

    def spoil(device: HonestDevice) -> None:
        if device.trainer.state.samples == 4:
            device.trainer.state.replay.samples[2, 0, 1] ^= 1

    found = prove(model, HonestDevice(model, spoil)).first_difference
    assert found is not None
    assert (found.tensor, found.index, found.host ^ found.device) == ("replay", (2, 0, 1), 1)
