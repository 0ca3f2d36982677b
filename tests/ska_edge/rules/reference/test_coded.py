"""The rules `feedback` and `code` of the float reference agree with plain loops over neurons."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ska_edge.data.load import load
from ska_edge.rules.reference import Parameters, Reference, accuracy, initial_parameters

FloatArray = NDArray[np.float64]

CODED = pytest.mark.parametrize("rule", ["feedback", "code"])
DEPTHS = pytest.mark.parametrize("hidden", [[], [4], [4, 5], [5, 4, 3], [3, 4, 5, 4]])


def draw_codes(rule: str, sizes: list[int], seed: int) -> list[FloatArray]:
    """Return random codes of every hidden layer; some codes of the rule `code` are 0."""
    rng = np.random.default_rng(seed)
    values = [-1.0, 1.0] if rule == "feedback" else [-1.0, 0.0, 0.0, 1.0]
    return [rng.choice(values, (sizes[-1], width)) for width in sizes[1:-1]]


def random_parameters(sizes: list[int], rule: str, seed: int) -> Parameters:
    parameters = initial_parameters(sizes, rule, seed)
    rng = np.random.default_rng(seed + 1)
    for array in [*parameters.weights, *parameters.biases]:
        array += rng.normal(0.0, 0.5, array.shape)
    return parameters


def model_of(
    rule: str, sizes: list[int], seed: int = 0, alignment: float = 0.0, gain: float = 2.0
) -> Reference:
    return Reference(
        random_parameters(sizes, rule, seed),
        rule,
        rate=0.5,
        alignment=alignment,
        codes=draw_codes(rule, sizes, seed + 2),
        gain=gain,
    )


Lists = list[list[list[float]]]


def changes_by_loops(
    model: Reference, x: list[float], label: int
) -> tuple[Lists, list[list[float]]]:
    """Compute what one sample adds to the weights and biases of every layer, neuron by neuron."""
    p = model.parameters
    inputs, knowledge, decisions = [x], [], []
    for weights, bias in zip(p.weights, p.biases, strict=True):
        z = [
            sum(w * a for w, a in zip(row, inputs[-1], strict=True)) + b
            for row, b in zip(weights.tolist(), bias.tolist(), strict=True)
        ]
        d = [1.0 / (1.0 + math.exp(-value)) for value in z]
        knowledge.append(z)
        decisions.append(d)
        inputs.append([2.0 * value - 1.0 for value in d])
    errors = [(1.0 if c == label else 0.0) - d for c, d in enumerate(decisions[-1])]
    weight_changes: Lists = []
    bias_changes: list[list[float]] = []
    for layer, (z, d) in enumerate(zip(knowledge, decisions, strict=True)):
        weight_changes.append([])
        bias_changes.append([])
        for neuron in range(len(z)):
            slope = d[neuron] * (1.0 - d[neuron])
            if layer == len(knowledge) - 1:
                shift = errors[neuron]
            elif model.rule == "feedback":
                signs = model.codes[layer]
                back = sum(error * signs[c, neuron] for c, error in enumerate(errors))
                shift = model.gain * slope * back
            else:
                wanted = {-1.0: 0.0, 0.0: d[neuron], 1.0: 1.0}[model.codes[layer][label, neuron]]
                shift = wanted - d[neuron]
            delta = model.alignment * z[neuron] * slope + shift
            weight_changes[-1].append([model.rate * delta * a for a in inputs[layer]])
            bias_changes[-1].append(model.rate * delta)
    return weight_changes, bias_changes


@CODED
@DEPTHS
@pytest.mark.parametrize("alignment", [0.0, 0.25])
def test_an_update_is_the_mean_of_what_loops_find(
    rule: str, hidden: list[int], alignment: float
) -> None:
    sizes = [3, *hidden, 4]
    model = model_of(rule, sizes, seed=len(hidden), alignment=alignment)
    before = model.parameters.copy()
    x = np.random.default_rng(5).normal(size=(4, 3))
    labels = [2, 0, 3, 1]
    changes = [changes_by_loops(model, row, y) for row, y in zip(x.tolist(), labels, strict=True)]
    decisions = model.infer(x)
    np.testing.assert_array_equal(model.learn_batch(x, labels), decisions)
    for layer in range(len(sizes) - 1):
        weights = before.weights[layer] + np.mean([w[layer] for w, _ in changes], axis=0)
        biases = before.biases[layer] + np.mean([b[layer] for _, b in changes], axis=0)
        np.testing.assert_allclose(model.parameters.weights[layer], weights, atol=1e-13)
        np.testing.assert_allclose(model.parameters.biases[layer], biases, atol=1e-13)
        assert (before.biases[layer] != biases).any()


@CODED
@DEPTHS
def test_one_sample_is_a_batch_of_one(rule: str, hidden: list[int]) -> None:
    sizes = [3, *hidden, 4]
    one, batch = model_of(rule, sizes, 1, alignment=0.25), model_of(rule, sizes, 1, alignment=0.25)
    x = np.array([0.3, -0.7, 1.1])
    for label in (3, 0):
        np.testing.assert_array_equal(
            one.learn_one(x, label), batch.learn_batch(x[np.newaxis], [label])[0]
        )
    for name in ("weights", "biases"):
        pair = getattr(one.parameters, name), getattr(batch.parameters, name)
        for left, right in zip(*pair, strict=True):
            np.testing.assert_array_equal(left, right)


def zero_model(rule: str, codes: list[list[float]], gain: float = 1.0) -> Reference:
    """Return a 1-2-2 model with all weights 0, so that D = 1/2, D' = 1/4 and 2 D - 1 = 0."""
    p = Parameters([np.zeros((2, 1)), np.zeros((2, 2))], [np.zeros(2), np.zeros(2)])
    return Reference(p, rule, 1.0, codes=[codes], gain=gain)


