"""A training with the native engine gives the bytes of a training with numpy."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.model.open import open_model
from ska_edge.network.engine.binding import Library
from ska_edge.network.engine.native import NativeTrainer
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.ska_edge.training.one_by_one import learned_one_by_one


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch, require_toolchain: Callable[[str], str]) -> None:
    """Make every trainer of the test use the native engine."""
    require_toolchain("cc")
    monkeypatch.setenv("SKA_EDGE_ENGINE", "native")


@pytest.fixture(scope="module")
def iris() -> Dataset:
    pytest.importorskip("sklearn")
    return load("iris")


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": (4, 3), "decay": 2},
        {"hidden": (4,), "rule": "feedback"},
        {"hidden": (5, 4), "stored": 2, "relearned": 1, "stream_order": "blocked"},
        {"hidden": (4,), "rule": "code", "precision": "w32a16"},
        {"hidden": (4,), "readout_only": True},
    ],
)
def test_a_training_gives_the_same_bytes(
    options: dict[str, Any], iris: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    learn = NativeTrainer._learn
    monkeypatch.setattr(NativeTrainer, "_learn", lambda *a: calls.append(1) or learn(*a))
    files = {}
    for engine in ("numpy", "native"):
        monkeypatch.setenv("SKA_EDGE_ENGINE", engine)
        assert not calls
        log = tmp_path / f"{engine}.jsonl"
        trained = train(iris, Options(epochs=3, log=log, **options))
        trained.model.save(tmp_path / f"{engine}.ska")
        files[engine] = (tmp_path / f"{engine}.ska").read_bytes(), log.read_bytes()
    assert calls
    assert files["numpy"] == files["native"]


def test_ctrl_c_in_a_call_leaves_whole_updates(
    native: None, iris: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, path = Library.call, tmp_path / "c.ska"

    def interrupted(library: Library, name: str, *arguments: Any) -> Any:
        result = call(library, name, *arguments)
        if name == "learn" and stopped.state.step == 199:
            signal.raise_signal(signal.SIGINT)
        return result

    init = NativeTrainer.__init__

    def remembered(trainer: NativeTrainer, *arguments: Any) -> None:
        nonlocal stopped
        init(trainer, *arguments)
        stopped = trainer

    stopped: Any = None
    monkeypatch.setattr(NativeTrainer, "__init__", remembered)
    monkeypatch.setattr(Library, "call", interrupted)
    options = Options(hidden=(4,), epochs=3, decay=0, checkpoint=path)
    with pytest.raises(KeyboardInterrupt):
        train(iris, options)
    left = open_model(path)
    assert left.state.step == 192  # a multiple of 64, the last before update 200
    expected = learned_one_by_one(iris, options, left)
    np.testing.assert_array_equal(expected.parameters, left.state.parameters)
