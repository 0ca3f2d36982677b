"""Calibration picks formats for the measured ranges; raw features give the inputs of float
scaling, at most 1 apart.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import QFormat, Rate
from ska_edge.data.load import load
from ska_edge.errors import InputError
from ska_edge.model.scaling import Scaling, standardize
from ska_edge.plan.input_check import LARGEST_OFFSET
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import Parameters
from ska_edge.training.options import Options
from ska_edge.training.preparation.calibration import (
    CLIPPED_SHARE,
    HEADROOM,
    Magnitudes,
    fraction,
    input_format,
    knowledge_format,
    raw_float_input,
    raw_input,
    relu_format,
    weight_formats,
)
from ska_edge.training.train import train

W16A8 = PRECISIONS["w16a8"]


@given(st.floats(1e-6, 1e4), st.sampled_from([16, 32]))
def test_the_fraction_is_the_finest_that_holds_a_value(largest: float, bits: int) -> None:
    frac = fraction(largest, bits)
    assert largest < 2.0 ** (bits - 1 - frac)
    assert frac == bits - 1 or largest >= 2.0 ** (bits - 2 - frac)


def test_weights_get_headroom_and_an_update_a_bit_to_round() -> None:
    seen = Magnitudes(weights={(0, "weight"): 1.5, (1, "weight"): 0.01, (2, "weight"): 0.0})
    formats = weight_formats(seen, W16A8, Rate.from_real(0.125))
    assert formats == {(0, "weight"): QFormat(16, 13), (1, "weight"): QFormat(16, 15)}
    coarse = weight_formats(seen, W16A8, Rate.from_real(4.0))
    assert coarse[1, "weight"].frac == W16A8.shift.frac + Rate.from_real(4.0).shift - 1
    assert HEADROOM * 1.5 < 2.0 ** (15 - 13)


def test_knowledge_with_labels_ends_beyond_the_table_and_without_ends_nowhere() -> None:
    seen = Magnitudes(knowledge=100.0)
    assert knowledge_format(seen, W16A8, supervised=True) == QFormat(16, 11)
    assert knowledge_format(seen, W16A8, supervised=False) == QFormat(16, 7)


class Twin:
    """A twin of one hidden layer, with fixed values."""

    def __init__(self, hidden: np.ndarray, output: float = 0.0) -> None:
        self.parameters = Parameters([np.ones((1, 1))] * 2, [np.ones(1)] * 2)
        self._knowledge = [hidden[:, None], np.full((len(hidden), 1), output)]

    def knowledge(self, _x: np.ndarray) -> list[np.ndarray]:
        return self._knowledge


def test_few_activations_of_relu_saturate() -> None:
    hidden = np.linspace(-5.0, 3.9, 1000)
    hidden[-1], seen = 100.0, Magnitudes()
    seen.observe(Twin(hidden, output=30.0), np.zeros((1000, 1)))
    assert relu_format(seen, W16A8) == QFormat(8, 5)  # up to 3.97; 1 of 1000 is above it
    seen.observe(Twin(hidden / 10), np.zeros((1000, 1)))
    assert relu_format(seen, W16A8) == QFormat(8, 5)  # the ranges of the whole training count


def test_knowledge_holds_every_activation_of_relu() -> None:
    seen = Magnitudes(knowledge=100.0)
    for relu, frac in ((QFormat(8, 3), 11), (QFormat(8, 2), 10), (QFormat(8, 0), 8)):
        assert knowledge_format(seen, W16A8, True, relu) == QFormat(16, frac)
    assert knowledge_format(Magnitudes(knowledge=3.0), W16A8, True, QFormat(8, 0)).frac == 12


@pytest.mark.parametrize("hidden", [np.nan, np.inf])
def test_a_twin_that_diverged_has_no_format(hidden: float) -> None:
    seen = Magnitudes(activation=2.0)
    seen.observe(Twin(np.full(10, hidden)), np.zeros((10, 1)))
    with pytest.raises(InputError, match="a value of inf fits into no 8-bit format"):
        relu_format(seen, W16A8)


@pytest.mark.parametrize(
    ("largest", "format"),
    [(0.9, QFormat(8, 7)), (1.5, QFormat(8, 6)), (16.0, QFormat(8, 2)), (3.9, QFormat(8, 5))],
)
def test_the_finest_input_format_that_holds_the_data(largest: float, format: QFormat) -> None:
    assert input_format(np.array([[0.0, largest, -largest]])) == format


def test_rare_outliers_are_clipped_rather_than_cost_everybody_a_bit() -> None:
    x = np.full((10_000, 1), 0.5)
    x[: int(CLIPPED_SHARE * len(x)), 0] = 50.0
    assert input_format(x) == QFormat(8, 7)
    x[: int(CLIPPED_SHARE * len(x)) + 1, 0] = 50.0
    assert input_format(x) == QFormat(8, 1)


def test_data_beyond_every_format_are_refused() -> None:
    with pytest.raises(InputError, match="standardize"):
        input_format(np.array([[1e6]]))


@given(st.integers(0, 2**32 - 1), st.sampled_from([QFormat(8, 4), QFormat(8, 5), QFormat(16, 12)]))
def test_raw_integers_become_the_inputs_of_float_scaling(seed: int, format: QFormat) -> None:
    rng = np.random.default_rng(seed)
    spread = rng.choice([1, 30, 5000], 4)
    raw = np.trunc(rng.normal(rng.normal(0, 3000, 4), spread, (50, 4)))
    scaling = Scaling.fit(raw, "standardize").within(format)
    integers = raw_input(raw, scaling.mean, scaling.scale, format)
    assert integers is not None
    got = standardize(integers, raw.astype(np.int64), format)
    assert np.abs(got - format.quantize(scaling.apply(raw))).max() <= 1


@given(st.integers(0, 2**32 - 1), st.integers(17, 31), st.sampled_from([4, 12]))
def test_wide_integers_become_the_inputs_of_float_scaling(seed: int, bits: int, frac: int) -> None:
    """Such integers are, for example, the features of a 24-bit ADC."""
    rng = np.random.default_rng(seed)
    raw = rng.integers(-(2**bits), 2**bits, (50, 3)).astype(float)
    format = QFormat(8 if frac == 4 else 16, frac)
    scaling = Scaling.fit(raw, "standardize").within(format)
    integers = raw_input(raw, scaling.mean, scaling.scale, format)
    assert integers is not None
    assert max(map(abs, integers.offsets)) <= LARGEST_OFFSET
    got = standardize(integers, raw, format)
    assert np.abs(got - format.quantize(scaling.apply(raw))).max() <= 1


@pytest.mark.parametrize("largest", [2.0**31, 1e12])
def test_features_beyond_32_bits_have_no_raw_input(largest: float) -> None:
    features = np.array([[0.0], [largest]])
    scaling = Scaling.fit(features, "standardize")
    assert raw_input(features, scaling.mean, scaling.scale, QFormat(8, 4)) is None


def test_a_wide_feature_with_a_small_scale_has_no_raw_input() -> None:
    """The feature's multiplier would be so coarse that an input differs by more than 1."""
    features = 2.0**24 + np.array([[0.0], [1.0]])
    scaling = Scaling.fit(features, "standardize")
    assert raw_input(features, scaling.mean, scaling.scale, QFormat(8, 4)) is None


