"""A firmware project: the runtime, the generated headers and the board's files in one folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_gen.board import load_board
from firmware_gen.build import BUILD_FOLDER, ELF_NAME, TOO_LARGE_NAME
from firmware_gen.emit.messages import emit as emit_messages
from firmware_gen.emit.plan import emit_plan, emit_tables, emit_weights
from firmware_gen.emit.rule import emit_rule
from ska_edge.errors import InputError
from ska_edge.plan.plan import Plan

RUNTIME = Path(__file__).parent / "runtime"
DESCRIPTION = "ska-project.json"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder written by `write_project`."""

    folder: Path
    board: str
    digest: str


def generated_files(plan: Plan, parameters: NDArray[np.integer]) -> dict[str, str]:
    """Name and text of every generated file; the same input gives the same text, always."""
    return {
        "ska_plan.h": emit_plan(plan),
        "ska_tables.h": emit_tables(plan),
        "ska_weights.h": emit_weights(plan, parameters),
        "ska_rule.h": emit_rule(plan),
        "ska_messages.h": emit_messages(),
    }


def write_project(
    plan: Plan,
    parameters: NDArray[np.integer],
    board_name: str,
    folder: Path,
    scaling: Mapping[str, Sequence[float]] | None = None,
) -> Project:
    """Write a project for a board; files of an earlier project are replaced, others are left alone.

    `scaling`, the mean and scale of each feature, is kept beside the sources for those who feed the
    device: x = round((feature - mean) / scale * 2^SKA_INPUT_FRAC), saturated to int8.

    Raises InputError when the plan cannot learn on a device, when the board is not known, or when
    the folder holds something else.
    """
    board = load_board(board_name)
    if plan.rule_definition.supervised and plan.batch != 1:
        raise InputError(
            f"a device learns one sample at a time, the model has batch {plan.batch};"
            " train with --batch 1"
        )
    if folder.is_file():
        raise InputError(f"{folder} is a file; give a folder for the project")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / DESCRIPTION).exists():
        raise InputError(
            f"{folder} is not empty and holds no ska-edge project; give another folder"
        )
    _remove_earlier(folder)
    sources = folder / "src"
    sources.mkdir(parents=True, exist_ok=True)
    runtime = sorted(RUNTIME.glob("*.[ch]"))
    for source in runtime:
        shutil.copyfile(source, sources / source.name)
    generated = generated_files(plan, parameters)
    for name, text in generated.items():
        (sources / name).write_text(text, encoding="utf-8")
    board.copy_to(folder / "board")
    written = [f"src/{path.name}" for path in runtime] + [f"src/{name}" for name in generated]
    written += [f"board/{path.name}" for path in board.files()]
    description = {
        "board": board_name,
        "digest": plan.digest,
        "labels": plan.labels,
        "input": {"format": plan.layers[0].input.name, **(scaling or {})},
        "files": sorted(written),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n")
    return Project(folder, board_name, plan.digest)


def _remove_earlier(folder: Path) -> None:
    """Take away what an earlier generation wrote, and its image: nobody may flash a stale one."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        names = [str(name) for name in description["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in [*names, f"{BUILD_FOLDER}/{ELF_NAME}", f"{BUILD_FOLDER}/{TOO_LARGE_NAME}"]:
        path = folder / name
        if folder.resolve() in path.resolve().parents:
            path.unlink(missing_ok=True)


def load_project(folder: Path) -> Project:
    """The project in a folder; InputError when there is none."""
    try:
        data = json.loads((folder / DESCRIPTION).read_text())
        return Project(folder, str(data["board"]), str(data["digest"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds no ska-edge project; write one with `ska-edge firmware`"
        ) from error
