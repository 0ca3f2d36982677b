"""Recordings of a watch are cut into windows; known signals have the known features."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ska_edge.data.builtin import watch

TIME = np.arange(watch.WINDOW) / watch.RATE
NAMES = watch.feature_names()


def named(signals: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return the features of one window by name; channels that are not given are 0."""
    window = np.zeros((1, watch.WINDOW, 6))
    for channel, signal in signals.items():
        window[0, :, watch.CHANNELS.index(channel)] = signal
    return dict(zip(NAMES, watch.features(window)[0].tolist(), strict=True))


def test_names_are_different_and_few_enough_for_a_device() -> None:
    assert len(set(NAMES)) == len(NAMES) == 93
    assert (NAMES[0], NAMES[-1]) == ("mean ax", "correlation wy wz")
    bands = [name.removesuffix(" ax") for name in NAMES if name.endswith("Hz ax")]
    assert bands == ["0.25-0.5 Hz", "0.75-1 Hz", "1.25-2 Hz", "2.25-4 Hz", "4.25-25 Hz"]


def test_windows_follow_each_other_and_drop_the_end() -> None:
    recording = np.arange(6 * 500, dtype=np.float64).reshape(500, 6)
    cut = watch.windows(recording)
    assert cut.shape == (2, 200, 6)
    np.testing.assert_array_equal(cut.reshape(400, 6), recording[:400])
    assert watch.windows(recording[:199]).shape == (0, 200, 6)


@pytest.mark.parametrize(
    ("frequency", "band"),
    [(0.25, "0.25-0.5"), (1.0, "0.75-1"), (1.25, "1.25-2"), (4.0, "2.25-4"), (7.5, "4.25-25")],
)
def test_a_sine_is_in_its_band(frequency: float, band: str) -> None:
    # The sine starts a quarter of a sample before the window, so no sample is at a zero crossing.
    phase = 2 * np.pi * frequency * (TIME + 0.25 / watch.RATE)
    found = named({"wy": 3 + 2 * np.sin(phase)})
    for name in (name for name in NAMES if name.endswith("Hz wy")):
        want = np.sqrt(2) if name == f"{band} Hz wy" else 0
        assert found[name] == pytest.approx(want, abs=1e-9)
    assert found["mean wy"] == pytest.approx(3)
    assert found["deviation wy"] == pytest.approx(np.sqrt(2))
    assert found["crossings wy"] == (8 * frequency - 1) / 199
    assert found["mean ax"] == found["deviation ax"] == 0


def test_extremes_quartiles_and_slope() -> None:
    ramp = np.random.default_rng(0).permutation(200) / 100
    found = named({"az": ramp, "wx": TIME * 3, "wz": np.where(TIME < 2, 0.0, 1.0)})
    assert (found["lowest az"], found["highest az"]) == (0.0, 1.99)
    assert (found["lower quartile az"], found["upper quartile az"]) == (0.5, 1.49)
    assert found["jerk wx"] == pytest.approx(0, abs=1e-9)  # the slope is constant
    assert found["jerk wz"] == pytest.approx(50 * np.sqrt(1 / 199 - 1 / 199**2))


def test_the_bands_add_up_to_the_variance() -> None:
    rng = np.random.default_rng(1)
    found = named({channel: rng.normal(size=200) for channel in watch.CHANNELS})
    for channel in watch.CHANNELS:
        bands = [found[name] for name in NAMES if name.endswith(f"Hz {channel}")]
        assert np.square(bands).sum() == pytest.approx(found[f"deviation {channel}"] ** 2)


def test_a_constant_channel_has_correlations_of_0() -> None:
    signal = np.sin(TIME)
    found = named({"ax": signal, "ay": 4 - 3 * signal, "wz": 0.1 + np.zeros(200)})
    assert found["correlation ax ay"] == pytest.approx(-1)
    for name in NAMES:
        if name.startswith("correlation") and name != "correlation ax ay":
            assert found[name] == 0
    assert found["mean wz"] == pytest.approx(0.1)
    assert np.isfinite(list(found.values())).all()


def test_a_turned_watch_reverses_its_x_and_y_axes() -> None:
    recording = np.random.default_rng(2).normal(1.0, 1.0, (200, 6)).cumsum(axis=0)
    straight, half = (
        dict(zip(NAMES, watch.features(watch.windows(worn))[0], strict=True))
        for worn in (recording, watch.turned(recording))
    )
    opposite = {"lowest": "highest", "lower quartile": "upper quartile"}
    opposite |= {high: low for low, high in opposite.items()} | {"mean": "mean"}
    for name in NAMES:
        kind, _, channel = name.rpartition(" ")
        if name.startswith("correlation"):
            reversing = (name.split()[1][1] == "z") != (channel[1] == "z")
            want = -straight[name] if reversing else straight[name]
        elif channel[1] != "z" and kind in opposite:
            want = -straight[f"{opposite[kind]} {channel}"]
        else:
            want = straight[name]
        assert half[name] == pytest.approx(want), name
