"""A training with the native engine gives the bytes of a training with numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.network.engine.native import NativeTrainer
from ska_edge.training.options import Options
from ska_edge.training.train import train


@pytest.fixture(scope="module")
def iris() -> Dataset:
    pytest.importorskip("sklearn")
    return load("iris")


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": (4, 3), "decay": 2},
        {"hidden": (4,), "rule": "feedback", "precision": "w8a8"},
        {"hidden": (5, 4), "replay": 2, "replays": 1, "stream_order": "blocked"},
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
