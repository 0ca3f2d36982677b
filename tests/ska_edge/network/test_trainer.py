"""The fixed-point trainer stays near the float reference, saturates weights, and has metrics."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.arithmetic.numpy_ops import at_limits
from ska_edge.errors import InputError
from ska_edge.model.quantization import quantize_state
from ska_edge.network.measures.metrics import layer_metrics
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import Parameters, Reference, initial_parameters

WEIGHT_STEP = 2.0**-12


def twins(
    sizes: tuple[int, ...], rule: str, **options: float | int
) -> tuple[Plan, FixedTrainer, Parameters]:
    """Return a trainer and float parameters that start from the same representable numbers."""
    parameters = initial_parameters(sizes, rule, seed=3)
    plan = make_plan(sizes, rule=rule, **options)  # type: ignore[arg-type]
    state = quantize_state(plan, tensors_of(parameters))
    for tensor in plan.tensors():
        real = tensor.format.dequantize(state.tensor(tensor.layer, tensor.name))
        tensors_of(parameters)[tensor.layer, tensor.name][...] = real
    return plan, FixedTrainer(state), parameters


def largest_gap(plan: Plan, trainer: FixedTrainer, parameters: Parameters) -> float:
    """Return the largest difference of any parameter, in steps of the weight format."""
    reals = tensors_of(parameters)
    return (
        max(
            float(
                np.abs(
                    t.format.dequantize(trainer.state.tensor(t.layer, t.name))
                    - reals[t.layer, t.name]
                ).max()
            )
            for t in plan.tensors()
        )
        / WEIGHT_STEP
    )


@pytest.mark.parametrize("sizes", [(6, 3), (6, 8, 3), (6, 8, 7, 3), (6, 5, 5, 5, 3)])
def test_local_follows_the_reference_step_by_step(sizes: tuple[int, ...]) -> None:
    plan, trainer, parameters = twins(sizes, "local", rate=0.125)
    reference = Reference(parameters, "local", 0.125)
    rng = np.random.default_rng(1)
    for _ in range(20):
        x = rng.integers(-128, 128, sizes[0])
        label = int(rng.integers(sizes[-1]))
        fixed = trainer.learn_one(x, label)
        real = reference.learn_one(plan.layers[0].input.dequantize(x), label)
        assert np.abs(fixed / 32768 - real).max() < 0.01
    # Each training step rounds each weight once, by at most half a unit. Errors of z add a little.
    assert largest_gap(plan, trainer, parameters) < 20


def test_a_wrong_rule_gives_a_large_gap() -> None:
    plan, trainer, parameters = twins((6, 8, 3), "local", rate=0.125)
    reference = Reference(parameters, "local", 0.0625)  # an obvious fault: half of the rate
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, label = rng.integers(-128, 128, 6), int(rng.integers(3))
        trainer.learn_one(x, label)
        reference.learn_one(plan.layers[0].input.dequantize(x), label)
    assert largest_gap(plan, trainer, parameters) > 100


def test_published_follows_the_reference_step_by_step() -> None:
    eta, batch, steps = 0.5, 8, 12
    plan, trainer, parameters = twins(
        (6, 5, 3), "published", rate=eta / np.log(2), batch=batch, steps=steps
    )
    reference = Reference(parameters, "published", eta)
    x = np.random.default_rng(2).integers(0, 128, (batch, 6))
    series = reference.learn_steps(plan.layers[0].input.dequantize(x), steps)
    for number, _ in enumerate(trainer.learn_steps(x)):
        for index, sums in enumerate(trainer.metrics()):
            fixed, real = layer_metrics(plan, index, sums), series[number][index]
            assert fixed.z_norm == pytest.approx(real.z_norm, abs=0.05)
            assert fixed.w_norm == pytest.approx(real.w_norm, abs=0.02)
            assert fixed.entropy == pytest.approx(real.entropy, abs=0.05)
            assert fixed.tensor_net == pytest.approx(real.tensor_net, abs=0.05)
    assert trainer.state.step == steps - 1
    assert largest_gap(plan, trainer, parameters) < 40


def test_a_device_like_stream_makes_the_same_published_steps() -> None:
    _, stream, _ = twins((4, 3, 2), "published", rate=0.5, batch=3, steps=4)
    held = FixedTrainer(stream.state.copy())
    x = np.random.default_rng(2).integers(-128, 128, (3, 4))
    for number, row in enumerate(x):
        assert stream.state.step == 0, number
        stream.learn_one(row, 0)
    for _ in held.learn_steps(x):
        pass
    np.testing.assert_array_equal(stream.state.parameters, held.state.parameters)
    assert stream.state.step == held.state.step == 3


def test_a_batch_of_one_sample_is_one_sample() -> None:
    _, one, _ = twins((5, 4, 3), "local", rate=0.25)
    batch = FixedTrainer(one.state.copy())
    x, y = np.random.default_rng(0).integers(-128, 128, (6, 5)), np.array([0, 1, 2, 2, 1, 0])
    many = list(batch.learn_many(x, y))
    for row, label, decisions in zip(x, y, many, strict=True):
        np.testing.assert_array_equal(one.learn_one(row, int(label)), decisions[0])
    np.testing.assert_array_equal(one.state.parameters, batch.state.parameters)


def test_inference_changes_nothing_and_gives_the_decisions_of_learning() -> None:
    _, trainer, _ = twins((5, 4, 3), "local", rate=0.25)
    x = np.random.default_rng(0).integers(-128, 128, (7, 5))
    before = trainer.state.parameters.copy()
    decisions = trainer.infer(x)
    np.testing.assert_array_equal(trainer.state.parameters, before)
    np.testing.assert_array_equal(trainer.learn_one(x[0], 1), decisions[0])
    assert (trainer.state.parameters != before).any()


def test_weights_saturate_at_their_format() -> None:
    plan = make_plan((2, 2), rate=4.0)
    state = State(plan)
    trainer = FixedTrainer(state)
    state.tensor(0, "weight")[:] = [[32767, 32767], [-32768, -32768]]
    x = np.array([[-128, -128]])
    for _ in range(3):
        trainer.learn_one(x[0], 1)  # without saturation, both rows would leave the format
    weight = QFormat(16, 12)
    assert state.parameters.min() >= weight.minimum
    assert state.parameters.max() <= weight.maximum


def test_metrics_have_the_right_values() -> None:
    plan, trainer, _ = twins((5, 4, 3), "local", rate=0.125)
    x = np.random.default_rng(0).integers(-128, 128, 5)
    trainer.learn_one(x, 2)
    before = trainer.state.copy()
    first, last = trainer.metrics()
    assert last["w_square"] == int((before.tensor(1, "weight") ** 2).sum())
    trainer.learn_one(np.zeros(5, dtype=np.int64), 2)
    first = trainer.metrics()[0]
    assert first["zero_updates"] == 20  # inputs of 0 move no weight
    assert first["w_saturated"] == at_limits(
        before.tensor(0, "weight"), plan.layers[0].matrix.weight
    )


def test_metrics_before_any_update_are_refused() -> None:
    _, trainer, _ = twins((5, 4, 3), "local", rate=0.125)
    with pytest.raises(InputError, match="before the first update"):
        trainer.metrics()


def test_states_check_their_integers() -> None:
    plan = make_plan((2, 2))
    with pytest.raises(InputError, match="5 parameters, but the plan has 6"):
        State(plan, np.zeros(5, dtype=np.int64))
    with pytest.raises(InputError, match=r"a weight exceeds Q3\.12"):
        State(plan, np.full(6, 40000))
