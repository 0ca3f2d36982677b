"""Writes a firmware project: the runtime, generated headers and the board's files in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_gen.board.board import Board, load_board
from firmware_gen.build import (
    BOARD_FOLDER,
    BUILD_FOLDER,
    ELF_NAME,
    LIBRARY_FOLDER,
    SOURCE_FOLDER,
    TOO_LARGE_NAME,
    BuildReport,
    LibraryReport,
    build,
    build_library,
    library_name,
)
from firmware_gen.emit.front import front_sources, sensor_sources
from firmware_gen.emit.key import emit_key
from firmware_gen.emit.labels import emit_labels
from firmware_gen.emit.messages import emit as emit_messages
from firmware_gen.emit.names.prefix import (
    DEFAULT,
    check_prefix,
    is_prefix,
    renamed_board,
    renamed_files,
)
from firmware_gen.emit.plan import emit_plan, emit_tables
from firmware_gen.emit.rule import emit_rule
from firmware_gen.emit.state import emit_state
from firmware_gen.emit.weights import emit_weights, initial_crc
from firmware_gen.emulators.flash import RunningBoard, start
from firmware_gen.folder.edits import edited, leads_out, require_no_loss, sha256_of
from firmware_gen.folder.swap import DECIDED, finish, is_left_over, swap_files
from firmware_gen.folder.trust import DESCRIPTION, is_trusted, remember
from firmware_gen.formats.write import format_names
from firmware_gen.library.sources import LIBRARY
from firmware_gen.memory.footprint import each_form
from firmware_gen.memory.residence import AVR_LARGEST, can_read, in_flash
from ska_edge.errors import InputError, OptionError
from ska_edge.files import refusal
from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan

RUNTIME = Path(__file__).parent / "runtime"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder written by `write_project`.

    `digest` is the digest of the plan. `files` are the SHA-256 digests of all generated files, by
    name (None for a file that an earlier version of ska-edge wrote without a digest). `kept` are
    the names of the edited files that `write_project` did not overwrite. `name` is the prefix of
    the model's C names. `forms` are the predicted bytes of RAM of each form of the firmware, by its
    name (see `each_form`); only `load_project` sets them. `sensor` is the number of axes of the
    device's own sensor, 0 without one; `labels` are the names of its classes. `inputs` are the
    notes about its inputs.
    """

    folder: Path
    board: str
    digest: str
    files: Mapping[str, str | None] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    name: str = DEFAULT
    forms: Mapping[str, int] = field(default_factory=dict)
    sensor: int = 0
    labels: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return folder, board, digest and kept files, but not the digests of all files."""
        kept = "".join(f", kept {name}" for name in self.kept)
        return f"Project({self.folder}, {self.board}, {self.digest}{kept})"

    def build(self) -> BuildReport:
        """Compile and link the project; return its memory use on the board, in bytes.

        Raises InputError for a damaged project, CheckError for C that does not compile and for a
        stack without a bound, and ToolError if the compiler, pyelftools or capstone is missing, or
        if the compiler cannot be run.
        """
        return build(self.folder)

    def build_library(self) -> LibraryReport:
        """Compile a project of the board host to a shared library, with headers for its callers.

        Raises InputError for another board, for a project that only classifies and for a damaged
        one, CheckError for C that does not compile, and ToolError if the compiler is missing or
        cannot be run.
        """
        return build_library(self.folder)

    def start(self) -> AbstractContextManager[RunningBoard]:
        """Run the firmware on its emulated board during a `with` block; the block gets the board.

        The board's `port` is the path of its serial port. Raises InputError before `build`
        and for a board that is hardware, CheckError if the firmware does not fit the board,
        ToolError if the emulator is missing, and DeviceError if the board does not start.
        """
        return start(self.folder)


def check_learns(plan: Plan) -> None:
    """Raise InputError unless a device can learn with this plan."""
    if plan.rule_definition.supervised and plan.batch != 1:
        raise OptionError(
            "a device learns one sample at a time, but the model has batch {rows};"
            " train with {batch} 1",
            rows=plan.batch,
        )


def check_sensor(plan: Plan) -> None:
    """Raise InputError unless a device with this plan can take samples of its own sensor."""
    if plan.front is None:
        raise OptionError(
            "a device computes its inputs from samples of its sensor only with a front end; train"
            " with {frontend}, or leave {sensor} out"
        )


def check_form(plan: Plan, key: bytes | None, inference_only: bool) -> None:
    """Raise InputError unless a device can have this plan and key."""
    if not inference_only:
        check_learns(plan)
    elif key is not None:
        raise OptionError(
            "a firmware with {inference_only} accepts no request that changes it; leave {key} out"
        )


def _check_reads(plan: Plan, board: Board) -> None:
    if not can_read(plan, board.kernel):
        raise InputError(
            f"the weights take {plan.parameter_bytes:,} bytes, but a program for board"
            f" {board.name} reads at most {AVR_LARGEST:,} bytes of weights; use a smaller network"
            " or another board"
        )


def c_files(folder: Path) -> dict[str, str]:
    """Return the name and text of every C file in a folder."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.[ch]"))}


