"""The compiled float trainer has numpy's bits, and a library without them is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from firmware_gen import toolchains
from firmware_gen.library import compiler
from ska_edge.errors import CheckError, InputError, ToolError
from ska_edge.network.engine import choice, float_trainer_for
from ska_edge.network.engine.float_native import (
    SOURCE,
    TEXT,
    FloatLibrary,
    NativeFloatTrainer,
    check_float_library,
)
from ska_edge.network.float_trainer import FloatTrainer
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters
from tests.float_trainings import FloatTraining, float_trainings

PLAN = make_plan((4, 3, 2))
PARAMETERS = initial_parameters(PLAN.sizes, PLAN.rule, 0)


@pytest.fixture(scope="session")
def library(cache: Path) -> FloatLibrary:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        found = choice._float_library(build=True)
    assert found is not None
    return found


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(float_trainings())
def test_a_training_has_numpys_bits(library: FloatLibrary, training: FloatTraining) -> None:
    numpy = FloatTrainer(training.parameters.copy(), training.rule, training.rate)
    native = NativeFloatTrainer(training.parameters.copy(), training.rule, training.rate, library)
    half = len(training.rows) // training.batch // 2 * training.batch
    for rows in (training.rows[:half], training.rows[half:]):
        for trainer in (numpy, native):
            trainer.learn_many(training.x, training.labels, rows, training.batch)
            trainer.rate = training.rate / 2
        found = [
            [each.tobytes() for each in training.tensors(trainer.parameters)]
            for trainer in (numpy, native)
        ]
        assert found[0] == found[1]
        known = [
            [each.tobytes() for each in trainer.knowledge(training.x)]
            for trainer in (numpy, native)
        ]
        assert known[0] == known[1]


def test_any_layout_of_the_rows_is_taken(library: FloatLibrary) -> None:
    plan, rng = make_plan((4, 3, 2)), np.random.default_rng(0)
    x, labels, rows = rng.normal(size=(6, 8))[:, ::2], np.array([0, 1, 0, 1, 1, 0]), np.arange(6)
    found = []
    for layout in (x, np.asfortranarray(x), np.ascontiguousarray(x)):
        parameters = PARAMETERS.copy()
        rule = float_trainer_for(plan, parameters, 0.5)._rule
        trainer = NativeFloatTrainer(parameters, rule, 0.5, library)
        trainer.learn_many(layout, labels, rows[::-1])
        found.append(parameters.weights[0].tobytes() + trainer.knowledge(layout)[1].tobytes())
    assert len(set(found)) == 1


def test_an_upgrade_during_a_training_changes_nothing(
    library: FloatLibrary, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source on disk is newer than the Python in memory, and may have other structs."""
    newer = tmp_path / SOURCE.name
    newer.write_text("newer")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(choice, "SOURCE", newer)
    assert choice._float_library(build=False) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5 * (codes[j] + 1.0)", "0.5 * codes[j]"),
        ("labels[row] == k ? 1.0", "labels[row] == k ? 0.999"),
        ("(decision * (1.0 - decision))", "(decision - decision * decision)"),
        ("error[k] <= -net->margin", "error[k] <= -1.0"),
        ("    if (count < batch) {\n        clear_within(net, batch);\n    }\n", ""),
    ],
)
def test_a_library_with_other_bits_is_refused(
    old: str, new: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old in TEXT
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(choice, "TEXT", TEXT.replace(old, new))
    monkeypatch.setattr(compiler, "NAMES", toolchains.HOST)  # zig would take seconds
    with pytest.raises(ToolError, match=r"compiles wrong code: its trainings with the rule"):
        choice._float_library(build=True)


def test_the_library_is_checked_whole(library: FloatLibrary) -> None:
    check_float_library(library)
    learn, library.learn = library.learn, lambda *_: None
    try:
        with pytest.raises(CheckError, match="differ from numpy's"):
            check_float_library(library)
    finally:
        library.learn = learn


def test_few_rows_are_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKA_EDGE_ENGINE", raising=False)
    assert type(float_trainer_for(PLAN, PARAMETERS, 0.5, learn=10)) is FloatTrainer


def test_the_engine_can_be_asked_for(native: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(float_trainer_for(PLAN, PARAMETERS, 0.5), NativeFloatTrainer)
    monkeypatch.setenv("SKA_EDGE_ENGINE", "numpy")
    assert type(float_trainer_for(PLAN, PARAMETERS, 0.5, learn=10**9)) is FloatTrainer
    monkeypatch.setenv("SKA_EDGE_ENGINE", "fast")
    with pytest.raises(InputError, match="SKA_EDGE_ENGINE is 'fast'"):
        float_trainer_for(PLAN, PARAMETERS, 0.5)


def test_without_a_compiler_numpy_learns_after_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKA_EDGE_ENGINE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("firmware_gen.library.cache.host_compilers", lambda: iter(()))
    monkeypatch.setattr(choice, "_failed", set())
    monkeypatch.setenv("PATH", os.environ["PATH"])
    with pytest.warns(choice.EngineWarning, match="numpy is used for learning"):
        assert type(float_trainer_for(PLAN, PARAMETERS, 0.5, learn=10**9)) is FloatTrainer
    assert type(float_trainer_for(PLAN, PARAMETERS, 0.5, learn=10**9)) is FloatTrainer
