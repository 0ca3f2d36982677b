"""Input scaling is fitted to features; a linear formula turns a raw feature into an input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat
from ska_edge.arithmetic.numpy_ops import NumpyOps
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling, standardize
from ska_edge.network.state import State
from ska_edge.plan.input_check import LARGEST_OFFSET
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RAW, WIDE_RAW, RawInput, standardized
from ska_edge.training.preparation.calibration import raw_input


def test_standardizing_leaves_constant_features_at_zero() -> None:
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    scaling = Scaling.fit(x, "standardize")
    np.testing.assert_allclose(scaling.apply(x), [[-1, 0], [1, 0]])


def test_scaling_none_does_not_change_features() -> None:
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    np.testing.assert_array_equal(Scaling.fit(x, "none").apply(x), x)


def test_other_features_than_the_model_has_are_refused() -> None:
    scaling = Scaling.fit(np.ones((2, 3)), "none")
    with pytest.raises(InputError, match="2 features, but the model has 3 inputs"):
        scaling.apply(np.ones((4, 2)))


def test_global_scaling_keeps_the_proportions_of_features() -> None:
    x = np.array([[0.0, 10.0], [0.0, 30.0]])
    scaled = Scaling.fit(x, "global").apply(x)
    assert abs(scaled.mean()) < 1e-12
    assert abs(scaled.std() - 1) < 1e-12
    assert (scaled[1, 1] - scaled[0, 1]) / (scaled[0, 1] - scaled[0, 0]) == pytest.approx(2)


def test_scaled_features_stay_within_the_limit_of_a_format() -> None:
    scaling = Scaling.fit(np.ones((2, 1)), "none").within(QFormat(8, 5))
    np.testing.assert_array_equal(scaling.apply(np.array([[-9.0], [1.0], [9.0]])), [[-4], [1], [4]])


FORMATS = st.sampled_from([QFormat(8, 0), QFormat(8, 5), QFormat(8, 7), QFormat(16, 12)])


@st.composite
def raw_inputs(draw: st.DrawFn) -> RawInput:
    """Return two features with multipliers and offsets of every size that a plan can hold."""
    multipliers = st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=2)
    offsets = st.lists(st.integers(-LARGEST_OFFSET, LARGEST_OFFSET), min_size=2, max_size=2)
    return RawInput(tuple(draw(multipliers)), tuple(draw(offsets)), draw(st.integers(1, 31)))


@given(raw_inputs(), FORMATS, st.sampled_from([RAW, WIDE_RAW]), st.integers(0, 2**32 - 1))
def test_an_integer_feature_becomes_the_input_of_the_device(
    raw: RawInput, format: QFormat, kind: QFormat, seed: int
) -> None:
    features = np.random.default_rng(seed).integers(kind.minimum, kind.maximum + 1, (40, 2))
    features[:3] = [[kind.minimum, kind.maximum], [0, -1], [kind.maximum, kind.minimum]]
    ops, most = NumpyOps(), max(raw.multipliers)
    on_device = standardized(
        Fixed.of(ops, features, kind),
        Fixed(ops, np.array(raw.multipliers), raw.frac, 0, most),
        Fixed(ops, np.array(raw.offsets), raw.frac, min(raw.offsets), max(raw.offsets)),
        format,
    ).data
    np.testing.assert_array_equal(standardize(raw, features.astype(float), format), on_device)


def raw_model(seed: int) -> tuple[Model, np.ndarray]:
    """Return a model of integer features, and 50 rows of them."""
    rng = np.random.default_rng(seed)
    features = rng.integers(RAW.minimum, RAW.maximum + 1, (50, 20)).astype(float)
    features[:, 0] = 0
    features[rng.integers(50), 0] = 1  # a rare flag leaves few bits for the other multipliers
    format = QFormat(8, 4)
    scaling = Scaling.fit(features, "standardize").within(format)
    raw = raw_input(features, scaling.mean, scaling.scale, format)
    assert raw is not None
    plan = make_plan((20, 2), input_format=format, raw=raw)
    return Model(plan, State(plan), scaling), features


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 0.25, -1e-9, 1e5, -1e90]))
def test_an_input_depends_on_its_feature_alone(seed: int, change: float) -> None:
    model, features = raw_model(seed)
    before = model.quantize(features)
    features[0, 0] += change
    after = model.quantize(features)
    np.testing.assert_array_equal(after[1:], before[1:])
    np.testing.assert_array_equal(after[0, 1:], before[0, 1:])
    for row in range(len(features)):
        np.testing.assert_array_equal(model.quantize(features[row : row + 1]), after[row : row + 1])


@given(st.integers(0, 2**32 - 1))
def test_features_in_between_become_inputs_in_between(seed: int) -> None:
    model, features = raw_model(seed)
    steps = np.linspace(-2, 2, 41)[:, np.newaxis] + features[0]
    inputs = model.quantize(steps)
    assert (np.diff(inputs, axis=0) >= 0).all()
    direct = model.plan.layers[0].input.quantize(model.scaling.apply(steps))
    assert np.abs(inputs - direct).max() <= 1  # formula of the README: (feature - mean) / scale


def test_a_raw_model_refuses_rows_of_another_width() -> None:
    model, _ = raw_model(1)
    with pytest.raises(InputError, match="4 features, but the model has 20 inputs"):
        model.quantize(np.ones((2, 4)))


@pytest.mark.parametrize("shape", [(1, 3), (7, 1), (9000, 1), (9000, 2), (4097, 5), (20_000, 40)])
@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize("scale", ["standardize", "global", "none"])
def test_integers_are_scaled_as_the_same_numbers_in_float(
    shape: tuple[int, int], kind: type[np.integer], scale: str
) -> None:
    """The bits are the same, so a model does not depend on the type of its data."""
    limits = np.iinfo(kind)
    x = np.random.default_rng(0).integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
    x[:, 0] = limits.min
    whole, real = Scaling.fit(x, scale), Scaling.fit(x.astype(np.float64), scale)
    assert whole.mean.tobytes() == real.mean.tobytes()
    assert whole.scale.tobytes() == real.scale.tobytes()
    assert whole.apply(x).tobytes() == real.apply(x.astype(np.float64)).tobytes()