def test_features_that_are_not_integers_have_no_raw_input() -> None:
    features = np.array([[0.5, 1.0], [1.5, 2.0]])
    assert raw_input(features, np.zeros(2), np.ones(2), QFormat(8, 4)) is None
    assert raw_input(features * 1e6, np.zeros(2), np.ones(2), QFormat(8, 4)) is None


def test_a_trained_model_has_the_ranges_of_its_integers() -> None:
    pytest.importorskip("sklearn")
    model = train(load("iris"), Options(hidden=(6, 5), epochs=2)).model
    found = {(r.layer, r.quantity): r for r in model.ranges}
    for tensor in model.plan.tensors():
        values = model.state.tensor(tensor.layer, tensor.name)
        seen = found[tensor.layer, tensor.name]
        assert seen.format == tensor.format
        assert seen.largest >= np.abs(values).max()
        assert seen.values == values.size
    assert {"input", "knowledge", "activation", "shift"} <= {r.quantity for r in model.ranges}
    assert all(r.headroom >= 0 for r in model.ranges)


def test_knowledge_that_no_plan_supports_is_refused() -> None:
    for reached, frac in ((600.0, 5), (7.0, 11), (0.1, 15)):
        found = knowledge_format(Magnitudes(knowledge=reached), W16A8, supervised=False)
        assert found == QFormat(16, frac)
        make_plan((4, 3, 2), rule="published", knowledge_format=found)
    with pytest.raises(InputError, match="reached 700, too large for its 16 bits"):
        knowledge_format(Magnitudes(knowledge=700.0), W16A8, supervised=False)
    assert knowledge_format(Magnitudes(knowledge=700.0), W16A8, supervised=True) == QFormat(16, 11)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([QFormat(8, 4), QFormat(8, 7), QFormat(16, 12)]),
    st.floats(-30, 30),
)
def test_floats_become_the_inputs_of_float64_scaling(
    seed: int, format: QFormat, size: float
) -> None:
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 100, 4) * 10.0**size  # up to a few hundred standard deviations from 0
    raw = rng.normal(means, 10.0**size, (50, 4)).astype(np.float32)
    scaling = Scaling.fit(raw.astype(np.float64), "standardize").within(format)
    integers = raw_float_input(scaling.mean, scaling.scale, format)
    got = standardize(integers, raw, format)
    assert np.abs(got - format.quantize(scaling.apply(raw))).max() <= 1


@pytest.mark.parametrize(
    ("mean", "scale", "words"),
    [
        (1e9, 1e-3, "is about 1e+09 and varies by only 0.001, {}; subtract a constant from it,"),
        (0.0, 1e-60, "varies by 1e-60, {}; use another unit,"),
        (2e37, 1e39, "varies by 1e+39, {}; use another unit,"),
    ],
)
@pytest.mark.parametrize(("names", "name"), [(None, "2"), (("ax", "ay"), "'ay'")])
def test_a_feature_that_float32_cannot_standardize_is_named(
    mean: float, scale: float, words: str, names: tuple[str, ...] | None, name: str
) -> None:
    expected = words.format("which a float32 cannot standardize")
    with pytest.raises(InputError) as refusal:
        raw_float_input(np.array([0.0, mean]), np.array([1.0, scale]), QFormat(8, 4), names)
    assert str(refusal.value).startswith(f"feature {name} {expected} drop the feature,")