def test_a_step_of_feedback_equals_a_calculation_by_hand() -> None:
    model = zero_model("feedback", [[1.0, -1.0], [1.0, 1.0]], gain=2.0)
    model.learn_one([3.0], 0)  # e = (1/2, -1/2), e B = (0, -1), shift = 2/4 * (0, -1)
    p = model.parameters
    assert p.weights[0].tolist() == [[0.0], [-1.5]]
    assert p.biases[0].tolist() == [0.0, -0.5]
    assert p.weights[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert p.biases[1].tolist() == [0.5, -0.5]


def test_a_step_of_code_equals_a_calculation_by_hand() -> None:
    model = zero_model("code", [[1.0, 0.0], [-1.0, 1.0]])
    model.learn_one([3.0], 0)
    p = model.parameters
    assert p.weights[0].tolist() == [[1.5], [0.0]]
    assert p.biases[0].tolist() == [0.5, 0.0]
    model = zero_model("code", [[1.0, 0.0], [-1.0, 1.0]])
    model.learn_one([3.0], 1)
    assert model.parameters.weights[0].tolist() == [[-1.5], [1.5]]
    assert model.parameters.biases[1].tolist() == [-0.5, 0.5]


def test_feedback_by_the_readout_itself_is_local() -> None:
    sizes = [4, 6, 3]
    start = random_parameters(sizes, "feedback", 4)
    start.weights[1] = np.sign(start.weights[1])
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(5, 4)), rng.integers(0, 3, 5)
    local = Reference(start.copy(), "local", 0.5)
    feedback = Reference(start.copy(), "feedback", 0.5, codes=[start.weights[1]], gain=4.0)
    local.learn_batch(x, labels)
    feedback.learn_batch(x, labels)
    for left, right in zip(local.parameters.weights, feedback.parameters.weights, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-14)


def test_code_pulls_the_decisions_to_the_code_of_the_class() -> None:
    sizes = [4, 8, 6, 3]
    model = model_of("code", sizes, seed=3)
    for code in model.codes:
        code[:, -1] = 0.0  # no class uses this neuron in its code
    idle = [weights[-1].copy() for weights in model.parameters.weights[:-1]]
    x = np.random.default_rng(1).normal(size=(3, 4))
    labels = np.arange(3)
    for _ in range(600):
        model.learn_batch(x, labels)
    for layer, code in enumerate(model.codes):
        decisions = 1.0 / (1.0 + np.exp(-model.knowledge(x)[layer]))
        assert (code == 1.0).any() and (code == -1.0).any()
        assert (decisions[code == 1.0] > 0.9).all()
        assert (decisions[code == -1.0] < 0.1).all()
        np.testing.assert_array_equal(model.parameters.weights[layer][-1], idle[layer])