def generated_files(
    plan: Plan,
    parameters: NDArray[np.integer],
    key: bytes | None = None,
    names: Sequence[str] | None = None,
    *,
    inference_only: bool = False,
    memory: Memory | None = None,
    sensor: bool = False,
) -> dict[str, str]:
    """Return the name and text of every generated file; the same input gives the same text.

    `names` are the names of the inputs, for a comment. `inference_only` makes a firmware that only
    classifies, with all parameters in flash. Otherwise, only layers that never learn are in flash.
    `memory` is what the device starts with besides its parameters. `sensor` makes a firmware that
    takes samples of its own sensor.
    """
    flash = in_flash(plan, inference_only)
    return {
        "ska_plan.h": emit_plan(plan, names, initial_crc(plan, parameters, memory), flash, sensor),
        "ska_tables.h": emit_tables(plan),
        "ska_weights.h": emit_weights(plan, parameters, flash, memory),
        "ska_rule.h": emit_rule(plan),
        "ska_state.h": emit_state(plan, flash),
        "ska_labels.h": emit_labels(plan),
        "ska_messages.h": emit_messages(),
        "ska_key.h": emit_key(key),
        **front_sources(plan.front),
        **(sensor_sources() if sensor else {}),
    }


def write_project(
    plan: Plan,
    parameters: NDArray[np.integer],
    board: str,
    folder: Path,
    inputs: Mapping[str, Any] | None = None,
    key: bytes | None = None,
    name: str = DEFAULT,
    inference_only: bool = False,
    memory: Memory | None = None,
    sensor: bool = False,
) -> Project:
    """Write a project for a board; replace the files of an earlier project, and remove its images.

    `board` is the name of a board, or the path of its folder, as `load_board` takes it. Files in
    the folder that are not of the earlier project stay.
    If this program is interrupted, the next command finds either the old project or the new one.
    Edited files in board/ are kept if the board is the same; `Project.kept` names them.

    `inputs` has the mean, the scale and perhaps the name of each feature. It is written to
    ska-project.json, for programs that feed the device:
    x = round((feature - mean) / scale * 2^SKA_INPUT_FRAC), saturated to the input format.

    With a `key` of 32 bytes, the device accepts requests that change it only from hosts that have
    the key. The project then contains the key.

    `name` is the prefix of every symbol, macro and file of the model, so that one program can have
    several models with different names.

    With `inference_only`, the device only classifies: its weights stay in flash, and it refuses
    all requests that would change or read its state.

    `memory` has the added classes and the stored samples with which the device starts.

    With `sensor`, the device takes samples of its own sensor, and classifies and learns their
    windows. `sensor.c` among the board's files reads the sensor.

    Raises:
        InputError: the plan cannot have a sensor, the name cannot be a prefix, the plan cannot
            learn on a device, the board is not known or cannot read such weights, there is a key
            for a device that never changes, the folder holds something else or an edited file that
            would be lost, or it cannot be written.
    """
    target = load_board(board)
    check_form(plan, key, inference_only)
    if sensor:
        check_sensor(plan)
    _check_reads(plan, target)
    check_prefix(name)
    earlier = _earlier(folder)
    sources = {
        **c_files(RUNTIME),
        **generated_files(
            plan,
            parameters,
            key,
            (inputs or {}).get("features"),
            inference_only=inference_only,
            memory=memory,
            sensor=sensor,
        ),
    }
    texts = {f"{SOURCE_FOLDER}/{file}": text for file, text in sources.items()}
    if target.core == "host" and not inference_only:
        texts.update((f"{LIBRARY_FOLDER}/{file}", text) for file, text in c_files(LIBRARY).items())
    files = {file: text.encode() for file, text in renamed_files(texts, name).items()}
    for path in (*target.files(), *(target.sensor_files() if sensor else ())):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        files[f"{BOARD_FOLDER}/{path.name}"] = renamed_board(text, name).encode(
            errors="surrogateescape"
        )
    digests = {name: sha256_of(files[name]) for name in sorted(files)}
    description = {
        "board": target.name,
        "name": name,
        "digest": plan.digest,
        "inference_only": inference_only,
        "ram": each_form(plan, target, sensor) if target.memory is not None else {},
        "labels": plan.labels,
        **({"sensor": plan.front.axes} if sensor and plan.front is not None else {}),
        "input": {"format": plan.layers[0].input.name, **(inputs or {})},
        "files": digests,
    }
    kept = _edits_to_keep(folder, earlier, files, target.name)
    written = {file: content for file, content in files.items() if file not in kept}
    written[DESCRIPTION] = (json.dumps(description, indent=1) + "\n").encode()
    # The old images are removed, so that nobody flashes a stale image.
    before = name if earlier is None else earlier.name
    images = {
        f"{BUILD_FOLDER}/{image}"
        for image in (
            *(ELF_NAME, TOO_LARGE_NAME, library_name(before)),
            *format_names(folder / BUILD_FOLDER),
        )
    }
    gone = set() if earlier is None else set(earlier.files) - set(files)
    # An untrusted project stays untrusted, because files that another user edited may be kept.
    if earlier is None or is_trusted(folder):
        remember(folder, written[DESCRIPTION])
    swap_files(folder, written, gone | images)
    return Project(folder, target.name, plan.digest, digests, kept, name)


