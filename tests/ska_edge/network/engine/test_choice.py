"""The engine trains if it works and saves time; otherwise numpy does. A failure gives a warning."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen import toolchains
from firmware_gen.library import compiler
from ska_edge.errors import InputError, ToolError
from ska_edge.network.engine import EngineWarning, choice, trainer_for, trial, unavailable
from ska_edge.network.engine.binding import Library
from ska_edge.network.engine.native import NativeTrainer
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((4, 3, 2), rate=0.3)
MANY = 1_000_000

FAULTS = {
    "silent": ("exit 0", "cc wrote no library and gave no reason"),
    "failing": ("echo 'x.c:1: error: no such thing' >&2; exit 1", "cc failed: x.c:1: error: no"),
    "hanging": ("sleep 1000 & wait", "cc did not end within 0.3 s"),
    "crashing": ("kill -SEGV $$", "cc failed: it gave no reason"),
    "lying": ('for a; do o=$a; done; echo no library > "$o"', "the library of cc cannot be used"),
}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes a shell script the only compiler, or leaves none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SKA_EDGE_ENGINE", raising=False)
    monkeypatch.setattr(compiler, "PROBE_SECONDS", 0.3)
    monkeypatch.setattr(compiler, "NAMES", toolchains.HOST)
    folder = tmp_path / "bin"
    folder.mkdir()
    tools = os.environ["PATH"]

    def script(text: str) -> None:
        if text:
            file = folder / "cc"
            file.write_text(f"#!/bin/sh\nPATH='{tools}'\n{text}\n")
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder))

    return script


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_compiler_gives_one_warning(name: str, path: Callable[[str], None]) -> None:
    text, reason = FAULTS[name]
    path(text)
    with pytest.warns(EngineWarning) as seen:
        assert isinstance(trainer_for(State(PLAN), learn=MANY), FixedTrainer)
    assert len(seen) == 1
    assert str(seen[0].message).startswith("numpy is used for learning, and it is")
    assert reason in str(seen[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(trainer_for(State(PLAN), learn=MANY), FixedTrainer)


def test_without_any_compiler_numpy_works(path: Callable[[str], None]) -> None:
    path("")
    with pytest.warns(EngineWarning, match="apt-get install gcc, or pip install ziglang"):
        assert isinstance(trainer_for(State(PLAN), learn=MANY), FixedTrainer)
    fault = unavailable()
    assert fault is not None and "pip install ziglang" in fault


def test_a_compiler_of_wrong_code_is_detected(
    native: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from firmware_gen.library import cache

    real = cache.library_sources

    def wrong(plan: object) -> dict[str, str]:
        sources = real(plan)  # type: ignore[arg-type]
        text = sources["ska_shift.h"].replace("(SKA_TARGET, ", "(SKA_TARGET - 9, ")
        return {**sources, "ska_shift.h": text}

    monkeypatch.setattr(cache, "library_sources", wrong)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SKA_EDGE_ENGINE", "auto")
    monkeypatch.setattr(choice, "_failed", set())
    monkeypatch.setattr(compiler, "NAMES", ("cc",))
    with pytest.warns(
        EngineWarning, match="cc compiles wrong code: step 1, layer 0, .*numpy .*, engine"
    ):
        assert isinstance(trainer_for(State(PLAN), learn=MANY), FixedTrainer)
    assert not [*tmp_path.rglob("*.so")]


FATAL = {
    "crashes": ("__builtin_trap();", "it crashes with signal"),
    "hangs": ("for (;;) { }", "it hangs: no result within 2 s"),
}


@pytest.mark.parametrize("name", FATAL)
def test_a_compiler_of_fatal_code_gives_one_warning(
    name: str, native: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiled code fails as soon as it is loaded."""
    from firmware_gen.library import cache

    real, (harm, sentence) = cache.library_sources, FATAL[name]

    def fatal(plan: object) -> dict[str, str]:
        sources = real(plan)  # type: ignore[arg-type]
        text = f"__attribute__((constructor)) static void harm(void) {{ {harm} }}\n"
        return {**sources, "ska.c": sources["ska.c"] + text}

    monkeypatch.setattr(cache, "library_sources", fatal)
    if name == "hangs":
        monkeypatch.setattr(trial, "TIME_LIMIT_S", 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SKA_EDGE_ENGINE", "auto")
    monkeypatch.setattr(choice, "_failed", set())
    monkeypatch.setattr(compiler, "NAMES", ("cc",))
    with pytest.warns(EngineWarning, match=f"cc compiles wrong code: {sentence}"):
        assert isinstance(trainer_for(State(PLAN), learn=MANY), FixedTrainer)
    assert not [*tmp_path.rglob("*.so")]


def test_a_damaged_library_is_compiled_again(
    native: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert isinstance(trainer_for(State(PLAN)), NativeTrainer)
    (library,) = tmp_path.rglob("*.so")
    whole = library.read_bytes()
    library.unlink()  # the mapped library stays in memory
    library.write_bytes(whole[: len(whole) // 2])
    assert isinstance(trainer_for(State(PLAN)), NativeTrainer)
    assert len(library.read_bytes()) == len(whole)


def test_the_library_of_another_network_is_refused(
    native: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    trainer_for(State(PLAN))
    (small,) = tmp_path.rglob("*.so")
    with pytest.raises(OSError, match="the library of another network"):
        Library(small, make_plan((9, 30, 5)))


def test_a_network_that_is_too_large_does_not_disable_the_engine_for_others(
    native: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKA_EDGE_ENGINE", "auto")
    with pytest.warns(EngineWarning, match="are not compiled"):
        assert isinstance(trainer_for(State(make_plan((4, 5000, 900, 2))), MANY), FixedTrainer)
    assert isinstance(trainer_for(State(PLAN), learn=MANY), NativeTrainer)


def test_little_work_is_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKA_EDGE_ENGINE", raising=False)
    monkeypatch.setattr(choice, "_library", None)  # a call would fail
    assert isinstance(trainer_for(State(PLAN), learn=100), FixedTrainer)


def test_an_environment_variable_chooses_the_engine(
    native: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(trainer_for(State(PLAN)), NativeTrainer)
    monkeypatch.setenv("SKA_EDGE_ENGINE", "auto")
    assert isinstance(trainer_for(State(PLAN), learn=MANY), NativeTrainer)
    monkeypatch.setenv("SKA_EDGE_ENGINE", "numpy")
    assert isinstance(trainer_for(State(PLAN), learn=MANY), FixedTrainer)
    assert unavailable() is None
    monkeypatch.setenv("SKA_EDGE_ENGINE", "fast")
    with pytest.raises(InputError, match="SKA_EDGE_ENGINE is 'fast'; set it to auto, numpy or"):
        trainer_for(State(PLAN))


def test_insisting_on_the_engine_without_a_compiler_is_an_error(
    path: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path("")
    monkeypatch.setenv("SKA_EDGE_ENGINE", "native")
    with pytest.raises(ToolError, match="no C compiler is installed"):
        trainer_for(State(PLAN))


def test_a_difference_in_the_middle_of_the_work_is_an_error_that_names_it(
    native: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ska_edge.errors import CheckError

    call = Library.call

    def faulty(library: Library, name: str, *arguments: object) -> object:
        result = call(library, name, *arguments)  # type: ignore[arg-type]
        if name == "learn" and engine.state.step == 2499:
            parameters = {f.name: view for f, view in engine._network._fields}["parameters"]
            parameters[1] += 3
        return result

    engine = trainer_for(State(PLAN))
    monkeypatch.setattr(Library, "call", faulty)
    rng = np.random.default_rng(0)
    with pytest.raises(CheckError, match=r"step 2500, layer 0, weight\[0, 1\]: numpy .*, engine "):
        for _ in engine.learn_many(rng.integers(-99, 99, (2500, 4)), rng.integers(2, size=2500)):
            pass
