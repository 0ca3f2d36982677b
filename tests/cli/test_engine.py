"""Without a working compiler, a command learns with numpy and says so in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_gen.library import compiler
from ska_edge.network.engine import choice

ROWS = "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(60))
OPTIONS = ("--hidden", "3", "--epochs", "2")


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKA_EDGE_ENGINE", raising=False)
    monkeypatch.setattr(compiler, "NAMES", ())
    for name in ("WORTH_LOADING", "WORTH_LOADING_ANOTHER"):
        monkeypatch.setattr(choice, name, 0.0)
    monkeypatch.setattr(choice, "_failed", set())


@pytest.mark.filterwarnings("default::ska_edge.network.engine.EngineWarning")
def test_numpy_trains_after_one_warning(ska_edge, no_compiler: None) -> None:
    Path("rows.csv").write_text("x,y,label\n" + ROWS)
    trained = ska_edge("train", "rows.csv", "-o", "a.ska", *OPTIONS)
    assert trained.code == 0
    warned = [line for line in trained.err.splitlines() if line.startswith("ska-edge: warning:")]
    assert len(warned) == 1
    assert "numpy is used for learning" in warned[0] and "pip install ziglang" in warned[0]
    assert "EngineWarning" not in trained.err


def test_a_user_who_chooses_numpy_gets_no_warning(
    ska_edge, no_compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKA_EDGE_ENGINE", "numpy")
    Path("rows.csv").write_text("x,y,label\n" + ROWS)
    trained = ska_edge("train", "rows.csv", "-o", "a.ska", *OPTIONS)
    assert trained.code == 0
    assert "numpy is used" not in trained.err


def test_a_user_who_requires_the_engine_gets_an_error(
    ska_edge, no_compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("rows.csv").write_text("x,y,label\n" + ROWS)
    monkeypatch.setenv("SKA_EDGE_ENGINE", "native")
    refused = ska_edge("train", "rows.csv", "-o", "a.ska", *OPTIONS).refusal(2)
    assert "no C compiler is installed here" in refused
    monkeypatch.setenv("SKA_EDGE_ENGINE", "quick")
    refused = ska_edge("train", "rows.csv", "-o", "a.ska", *OPTIONS).refusal(2)
    assert "SKA_EDGE_ENGINE is 'quick'" in refused
    assert not Path("a.ska").exists()
