"""The spectrum of a window is that of a Fourier transform in float, but for roundings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import Fixed
from ska_edge.arithmetic.logarithm import logarithm
from ska_edge.arithmetic.numpy_ops import NumpyOps, stored
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.front import FEATURE, SAMPLE, Filters, Front
from ska_edge.frontend.frontends import FRONTENDS, check_front, feature_names, features_of
from ska_edge.frontend.request import FrontRequest
from ska_edge.frontend.spectrum import LIMIT, LINEAR, MEL, spaced
from tests.feature_graph import features_in_onnx

LENGTHS = (16, 32, 64, 256, 1024)
OFF = 0.07  # roundings: 1/32 of the feature, 0.015 of the logarithm, and those of the transform
WEAK = 2**-12  # of the strongest band; the roundings of the transform matter for weaker bands
QUIET = 64  # times the length: the same for windows with amplitudes of a few units


def energies(front: Front, windows: np.ndarray) -> np.ndarray:
    """Return the energies (windows, bands, axes) in float64, without the package's code."""
    n = front.length
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    centered = windows - np.floor(windows.mean(axis=1, keepdims=True) + 0.5)
    powers = np.abs(np.fft.rfft(centered * hann[:, np.newaxis], axis=1)) ** 2
    bounds = zip(front.bands, front.bands[1:], strict=False)
    return np.stack([powers[:, first:after].sum(axis=1) for first, after in bounds], axis=1)


