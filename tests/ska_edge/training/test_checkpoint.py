"""A stopped training leaves a model that can be used and continued."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.model.open import open_model
from ska_edge.network.trainer import FixedTrainer
from ska_edge.training import checkpoint
from ska_edge.training.accuracy import accuracies
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.ska_edge.training.one_by_one import learned_one_by_one

WHOLE = 2 * 3 * 320  # samples of three epochs, in float and then in fixed point
PLAIN: dict[str, Any] = {"hidden": (4,), "epochs": 3, "rate": 0.125, "decay": 0, "spread": 0}


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Return two classes of 200 rows each."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    return Dataset("two", rng.normal(size=(400, 3)) + 2 * y[:, None], y, ("a", "b"))


def stopping(at: int) -> Callable[[int, int], None]:
    """Return a progress function that sends SIGINT to this process after `at` samples."""

    def progress(done: int, total: int) -> None:
        assert total == WHOLE
        if done >= at:
            signal.raise_signal(signal.SIGINT)

    return progress


@pytest.mark.parametrize("at", [1, 320, 930, 970, 1600, 1920])
@pytest.mark.parametrize("arithmetic", ["both", "fixed"])
def test_a_stopped_training_leaves_its_model(
    data: Dataset, tmp_path: Path, at: int, arithmetic: str
) -> None:
    path, said = tmp_path / "c.ska", list[str]()
    options = Options(**PLAIN, arithmetic=arithmetic, checkpoint=path)
    with pytest.raises(KeyboardInterrupt):
        train(data, options, stopping(at), said.append)
    model = open_model(path)
    done = model.notes["stopped"]["done"]
    assert at <= done < at + 100 and model.notes["stopped"]["of"] == WHOLE
    assert said == [f"{path} holds what was learned in {done} of {WHOLE} samples"]
    assert (model.reference is None) == (arithmetic == "fixed")
    assert model.state.step == max(done - WHOLE // 2, 0)
    accuracy = accuracies(model, {"all": data})["fixed"]["all"]
    assert accuracy is not None and (accuracy > 0.85 or at == 1)
    onward = train(data, Options(start=path, epochs=1))
    assert onward.before is not None and onward.changes == {}


def test_a_checkpoint_holds_what_whole_updates_made(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "c.ska"
    options = Options(**PLAIN, checkpoint=path)
    with pytest.raises(KeyboardInterrupt):
        train(data, options, stopping(1600))
    stopped, whole = open_model(path), train(data, options)
    assert stopped.plan == whole.model.plan
    expected = learned_one_by_one(data, options, stopped)
    np.testing.assert_array_equal(expected.parameters, stopped.state.parameters)


def test_ctrl_c_between_any_two_instructions_leaves_whole_updates(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, learn = tmp_path / "c.ska", FixedTrainer._update
    calls = 0

    def interrupted(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1001:  # after the hidden layer's update, before the output layer's
            signal.raise_signal(signal.SIGINT)
        learn(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(FixedTrainer, "_update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(data, Options(**PLAIN, checkpoint=path))
    model = open_model(path)
    assert model.state.step == 448  # the last multiple of 64 before sample 500
    assert model.notes["stopped"]["done"] == WHOLE // 2 + 448


def test_a_checkpoint_is_written_repeatedly_and_does_not_change_the_training(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    path, found = tmp_path / "c.ska", list[int]()
    options = Options(hidden=(3,), epochs=3, checkpoint=path)
    trained = train(
        data, options, lambda *_: found.append(open_model(path).notes["stopped"]["done"])
    )
    assert found == sorted(found) and found[-1] == WHOLE
    without = train(data, Options(hidden=(3,), epochs=3))
    trained.model.save(tmp_path / "with.ska")
    without.model.save(tmp_path / "without.ska")
    assert (tmp_path / "with.ska").read_bytes() == (tmp_path / "without.ska").read_bytes()


def test_a_stopped_training_without_labels(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "c.ska"
    options = Options(rule="published", hidden=(4,), steps=20, checkpoint=path)

    def progress(done: int, total: int) -> None:
        assert total == 2 * 19
        if done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, options, progress)
    assert open_model(path).state.step == 11