def load_project(folder: Path) -> Project:
    """Load the project in a folder.

    Raises:
        InputError: there is no project, or its description is damaged.
    """
    finish(folder)
    path = folder / DESCRIPTION
    # A folder or a broken link with this name is a damaged description.
    if not (path.is_file() or path.is_dir() or path.is_symlink()):
        raise InputError(f"{folder} holds no ska-edge project; write one with `ska-edge firmware`")
    try:
        if not path.is_file():
            raise TypeError
        data = json.loads(path.read_text(encoding="utf-8"))
        board, digest, files = data["board"], data["digest"], data["files"]
        name = data.get("name", DEFAULT)  # an earlier version had only this prefix
        forms = data.get("ram", {})  # an earlier version had no prediction
        sensor, labels = data.get("sensor", 0), tuple(data.get("labels", ()))
        inputs = data.get("input", {})
        if not all(isinstance(size, int) for size in (sensor, *forms.values())):
            raise TypeError
        if not isinstance(inputs, dict):
            raise TypeError
        if not isinstance(files, dict):  # an earlier version without digests wrote a list of names
            files = {str(name): None for name in files}
        if not all(isinstance(each, str) for each in (board, digest, name, *labels)):
            raise TypeError
        if not is_prefix(name) or any(map(leads_out, files)):
            raise TypeError
    except OSError as error:
        raise refusal("read", path, error) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged; remove {folder}, or write the project to another folder with"
            " `ska-edge firmware`"
        ) from error
    return Project(folder, board, digest, files, (), name, forms, sensor, labels, inputs)


def _earlier(folder: Path) -> Project | None:
    """Return the project in a folder; None if there is no folder, or it has at most the leftovers
    of an interrupted write.

    Raises:
        InputError: the folder is a file or has other contents, or its project is damaged.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the project")
    if os.path.lexists(folder / DESCRIPTION) or (folder / DECIDED).exists():
        return load_project(folder)
    if not all(is_left_over(path.name) for path in folder.iterdir()):
        raise InputError(
            f"{folder} is not empty and holds no ska-edge project; give another folder"
        )
    return None


def _edits_to_keep(
    folder: Path, earlier: Project | None, files: Mapping[str, bytes], board: str
) -> tuple[str, ...]:
    """Return the names of the edited files to keep: those in board/, if the board is the same.

    Raises:
        InputError: another edited file, or a file that was not generated, would be lost.
    """
    if earlier is None or None in earlier.files.values():
        return ()
    changed = edited(folder, earlier.files, files)
    kept = [
        name
        for name in changed
        if earlier.board == board and name.startswith(f"{BOARD_FOLDER}/") and name in files
    ]
    require_no_loss(folder, [name for name in changed if name not in kept])
    return tuple(kept)
