"""The published rule in the float reference equals golden figures and a plain implementation."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ska_edge.rules.reference import Parameters, Reference, initial_parameters

GOLDEN = Path(__file__).parents[2] / "golden" / "published_tiny.json"
FloatArray = NDArray[np.float64]


@pytest.fixture
def golden() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return figures


def golden_model(golden: dict[str, Any]) -> Reference:
    parameters = Parameters(
        weights=[np.array(w) for w in golden["W0"]], biases=[np.array(b) for b in golden["b0"]]
    )
    return Reference(parameters, "published", golden["eta"])


@pytest.mark.parametrize(
    ("key", "attribute", "first"),
    [
        ("entropy", "entropy", 0),
        ("cosine", "cosine", 0),
        ("frobenius_z", "z_norm", 1),  # these figures also include pass 0, which only records
        ("frobenius_w", "w_norm", 0),
        ("tensor_net", "tensor_net", 0),
    ],
)
def test_published_metrics_equal_the_published_figures(
    golden: dict[str, Any], key: str, attribute: str, first: int
) -> None:
    history = golden_model(golden).learn_steps(golden["X"], golden["K"])
    got = [[getattr(layer, attribute) for layer in step] for step in history]
    want = np.array(golden[key]).T[first:]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=0)


def test_published_weights_and_biases_equal_the_published_figures(golden: dict[str, Any]) -> None:
    assert sorted(golden["W"]) == [str(k) for k in range(1, golden["K"])]
    for k in range(1, golden["K"]):
        model = golden_model(golden)
        model.learn_steps(golden["X"], k + 1)
        for layer in range(2):
            np.testing.assert_allclose(
                model.parameters.weights[layer], golden["W"][str(k)][layer], rtol=1e-9, atol=0
            )
            np.testing.assert_allclose(
                model.parameters.biases[layer], golden["b"][str(k)][layer], rtol=1e-9, atol=0
            )


def test_published_infers_with_decisions_between_layers(golden: dict[str, Any]) -> None:
    model = golden_model(golden)
    a = np.array(golden["X"])
    for weights, bias in zip(golden["W0"], golden["b0"], strict=True):
        a = 1.0 / (1.0 + np.exp(-(a @ np.array(weights).T + np.array(bias))))
    np.testing.assert_allclose(model.infer(golden["X"]), a, rtol=1e-12)


# --- the definition, written without regard to speed ---------------------------------------------


def sigmoid(z: FloatArray) -> FloatArray:
    result: FloatArray = 1.0 / (1.0 + np.exp(-z))
    return result


def forward(p: Parameters, x: FloatArray) -> list[FloatArray]:
    knowledge: list[FloatArray] = []
    for weights, bias in zip(p.weights, p.biases, strict=True):
        a = sigmoid(knowledge[-1]) if knowledge else x
        knowledge.append(a @ weights.T + bias)
    return knowledge


def as_defined(
    p: Parameters, x: FloatArray, steps: int, eta: float
) -> list[list[dict[str, float]]]:
    """Change `p`; return the metrics of every step and layer, computed from their formulas."""
    history = []
    before = forward(p, x)
    for _ in range(1, steps):
        now = forward(p, x)
        layers = []
        for layer, (z, last) in enumerate(zip(now, before, strict=True)):
            d = sigmoid(z)
            shift, slope, phi = d - sigmoid(last), d * (1.0 - d), (z - last) / eta
            delta = z * slope + shift
            a = sigmoid(before[layer - 1]) if layer else x
            p.weights[layer] += eta / math.log(2.0) * (delta.T @ a) / len(x)
            p.biases[layer] += eta / math.log(2.0) * delta.mean(axis=0)
            norms = np.linalg.norm(z) * np.linalg.norm(shift)
            layers.append(
                {
                    "entropy": -np.sum(z * shift) / math.log(2.0),
                    "cosine": np.sum(z * shift) / norms if norms else 0.0,
                    "z_norm": np.linalg.norm(z),
                    "w_norm": np.linalg.norm(p.weights[layer]),
                    "tensor_net": np.sum((d - z * slope / math.log(2.0)) * (z - last)),
                    "flow": np.linalg.norm(phi),
                    "lagrangian": -np.sum(z * slope * phi),
                }
            )
        history.append(layers)
        before = now
    return history


def random_parameters(sizes: list[int], seed: int) -> Parameters:
    parameters = initial_parameters(sizes, "published", seed)
    rng = np.random.default_rng(seed + 1)
    for bias in parameters.biases:
        bias += rng.normal(0.0, 0.5, bias.shape)
    return parameters


# The reference has two ways to compute the first layer: one for fewer than twice as many samples as
# inputs, and one for more.
@pytest.mark.parametrize("count", [1, 3, 11, 12, 13, 40])
@pytest.mark.parametrize("hidden", [[], [5], [5, 4], [4, 3, 4, 3]])
def test_a_run_is_the_definition_step_by_step(hidden: list[int], count: int) -> None:
    parameters = random_parameters([6, *hidden, 3], seed=count)
    plain = parameters.copy()
    x = np.random.default_rng(count).normal(size=(count, 6))
    kept = x.copy()
    history = Reference(parameters, "published", 0.05).learn_steps(x, 9)
    wanted = as_defined(plain, x, 9, 0.05)
    assert len(history) == 8
    for step, layers in zip(history, wanted, strict=True):
        for got, want in zip(step, layers, strict=True):
            assert vars(got).keys() == want.keys()
            for name, value in want.items():
                assert getattr(got, name) == pytest.approx(value, rel=1e-9, abs=1e-14), name
    for name in ("weights", "biases"):
        for left, right in zip(getattr(parameters, name), getattr(plain, name), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-14)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("count", [3, 40])
def test_the_first_step_learns_from_the_alignment_alone(count: int) -> None:
    model = Reference(random_parameters([6, 5, 3], 2), "published", 0.05)
    x = np.random.default_rng(0).normal(size=(count, 6))
    first, second = model.learn_steps(x, 3)
    for layer in first:
        assert [layer.entropy, layer.cosine, layer.tensor_net, layer.flow] == [0.0] * 4
        assert layer.lagrangian == 0.0
    for layer in second:
        assert layer.flow > 0.0
        assert layer.lagrangian != 0.0


def test_the_flow_is_the_change_of_knowledge_over_eta() -> None:
    model = Reference(random_parameters([6, 5, 3], 3), "published", 0.25)
    x = np.random.default_rng(0).normal(size=(7, 6))
    before = model.knowledge(x)
    model.learn_steps(x, 2)
    after = model.knowledge(x)
    again = Reference(random_parameters([6, 5, 3], 3), "published", 0.25)
    for got, old, new in zip(again.learn_steps(x, 3)[1], before, after, strict=True):
        phi = (new - old) / 0.25
        d = sigmoid(new)
        assert got.flow == pytest.approx(np.sqrt(np.sum(phi**2)), rel=1e-9)
        assert got.lagrangian == pytest.approx(-np.sum(new * d * (1.0 - d) * phi), rel=1e-9)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_inputs_that_are_all_zero_leave_the_first_weights_alone(weight: float) -> None:
    weights = np.full((2, 3), weight)
    model = Reference(Parameters([weights], [np.array([9.0, -2.0])]), "published", 0.1)
    history = model.learn_steps(np.zeros((2, 3)), 6)
    np.testing.assert_array_equal(weights, np.full((2, 3), weight))
    assert [step[0].w_norm for step in history] == [math.sqrt(6 * weight**2)] * 5
    assert history[-1][0].flow > 0.0  # the biases learn
