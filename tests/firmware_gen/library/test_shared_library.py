"""A project of the board `host` builds as a shared library, whose functions a program can call."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.build import build_library
from firmware_gen.project import Project, write_project
from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((6, 5, 3), replay=Replay(2, 1), rate=0.5)
PUBLISHED = make_plan((6, 5, 3), rule="published", batch=4, steps=3, rate=0.5)
ROWS = 20


def start(plan: Plan) -> State:
    return State(plan, np.random.default_rng(3).integers(-8000, 8000, plan.parameter_count))


def project(plan: Plan, folder: Path, board: str = "host") -> Project:
    return write_project(plan, start(plan).parameters, board, folder)


@pytest.mark.parametrize("plan", [PLAN, PUBLISHED], ids=["local", "published"])
def test_a_program_learns_with_the_firmware_s_own_code(
    plan: Plan, tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain("cc")
    report = project(plan, tmp_path / "p").build_library()
    library = ctypes.CDLL(str(report.library))
    library.ska_state.restype = ctypes.c_void_p
    ska = ctypes.create_string_buffer(library.ska_library_bytes())
    library.ska_init(ska)

    rng = np.random.default_rng(4)
    x = rng.integers(-128, 128, (ROWS, plan.inputs)).astype(np.int8)
    y = rng.integers(0, plan.classes, ROWS).astype(np.uint16)
    decisions = np.zeros((ROWS, plan.classes), dtype=np.int16)
    steps = np.zeros(ROWS, dtype=np.uint32)
    learned = library.ska_library_learn(
        ska,
        x.tobytes(),
        y.tobytes(),
        ROWS,
        ctypes.c_void_p(decisions.ctypes.data),
        ctypes.c_void_p(steps.ctypes.data),
        None,
    )
    assert learned == ROWS

    trainer = FixedTrainer(start(plan))
    for row, label, found, step in zip(x, y.tolist(), decisions, steps.tolist(), strict=True):
        np.testing.assert_array_equal(trainer.learn_one(row, label), found)
        assert trainer.state.step == step
    state = ctypes.string_at(library.ska_state(ska, 0), plan.state_bytes)
    assert state == trainer.state.to_bytes()
    assert library.ska_infer(ska, x[0].tobytes()) == trainer.infer(x[:1])[0].argmax()


def test_a_label_out_of_range_ends_the_rows(
    tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain("cc")
    library = ctypes.CDLL(str(project(PLAN, tmp_path / "p").build_library().library))
    ska = ctypes.create_string_buffer(library.ska_library_bytes())
    library.ska_init(ska)
    labels = np.array([0, 1, 3, 1], dtype=np.uint16)
    rows = bytes(4 * PLAN.inputs)
    assert library.ska_library_learn(ska, rows, labels.tobytes(), 4, None, None, None) == 2
    assert library.ska_samples(ska) == 2


@pytest.mark.parametrize("plan", [PLAN, PUBLISHED], ids=["local", "published"])
def test_its_sources_compile_without_warnings_and_its_header_in_cxx(
    plan: Plan, tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    folder = project(plan, tmp_path / "p").folder
    flags = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-pedantic"]
    command = [require_toolchain("gcc"), *flags, "-Werror", "-Isrc", "-Ilibrary", "-fsyntax-only"]
    (folder / "caller.cpp").write_text('#include "ska_library.h"\n')
    for arguments in (["-std=c99", "library/ska_library.c"], ["-std=c++11", "caller.cpp"]):
        subprocess.run([*command, *arguments], cwd=folder, check=True)


def test_a_project_of_another_board_is_not_a_shared_library(tmp_path: Path) -> None:
    folder = project(PLAN, tmp_path / "p", "virtual-m4").folder
    with pytest.raises(InputError, match="has no sources of a shared library"):
        build_library(folder)


def test_a_new_project_removes_the_library_of_the_old_one(
    tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain("cc")
    library = project(PLAN, tmp_path / "p").build_library().library
    assert library.is_file()
    project(PUBLISHED, tmp_path / "p")
    assert not library.exists()


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    folder = project(PLAN, tmp_path / "p").folder
    (folder / "library" / "ska_library.c").unlink()
    with pytest.raises(
        InputError, match=r"library/ska_library\.c is missing; write the project again"
    ):
        build_library(folder)