@st.composite
def fronts(draw: st.DrawFn, lengths: tuple[int, ...] = LENGTHS) -> tuple[Front, np.ndarray]:
    """A front end, and windows of noise and sines of all sizes."""
    length, spacing = draw(st.sampled_from(lengths)), draw(st.sampled_from([LINEAR, MEL]))
    count = draw(st.integers(1, min(length // 2 - 1, 64)))
    front = Front("spectrum", length, length, 2, bands=spaced(length, count, spacing))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise = rng.normal(0, 1, (6, length, 2)) * 2.0 ** rng.uniform(0, 15, (6, 1, 2))
    turns = np.arange(length)[:, np.newaxis] * rng.uniform(0, np.pi, (6, 1, 2))
    sines = np.sin(turns) * 2.0 ** rng.uniform(0, 15, (6, 1, 2))
    return front, SAMPLE.quantize(noise + sines + rng.uniform(-2000, 2000, (6, 1, 2)))


@given(fronts())
@settings(max_examples=40)
def test_a_feature_is_the_logarithm_of_the_energy(case: tuple[Front, np.ndarray]) -> None:
    front, windows = case
    check_front(front)
    exact = energies(front, windows)
    found = FEATURE.dequantize(features_of(front, windows)).reshape(exact.shape)
    strong = exact > WEAK * exact.max(axis=1, keepdims=True)
    strong &= exact > QUIET * front.length
    assert np.abs(found - np.log2(np.maximum(exact, 1e-9)))[strong].max(initial=0) < OFF


@pytest.mark.parametrize("length", LENGTHS)
def test_no_samples_saturate_the_transform(length: int) -> None:
    rng = np.random.default_rng(length)
    windows = rng.choice([SAMPLE.minimum, SAMPLE.maximum], (60, length, 1))
    turns = np.arange(length)
    for number in range(length // 2 if length < 256 else 20):
        sine = np.cos(2 * np.pi * number * turns / length)
        windows[number % 60, :, 0] = np.where(sine > 0, SAMPLE.maximum, SAMPLE.minimum)
    front = Front("spectrum", length, length, 1, bands=spaced(length, 7, LINEAR))
    ops = Watched()
    FRONTENDS["spectrum"].features(front, ops, stored(ops, windows, SAMPLE))
    assert 2**26 < ops.largest <= 2**28 + 2**20 < LIMIT


class Watched(NumpyOps):
    """Notes the largest value that a saturation to `LIMIT` gets."""

    largest = 0

    def clip(self, a: np.ndarray, lo: int, hi: int) -> np.ndarray:
        if hi == LIMIT - 1:
            self.largest = max(self.largest, int(np.abs(a).max()))
        return super().clip(a, lo, hi)


@given(st.integers(1, 2**62), st.integers(0, 2**20))
def test_a_logarithm_is_near_and_never_decreases(value: int, more: int) -> None:
    ops = NumpyOps()
    numbers = np.array([value, value + more, 0, -5])
    found = logarithm(Fixed(ops, numbers, 6, -5, 2**62 + 2**20))
    real = found.data * 2.0**-found.frac
    assert abs(real[0] - (np.log2(float(value)) - 6)) < 0.015
    assert real[1] >= real[0]
    assert real[2] == real[3] == -6


@given(fronts(lengths=(16, 64)))
@settings(max_examples=8)
def test_onnx_has_the_features(case: tuple[Front, np.ndarray]) -> None:
    front, windows = case
    np.testing.assert_array_equal(features_in_onnx(front, windows), features_of(front, windows))


@given(fronts(lengths=(16, 64)), st.sampled_from([2, 3, 6]))
@settings(max_examples=10)
def test_each_frame_has_a_spectrum_of_its_own(case: tuple[Front, np.ndarray], frames: int) -> None:
    one, windows = case
    whole = replace(one, length=frames * one.length, frames=frames)
    found = features_of(whole, windows.reshape(-1, whole.length, 2))
    apart = features_of(one, windows).reshape(-1, frames, len(one.bands) - 1, 2)
    np.testing.assert_array_equal(found, apart.transpose(0, 2, 1, 3).reshape(found.shape))
    assert len(feature_names(whole, ("a", "b"))) == len(set(feature_names(whole, ("a", "b"))))


def test_a_shift_of_the_samples_changes_no_feature() -> None:
    front = Front("spectrum", 64, 64, 1, bands=spaced(64, 8, LINEAR))
    windows = np.random.default_rng(0).integers(-9000, 9000, (5, 64, 1))
    np.testing.assert_array_equal(features_of(front, windows), features_of(front, windows + 7000))
    assert (features_of(front, np.full((1, 64, 1), 77)) == features_of(front, windows * 0)).all()


@pytest.mark.parametrize("spacing", [LINEAR, MEL])
@pytest.mark.parametrize("length", LENGTHS)
def test_bands_have_all_frequencies(length: int, spacing: str) -> None:
    last = length // 2
    for count in range(1, min(last - 1, 64) + 1):
        edges = spaced(length, count, spacing)
        assert len(edges) == count + 1 and edges[0] == 1 and edges[-1] == last
        assert (np.diff(edges) >= 1).all()


def test_mel_bands_grow_from_700_hz_on() -> None:
    widths = np.diff(spaced(1024, 40, MEL))
    assert widths[0] <= 4 and widths[-1] >= 30 and (np.diff(widths) >= -1).all()
    assert np.ptp(np.diff(spaced(1024, 40, LINEAR))) <= 1


def test_a_request_has_bands_and_their_spacing() -> None:
    found = FrontRequest.parse("spectrum:spacing=mel, bands=5")
    assert found == FrontRequest("spectrum", (("spacing", MEL), ("bands", 5)))
    front = found.of_windows(64, 10, ("ax", "ay", "az"))
    assert front == Front("spectrum", 64, 10, 3, bands=spaced(64, 5, MEL))
    assert feature_names(front, ("ax", "ay", "az"))[:4] == (
        *("band 1 ax", "band 1 ay", "band 1 az"),
        "band 2 ax",
    )
    framed = FrontRequest.parse("spectrum:frames=2").of_windows(64, 10, ("ax", "ay"))
    assert framed == Front("spectrum", 64, 10, 2, bands=spaced(32, 15, LINEAR), frames=2)
    assert feature_names(framed, ("ax", "ay"))[1:4] == (
        *("band 1 frame 1 ay", "band 1 frame 2 ax", "band 1 frame 2 ay"),
    )
    usual = FrontRequest.parse("spectrum")
    assert usual.of_windows(64, 64, ("a",)).bands == spaced(64, 16, LINEAR)
    assert usual.of_windows(16, 16, ("a",)).bands == spaced(16, 7, LINEAR)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("spectrum:bands=0", "has 'bands=0', but bands must be an integer from 1 to 64"),
        ("spectrum:bands=x", "has 'bands=x'"),
        ("spectrum:frames=0", "frames must be an integer from 1 to 64"),
        ("spectrum:frames=65", "frames must be an integer from 1 to 64"),
        ("spectrum:frames=2,bands=16", "bands=16, but a frame of 32 samples has at most 15"),
        ("spectrum:spacing=bark", "but spacing must be linear or mel"),
        ("spectrum:size=3", "has 'size=3'"),
        ("spectrum:bands=3,bands=4", "has bands twice"),
        ("spectrum:bands=32", "bands=32, but a window of 64 samples has at most 31"),
    ],
)
def test_bands_that_no_window_has_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        FrontRequest.parse(text).of_windows(64, 64, ("a",))


@pytest.mark.parametrize("length", [2, 8, 100])
def test_a_window_has_frames_of_a_power_of_two(length: int) -> None:
    sentence = f"from 16 to 1024 samples; windows of {length} samples have no such frames; give"
    with pytest.raises(InputError, match=sentence):
        FrontRequest.parse("spectrum").of_windows(length, length, ("a",))
    with pytest.raises(InputError, match=sentence):
        FrontRequest.parse("spectrum:frames=3").of_windows(length, length, ("a",))


@pytest.mark.parametrize(
    ("length", "frames", "numbers"),
    [
        (64, 3, "1 or 2 or 4"),
        (64, 63, "1 or 2 or 4"),
        (96, 1, "3 or 6"),
        (2048, 1, "2 or 4 or 8 or 16 or 32 or 64"),
        (8192, 4, "8 or 16 or 32 or 64"),
    ],
)
def test_frames_of_other_lengths_are_refused(length: int, frames: int, numbers: str) -> None:
    request = FrontRequest.parse(f"spectrum:frames={frames},spacing=mel")
    sentence = f"frames can be {numbers} for windows of {length} samples, not {frames}"
    with pytest.raises(InputError, match=sentence):
        request.of_windows(length, length, ("a",))


@pytest.mark.parametrize(
    "front",
    [
        Front("spectrum", 64, 64, 3),
        Front("spectrum", 64, 64, 3, bands=(3,)),
        Front("spectrum", 64, 64, 3, bands=(0, 3)),
        Front("spectrum", 64, 64, 3, bands=(3, 3)),
        Front("spectrum", 64, 64, 3, bands=(3, 33)),
        Front("spectrum", 64, 64, 3, bands=(3, 9), frames=0),
        Front("spectrum", 64, 64, 3, bands=(3, 9), frames=8),
        Front("spectrum", 64, 64, 3, ((0, 1, 2),), bands=(3, 9)),
        Front("spectrum", 64, 64, 3, filters=Filters(), bands=(3, 9)),
    ],
)
def test_a_damaged_front_end_is_refused(front: Front) -> None:
    with pytest.raises(InputError, match="spectrum"):
        check_front(front)
