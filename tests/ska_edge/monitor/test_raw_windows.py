"""Raw samples go to a device once each and in order; here a list takes the place of the device."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.data.dataset import Dataset
from ska_edge.frontend.front import Front
from ska_edge.frontend.frontends import feature_count, features_of, front_for
from ska_edge.monitor.raw_windows import FeatureDifference, compare_windows
from ska_edge.wire.protocol import RAW_MAX

AXES = ("ax", "ay", "az")


class ListedDevice:
    """Replaces `Link`: computes features from the samples since the last reset."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.runs: list[list[Any]] = []  # the samples after each reset
        self.wrong = -1  # the index of a window with a wrong feature
        self.windows = 0

    def expect_front(self) -> None:
        pass

    def push_samples(self, data: bytes, reset: bool) -> bool:
        assert 0 < len(data) <= RAW_MAX
        if reset:
            self.runs.append([])
        self.runs[-1] += np.frombuffer(data, "<i2").reshape(-1, self._front.axes).tolist()
        beyond = len(self.runs[-1]) - self._front.length
        return beyond >= 0 and beyond % self._front.hop == 0

    def read_window(self, inputs: int, width: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        window = np.array(self.runs[-1][-self._front.length :], dtype=np.int16)
        features = features_of(self._front, window[None])[0]
        features[2] += self.windows == self.wrong
        self.windows += 1
        return tuple(features.tolist()), (7,) * inputs


def data_of(front: Front, lengths: list[int], dropped: set[int]) -> Dataset:
    """Return windows of recordings whose samples count up; some windows are left out."""
    windows, starts, file, before = [], [], [], 0
    for number, length in enumerate(lengths):
        samples = np.arange(before, before + 3 * length, dtype=np.int16).reshape(length, 3)
        for start in range(0, length - front.length + 1, front.hop):
            windows.append(samples[start : start + front.length])
            starts.append(start + 1000 * number)
            file.append(number)
        before += 3 * length
    kept = [row for row in range(len(windows)) if row not in dropped]
    data = Dataset(
        "rec",
        np.zeros((len(windows), feature_count(front))),
        np.zeros(len(windows), np.int64),
        ("a",),
        file=np.array(file),
        file_names=tuple(f"{n}.csv" for n in range(len(lengths))),
        starts=np.array(starts),
        windows=np.array(windows),
    )
    return data.take(kept)


def compared(front: Front, data: Dataset, device: ListedDevice) -> FeatureDifference | None:
    layers = [SimpleNamespace(input=SimpleNamespace(bits=8, name="Q3.4"))]
    plan: Any = SimpleNamespace(front=front, inputs=feature_count(front), layers=layers)
    link: Any = device
    inputs = np.full((len(data.x), plan.inputs), 7)
    return compare_windows(link, plan, data, inputs, lambda *_: None)


@settings(max_examples=30)
@given(
    st.sampled_from([(8, 4), (8, 8), (12, 8), (6, 9), (40, 20)]),
    st.lists(st.integers(40, 90), min_size=1, max_size=3),
    st.sets(st.integers(0, 12)),
)
def test_a_sample_of_a_window_is_pushed_once(
    cut: tuple[int, int], lengths: list[int], dropped: set[int]
) -> None:
    front = front_for("statistics", *cut, AXES)
    data = data_of(front, lengths, dropped)
    if not len(data.x):
        return
    device = ListedDevice(front)
    assert compared(front, data, device) is None
    assert data.windows is not None
    pushed = [sample[0] for run in device.runs for sample in run]
    assert sorted(set(pushed)) == pushed  # in order, each once
    assert set(pushed) == set(data.windows[:, :, 0].ravel().tolist())
    gaps = np.diff(np.array(pushed)) > 3
    resets = np.cumsum([len(run) for run in device.runs])[:-1] - 1
    assert set(np.flatnonzero(gaps)) <= set(resets.tolist())


def test_the_first_difference_names_recording_window_and_feature() -> None:
    front = front_for("statistics", 8, 4, AXES)
    data, device = data_of(front, [40, 40], set()), ListedDevice(front)
    device.wrong = 11
    found = compared(front, data, device)
    assert found is not None and found.host + 1 == found.device
    assert (found.recording, found.window, found.what) == ("1.csv", 11, "feature")
    assert found.feature == "2" and found.format == "Q27.4"


def test_a_difference_of_the_input_is_named() -> None:
    front = front_for("statistics", 8, 8, AXES)
    data, device = data_of(front, [40], set()), ListedDevice(front)
    device.read_window = lambda inputs, width: (  # type: ignore[method-assign]
        ListedDevice.read_window(device, inputs, width)[0],
        (7,) * (inputs - 1) + (8,),
    )
    found = compared(front, data, device)
    assert found is not None
    last = feature_count(front) - 1
    assert found.sentence() == (
        f"recording 0.csv, window 0, input '{last}': host 7, device 8 (Q3.4)"
    )


@pytest.mark.parametrize("what", ["complete", "feature"])
def test_a_difference_as_plain_data_has_all_fields(what: str) -> None:
    found = FeatureDifference("a.csv", 3, what, "mean ax", 1, 2, "Q27.4").as_dict()
    assert found["recording"] == "a.csv" and found["what"] == what and len(found) == 8


def test_a_difference_of_an_image_names_the_image() -> None:
    found = FeatureDifference("digits", 3, "feature", "filter 1 at 1,2", 1, 2, "Q27.4", image=True)
    assert found.sentence() == (
        "data digits, image 3, feature 'filter 1 at 1,2': host 1, device 2 (Q27.4)"
    )