@CODED
@pytest.mark.parametrize("hidden", [[], [32], [32] * 2, [32] * 3, [32] * 4])
def test_learning_reduces_the_error_at_any_depth(rule: str, hidden: list[int]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    centers = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    x = centers[labels] + rng.normal(0.0, 0.2, (150, 2))
    sizes = [2, *hidden, 3]
    start, codes = initial_parameters(sizes, rule, 1), draw_codes(rule, sizes, 2)
    model = Reference(start, rule, rate=0.05, codes=codes, gain=2.0)
    target = np.eye(3)[labels]
    before = np.mean((target - model.infer(x)) ** 2)
    for _ in range(10):
        for row, label in zip(x, labels, strict=True):
            model.learn_one(row, int(label))
    assert np.mean((target - model.infer(x)) ** 2) < 0.1 * before
    assert accuracy(model.infer(x), labels) >= 0.97


@CODED
def test_digits_are_learned_one_by_one(rule: str) -> None:
    digits = load("digits")
    x = (digits.x - digits.x.mean(axis=0)) / np.maximum(digits.x.std(axis=0), 1.0)
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[:360], order[360:]
    sizes = [64, 32, 10]
    codes = draw_codes(rule, sizes, 1)
    model = Reference(initial_parameters(sizes, rule, 0), rule, rate=0.05, codes=codes, gain=1.0)
    for _ in range(4):
        for row in train:
            model.learn_one(x[row], int(digits.y[row]))
    assert accuracy(model.infer(x[test]), digits.y[test]) >= 0.94


@CODED
def test_below_the_first_layer_that_learns_nothing_changes(rule: str) -> None:
    sizes = [3, 4, 5, 4]
    full, part = model_of(rule, sizes, 6), model_of(rule, sizes, 6)
    part.first_learned = 1
    kept = part.parameters.copy()
    x = np.array([0.3, -0.7, 1.1])
    full.learn_one(x, 2)
    part.learn_one(x, 2)
    for layer in range(3):
        wanted = (full.parameters if layer else kept).weights[layer]
        np.testing.assert_array_equal(part.parameters.weights[layer], wanted)
        assert (full.parameters.weights[layer] != kept.weights[layer]).any()


@CODED
def test_initial_parameters_have_no_readouts_and_an_output_layer_of_zeros(rule: str) -> None:
    coded = initial_parameters([20, 8, 6, 3], rule, seed=4)
    local = initial_parameters([20, 8, 6, 3], "local", seed=4)
    assert coded.readout_weights == [] and coded.readout_biases == []
    for left, right in zip(coded.weights, local.weights, strict=True):
        np.testing.assert_array_equal(left, right)
    assert not coded.weights[-1].any()
    assert not any(bias.any() for bias in coded.biases)


@CODED
def test_a_model_without_codes_infers_but_does_not_learn(rule: str) -> None:
    sizes = [3, 4, 2]
    parameters = random_parameters(sizes, rule, 0)
    without = Reference(parameters, rule, 0.5)
    with_codes = Reference(parameters, rule, 0.5, codes=draw_codes(rule, sizes, 0))
    x = np.ones((2, 3))
    np.testing.assert_array_equal(without.infer(x), with_codes.infer(x))
    with pytest.raises(ValueError, match=f"rule '{rule}' learns with codes, and none were given"):
        without.learn_batch(x, [0, 1])
    with pytest.raises(ValueError, match="use learn_batch"):
        with_codes.learn_steps(x, 3)


@CODED
def test_codes_that_do_not_fit_are_refused(rule: str) -> None:
    sizes = [3, 4, 5, 2]
    parameters = random_parameters(sizes, rule, 0)
    good = draw_codes(rule, sizes, 0)
    with pytest.raises(ValueError, match="2 hidden layers need as many codes, not 1"):
        Reference(parameters, rule, 0.5, codes=good[:1])
    with pytest.raises(ValueError, match=r"code 1 must be .* \(2, 5\), not \(5, 2\)"):
        Reference(parameters, rule, 0.5, codes=[good[0], good[1].T])
    with pytest.raises(ValueError, match="code 0 may hold -1, 0 and 1 only"):
        Reference(parameters, rule, 0.5, codes=[good[0] * 0.5, good[1]])
    for other in ("local", "published"):
        fitting = initial_parameters(sizes, other, 0)
        with pytest.raises(ValueError, match=f"rule '{other}' has no codes, and 2 were given"):
            Reference(fitting, other, 0.5, codes=good)
    with pytest.raises(ValueError, match="needs 0 readouts"):
        Reference(initial_parameters(sizes, "local", 0), rule, 0.5, codes=good)


def test_codes_are_copied() -> None:
    code = np.array([[1.0, -1.0], [1.0, 1.0]])
    model = Reference(random_parameters([2, 2, 2], "feedback", 0), "feedback", 0.5, codes=[code])
    code[:] = 0.0
    assert model.codes[0].tolist() == [[1.0, -1.0], [1.0, 1.0]]
