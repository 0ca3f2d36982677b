"""`ska-edge firmware`: write a C project for a board, or a library for a tool chain."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_gen.board.board import SENSOR
from firmware_gen.build import BOARD_FOLDER
from firmware_gen.emit.names.prefix import DEFAULT
from firmware_gen.export.table import EXPORTS
from firmware_gen.export.write import write_export
from firmware_gen.project import write_project
from ska_edge.cli.commands.check_onnx import imported_with_notes
from ska_edge.cli.options.complete import BOARD as BOARDS
from ska_edge.cli.options.complete import DATA, PATH
from ska_edge.cli.options.count import COUNT_OR_NONE
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.inference import inference_only_option
from ska_edge.cli.options.key import KEY_FILE, key_in
from ska_edge.cli.options.shared import given, shared_option
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.project import say_kept
from ska_edge.errors import OptionError
from ska_edge.files import check_folder
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_start
from ska_edge.plan.memory import Memory
from ska_edge.training.options import RAW_FLOAT, Options

PROJECT = "project"
BOARD = "virtual-m4"


@click.command(epilog="Example:  ska-edge firmware digits.ska --board virtual-m4 -o firmware")
@click.argument("model", type=PATH)
@click.option(
    "--as",
    "kind",
    type=click.Choice([PROJECT, *EXPORTS]),
    default=PROJECT,
    show_default=True,
    help="A project for one board, or a library for your own tool chain, named after the folder.",
)
@shared_option(
    "--board",
    type=BOARDS,
    show_default=BOARD,
    help="Board of a project: a name, or a folder; a library suits every board.",
)
@click.option("-o", "--output", type=PATH, required=True)
@shared_option(
    "--key",
    type=KEY_FILE,
    help="File with a key, 64 hexadecimal digits; only its holders can change the device.",
)
@click.option(
    "--name",
    default=DEFAULT,
    show_default=True,
    help="Prefix of all symbols, macros and files; each model in a program needs its own.",
)
@inference_only_option
@click.option(
    "--sensor",
    is_flag=True,
    help="The device takes samples of its own sensor, by sensor.c among the board's files.",
)
@click.option(
    "--prefill",
    type=COUNT_OR_NONE,
    default=0,
    show_default=True,
    help="Stored samples of each class with which the device starts, from MODEL.",
)
@click.option(
    "--data",
    type=DATA,
    help="For an ONNX file of another program: rows from which to choose number formats.",
)
@data_options
@json_option
def firmware(
    model: Path,
    kind: str,
    board: str | None,
    output: Path,
    key: Path | None,
    name: str,
    inference_only: bool,
    sensor: bool,
    prefill: int,
    data: str | None,
    reader: Reader,
    as_json: bool,
) -> None:
    """Write MODEL as C code: a project for a board, or a library for a tool chain."""
    out = Output(as_json)
    loaded = _opened(model, data, reader, out)
    memory = loaded.memory(prefill, inference_only=inference_only)
    check_folder(output)
    if kind == PROJECT:
        target = BOARD if board is None else board
        _project(loaded, target, output, key_in(key), name, inference_only, memory, sensor, out)
    elif board is not None and given("board"):
        raise OptionError("an export as {kind} suits every board; leave {board} out", kind=kind)
    elif sensor:
        raise OptionError(
            "an export as {kind} has no driver for a sensor: leave {sensor} out, and call"
            " ska_device_learn",
            kind=kind,
        )
    elif inference_only:
        raise OptionError(
            "an export as {kind} learns: leave {inference_only} out, or write a project for one"
            " board",
            kind=kind,
        )
    else:
        _export(loaded, kind, output, key_in(key), name, memory, out)


def _opened(path: Path, data: str | None, reader: Reader, out: Output) -> Model:
    found = open_start(path)
    if isinstance(found, Model):
        if data is not None:
            raise OptionError("{file} already has number formats; leave {data} out", file=path)
        return found
    if data is None:
        raise OptionError(
            "{file} was not exported by ska-edge, so it has no number formats; give {data}, rows"
            " like those that it was trained on",
            file=path,
        )
    return imported_with_notes(found, data, Options(start=path), reader, out).model


def _project(
    model: Model,
    board: str,
    output: Path,
    key: bytes | None,
    name: str,
    inference_only: bool,
    memory: Memory,
    sensor: bool,
    out: Output,
) -> None:
    project = write_project(
        model.plan,
        model.state.parameters,
        board,
        output,
        model.input_notes(),
        key,
        name,
        inference_only,
        memory,
        sensor,
    )
    say_kept(project.folder, project.kept, out)
    form = "; it only classifies" if inference_only else ""
    if sensor:
        form += f"; {output / BOARD_FOLDER / SENSOR} reads its sensor"
    out.line(f"wrote {output} for {project.board}, plan {project.digest}{form}")
    out.line(_raw_sentence(model, name))
    out.document(
        {
            "output": str(output),
            "board": project.board,
            "name": name,
            "digest": project.digest,
            "raw_inputs": _raw_types(model),
        }
    )


def _export(
    model: Model,
    kind: str,
    output: Path,
    key: bytes | None,
    name: str,
    memory: Memory,
    out: Output,
) -> None:
    written = write_export(
        kind, model.plan, model.state.parameters, output, model.input_notes(), key, name, memory
    )
    say_kept(written.folder, written.kept, out)
    out.line(f"wrote {output}, the {written.title} {written.name}, plan {written.digest}")
    out.line(_raw_sentence(model, name))
    out.document(
        {
            "output": str(output),
            "export": kind,
            "name": name,
            "digest": written.digest,
            "raw_inputs": _raw_types(model),
        }
    )


def _raw_types(model: Model) -> list[str]:
    if model.plan.raw_float:
        return [RAW_FLOAT]
    return [] if model.plan.raw is None else ["uint8", "int16", "uint16", "int32"]


def _raw_sentence(model: Model, name: str) -> str:
    """Return which functions of C take what a sensor gives."""
    front = model.plan.front
    if front is not None and front.image:
        return f"{name}_front_image_input makes the input of the network from an image"
    if front is not None:
        return (
            f"{name}_front_push takes raw samples, and {name}_front_input makes the input of the"
            " network from a complete window"
        )
    if model.plan.raw_float:
        return f"{name}_standardize_f32 takes raw float features"
    if model.plan.raw is None:
        return (
            f"no {name}_standardize: the training data are not integers of at most 32 bits; train"
            f" with --raw {RAW_FLOAT} for a sensor that gives floats"
        )
    return f"{name}_standardize takes raw int16 features; _u8, _u16 and _i32 take other types"
