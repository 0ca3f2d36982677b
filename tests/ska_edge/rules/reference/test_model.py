"""In the float reference, gradients equal finite differences, and `local` learns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from ska_edge.data.load import load
from ska_edge.rules.reference import (
    Parameters,
    Reference,
    accuracy,
    initial_parameters,
)

FloatArray = NDArray[np.float64]


def random_model(sizes: list[int], seed: int, alignment: float = 0.0) -> Reference:
    """Return a ``local`` model in which no array is zero, so that every gradient matters."""
    parameters = initial_parameters(sizes, "local", seed)
    rng = np.random.default_rng(seed + 1)
    for array in arrays(parameters):
        array += rng.normal(0.0, 0.5, array.shape)
    return Reference(parameters, "local", rate=0.5, alignment=alignment)


def arrays(p: Parameters) -> list[FloatArray]:
    return [*p.weights, *p.biases, *p.readout_weights, *p.readout_biases]


def cross_entropy(decisions: FloatArray, labels: NDArray[np.int64]) -> float:
    target = np.eye(decisions.shape[1])[labels]
    terms = target * np.log(decisions) + (1.0 - target) * np.log(1.0 - decisions)
    return -float(np.sum(terms)) / len(decisions)


def local_loss(p: Parameters, layer: int, x: FloatArray, labels: NDArray[np.int64]) -> float:
    """Return the cross-entropy of hidden ``layer``'s readout. The last hidden layer's readout is
    the output layer; without hidden layers, ``layer`` is -1.
    """
    a = x
    for weights, bias in zip(p.weights[: layer + 1], p.biases[: layer + 1], strict=True):
        a = np.tanh((a @ weights.T + bias) / 2.0)
    if layer in range(len(p.readout_weights)):
        readout, bias = p.readout_weights[layer], p.readout_biases[layer]
    else:
        readout, bias = p.weights[-1], p.biases[-1]
    return cross_entropy(1.0 / (1.0 + np.exp(-(a @ readout.T + bias))), labels)


def gradient(
    array: FloatArray, p: Parameters, layer: int, x: FloatArray, labels: NDArray[np.int64]
) -> FloatArray:
    """Return central differences of ``local_loss`` for each element of ``array``, an array of
    ``p``.
    """
    result = np.zeros_like(array)
    step = 1e-5
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = local_loss(p, layer, x, labels)
        array[index] = kept - step
        below = local_loss(p, layer, x, labels)
        array[index] = kept
        result[index] = (above - below) / (2.0 * step)
    return result


def layer_arrays(p: Parameters) -> Iterator[tuple[int, float, int]]:
    """Yield (index in ``arrays``, ratio of the rule's step to the gradient, layer of the loss)."""
    count = len(p.weights)
    top = count - 2
    for layer in range(count):
        hidden = layer < count - 1
        for index in (layer, count + layer):
            yield index, 2.0 if hidden else 1.0, layer if hidden else top
    for readout in range(len(p.readout_weights)):
        for index in (2 * count + readout, 2 * count + len(p.readout_weights) + readout):
            yield index, 1.0, readout


@pytest.mark.parametrize("sizes", [[4, 3], [4, 5, 3], [4, 5, 6, 3], [3, 4, 5, 4, 2]])
def test_local_follows_the_gradient_of_each_layers_own_readout(sizes: list[int]) -> None:
    model = random_model(sizes, seed=len(sizes))
    rng = np.random.default_rng(7)
    x = rng.normal(size=(5, sizes[0]))
    labels = rng.integers(0, sizes[-1], 5)
    before = model.parameters.copy()
    model.learn_batch(x, labels)
    seen = 0
    for index, gain, layer in layer_arrays(before):
        old, new = arrays(before)[index], arrays(model.parameters)[index]
        expected = -model.rate * gain * gradient(old, before, layer, x, labels)
        np.testing.assert_allclose(new - old, expected, rtol=1e-6, atol=1e-9)
        seen += 1
    assert seen == len(arrays(before))


def test_alignment_adds_the_knowledge_times_the_slope() -> None:
    plain, aligned = random_model([4, 5, 6, 3], 3), random_model([4, 5, 6, 3], 3, alignment=0.25)
    before = plain.parameters.copy()
    x = np.array([0.3, -0.8, 0.1, 0.5])
    plain.learn_one(x, 2)
    aligned.learn_one(x, 2)

    def term(z: FloatArray) -> FloatArray:
        decision = 1.0 / (1.0 + np.exp(-z))
        value: FloatArray = 0.5 * 0.25 * z * decision * (1.0 - decision)
        return value

    a = x
    for layer in range(3):
        z = before.weights[layer] @ a + before.biases[layer]
        extra = aligned.parameters.weights[layer] - plain.parameters.weights[layer]
        np.testing.assert_allclose(extra, np.outer(term(z), a), atol=1e-12)
        extra_bias = aligned.parameters.biases[layer] - plain.parameters.biases[layer]
        np.testing.assert_allclose(extra_bias, term(z), atol=1e-12)
        a = np.tanh(z / 2.0)
        if layer == 0:
            z_readout = before.readout_weights[0] @ a + before.readout_biases[0]
            extra = aligned.parameters.readout_weights[0] - plain.parameters.readout_weights[0]
            np.testing.assert_allclose(extra, np.outer(term(z_readout), a), atol=1e-12)


def test_a_batch_of_equal_samples_learns_as_one_sample() -> None:
    one, many = random_model([4, 5, 6, 3], 5), random_model([4, 5, 6, 3], 5)
    x = np.array([0.2, -0.4, 0.9, 0.0])
    before = one.infer(x[np.newaxis])[0]
    np.testing.assert_array_equal(one.learn_one(x, 1), before)
    many.learn_batch(np.tile(x, (6, 1)), np.full(6, 1))
    for left, right in zip(arrays(one.parameters), arrays(many.parameters), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-14)


def test_initial_parameters() -> None:
    local = initial_parameters([100, 80, 60, 10], "local", seed=4)
    assert local.sizes() == [100, 80, 60, 10]
    assert [w.shape for w in local.readout_weights] == [(10, 80)]
    assert [b.shape for b in local.readout_biases] == [(10,)]
    zeros = [local.weights[-1], *local.readout_weights, *local.readout_biases, *local.biases]
    assert not any(array.any() for array in zeros)
    assert local.weights[0].std() == pytest.approx(100**-0.5, rel=0.05)
    assert local.weights[1].std() == pytest.approx(80**-0.5, rel=0.05)

    published = initial_parameters([100, 80, 60, 10], "published", seed=4)
    assert published.weights[-1].std() == pytest.approx(60**-0.5, rel=0.1)
    assert published.readout_weights == [] and published.readout_biases == []
    np.testing.assert_array_equal(published.weights[0], local.weights[0])
    np.testing.assert_array_equal(
        local.weights[0], np.random.default_rng(4).normal(0.0, 0.1, (80, 100))
    )
    assert initial_parameters([4, 3], "local", 0).readout_weights == []
    assert initial_parameters([4, 5, 3], "local", 0).readout_weights == []


def test_a_spread_widens_the_first_layer_alone() -> None:
    sizes = [100, 80, 60, 10]
    plain = initial_parameters(sizes, "local", seed=4)
    wide = initial_parameters(sizes, "local", seed=4, spread=3.0)
    np.testing.assert_array_equal(wide.weights[0], 3.0 * plain.weights[0])
    bias = wide.biases[0]
    assert bias.shape == (80,)
    assert (bias.min(), bias.max()) == (pytest.approx(-3, abs=0.2), pytest.approx(3, abs=0.2))
    for ours, theirs in zip(
        [*wide.weights[1:], *wide.biases[1:], *wide.readout_weights],
        [*plain.weights[1:], *plain.biases[1:], *plain.readout_weights],
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert not plain.biases[0].any()


def test_layers_below_the_first_learned_layer_are_unchanged() -> None:
    plain, frozen = random_model([4, 5, 6, 7, 3], 8, 0.25), random_model([4, 5, 6, 7, 3], 8, 0.25)
    frozen = Reference(frozen.parameters, "local", 0.5, alignment=0.25, first_learned=2)
    before = frozen.parameters.copy()
    x, labels = np.random.default_rng(0).normal(size=(4, 4)), [0, 1, 2, 0]
    plain.learn_batch(x, labels)
    frozen.learn_batch(x, labels)
    for name in ("weights", "biases", "readout_weights", "readout_biases"):
        got, full = getattr(frozen.parameters, name), getattr(plain.parameters, name)
        kept = getattr(before, name)
        for layer in range(len(got)):
            np.testing.assert_array_equal(got[layer], (kept if layer < 2 else full)[layer])
            assert (full[layer] != kept[layer]).all()


def test_knowledge_of_every_layer() -> None:
    model = random_model([4, 5, 6, 3], 9)
    x = np.random.default_rng(1).normal(size=(2, 4))
    knowledge = model.knowledge(x)
    assert [z.shape for z in knowledge] == [(2, 5), (2, 6), (2, 3)]
    a = x
    for z, weights, bias in zip(
        knowledge, model.parameters.weights, model.parameters.biases, strict=True
    ):
        np.testing.assert_allclose(z, a @ weights.T + bias, rtol=1e-12)
        a = np.tanh(z / 2.0)
    np.testing.assert_allclose(model.infer(x), 1.0 / (1.0 + np.exp(-knowledge[-1])), rtol=1e-12)


def test_copies_are_independent() -> None:
    model = random_model([4, 5, 6, 3], 2)
    kept = model.parameters.copy()
    texts = [array.tobytes() for array in arrays(kept)]
    model.learn_one(np.ones(4), 0)
    assert [array.tobytes() for array in arrays(kept)] == texts
    changed = [array.tobytes() for array in arrays(model.parameters)]
    assert all(old != new for old, new in zip(texts, changed, strict=True))


@pytest.mark.parametrize(
    ("hidden", "wanted"), [([], 0.94), ([32], 0.96), ([64], 0.96), ([64, 32], 0.96)]
)
def test_local_learns_digits_one_by_one(hidden: list[int], wanted: float) -> None:
    digits = load("digits")
    x = (digits.x - digits.x.mean(axis=0)) / np.maximum(digits.x.std(axis=0), 1.0)
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[:360], order[360:]
    model = Reference(initial_parameters([64, *hidden, 10], "local", 0), "local", rate=0.05)
    for _ in range(4):
        for row in train:
            model.learn_one(x[row], int(digits.y[row]))
    assert accuracy(model.infer(x[test]), digits.y[test]) >= wanted


def test_local_learns_digits_in_batches() -> None:
    digits = load("digits")
    x = digits.x / 8.0 - 1.0
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[:360], order[360:]
    model = Reference(initial_parameters([64, 32, 10], "local", 0), "local", rate=0.5)
    for _ in range(20):
        for start in range(0, len(train), 16):
            rows = train[start : start + 16]
            model.learn_batch(x[rows], digits.y[rows])
    assert accuracy(model.infer(x[test]), digits.y[test]) >= 0.96


def test_accuracy_counts_the_first_of_equal_decisions() -> None:
    decisions = [[0.2, 0.8], [0.5, 0.5], [0.9, 0.1], [0.1, 0.3]]
    assert accuracy(decisions, [1, 0, 1, 0]) == 0.5


def test_large_knowledge_does_not_overflow() -> None:
    parameters = Parameters(weights=[np.array([[1e4], [-1e4]])], biases=[np.zeros(2)])
    model = Reference(parameters, "local", 1.0)
    np.testing.assert_array_equal(model.infer([[1.0]]), [[1.0, 0.0]])


def test_wrong_use_is_refused() -> None:
    local = random_model([4, 5, 3], 0)
    published = Reference(initial_parameters([4, 5, 3], "published", 0), "published", 0.01)
    x = np.zeros((2, 4))
    with pytest.raises(ValueError, match="use learn_batch"):
        local.learn_steps(x, 3)
    with pytest.raises(ValueError, match="use learn_steps"):
        published.learn_batch(x, [0, 1])
    with pytest.raises(ValueError, match="at least 2"):
        published.learn_steps(x, 1)
    for rate in (0.0, -0.01, float("nan")):
        with pytest.raises(ValueError, match="a rate above 0"):
            Reference(published.parameters, "published", rate).learn_steps(x, 2)
    with pytest.raises(ValueError, match="none were given"):
        local.learn_batch(x, None)
    with pytest.raises(ValueError, match=r"in 0\.\.2"):
        local.learn_batch(x, [0, 3])
    with pytest.raises(ValueError, match=r"in 0\.\.2"):
        local.learn_one(x[0], -1)
    with pytest.raises(ValueError, match="2 integers"):
        local.learn_batch(x, [0])
    with pytest.raises(ValueError, match="2 integers"):
        local.learn_batch(x, [0.0, 1.0])
    with pytest.raises(ValueError, match=r"\(n >= 1, 4\), not \(2, 3\)"):
        local.infer(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"\(n >= 1, 4\)"):
        local.infer(np.zeros((0, 4)))
    with pytest.raises(ValueError, match="unknown rule 'hebb'"):
        initial_parameters([4, 3], "hebb", 0)
    with pytest.raises(ValueError, match="unknown rule 'hebb'"):
        Reference(local.parameters, "hebb", 0.1)
    with pytest.raises(ValueError, match="sizes must be"):
        initial_parameters([4], "local", 0)
    with pytest.raises(ValueError, match="sizes must be"):
        initial_parameters([4, 0, 3], "local", 0)
    with pytest.raises(ValueError, match="decisions must be"):
        accuracy(np.zeros((2, 3)), [0])


def test_parameters_that_do_not_fit_are_refused() -> None:
    good = initial_parameters([4, 5, 6, 3], "local", 0)
    with pytest.raises(ValueError, match="needs 0 readouts"):
        Reference(good, "published", 0.1)
    without = Parameters(good.weights, good.biases)
    with pytest.raises(ValueError, match="needs 1 readouts"):
        Reference(without, "local", 0.1)
    wrong = good.copy()
    wrong.weights[1] = np.zeros((6, 4))
    with pytest.raises(ValueError, match="layer 1"):
        Reference(wrong, "local", 0.1)
    wrong = good.copy()
    wrong.readout_weights[0] = np.zeros((3, 6))
    with pytest.raises(ValueError, match="readout 0"):
        Reference(wrong, "local", 0.1)
    with pytest.raises(ValueError, match="at least one layer"):
        Reference(Parameters([], []), "local", 0.1)
    for layer in (-1, 3):
        with pytest.raises(
            ValueError, match=f"first_learned is {layer}, but there is no such layer"
        ):
            Reference(good, "local", 0.1, first_learned=layer)
