"""`ska-edge bench`: measure the time of inference and of a learning step, and the memory."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from firmware_gen.bench.bench import Benchmark, Calls, Compared, Figures, Task, counter_of
from firmware_gen.bench.bench import bench as measure
from firmware_gen.board import Board, load_board
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.training import options_from, training_options
from ska_edge.cli.options.word import Word
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.plural import counted
from ska_edge.progress import Progress, silent
from ska_edge.training.beginning import Beginning, beginning

SAMPLES = 200
PHASES = (1, 5, 20)
"""Epochs of training after which `--phases` measures the same samples again."""
OFFERED = ("hidden", "rule", "precision", "rate", "margin", "seed")
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")


def task_of(begun: Beginning, margin: float = 0.0) -> Task:
    """Return the workload: the first samples of a training, on a device with this margin."""
    plan = begun.model.plan.with_margin(margin)
    state = State(plan, begun.model.state.parameters)
    return Task(
        plan=plan,
        initial=state.parameters.copy(),
        learned=begun.learned(state),
        inputs=begun.inputs,
        labels=begun.labels,
        start=begun.start(),
    )


def later_tasks(begun: Beginning, task: Task, progress: Progress = silent) -> list[Task]:
    """Return a workload for each of `PHASES`: the same samples, with the weights after it."""
    tasks = []
    for exact in begun.states(PHASES, progress):
        state = State(task.plan, exact.parameters)
        tasks.append(replace(task, initial=state.parameters, learned=begun.learned(state)))
    return tasks


def calls_document(calls: Calls) -> dict[str, Any]:
    """Return the keys of one program or phase in `bench --json`."""
    return {**asdict(calls), "infer": round(calls.infer, 1), "learn": round(calls.learn, 1)}


def figures_document(figures: Figures) -> dict[str, Any]:
    """Return the keys of one program in `bench --json`."""
    return {
        **calls_document(figures),
        "ram_with_stack": None if figures.stack is None else figures.ram + figures.stack,
    }


def phases_document(found: Benchmark) -> list[dict[str, Any]] | None:
    """Return the figures of every phase, the first samples of the training first."""
    if not found.later:
        return None
    first = {name: getattr(found.own, name) for name in ("infer", "learn", "right")}
    phases = zip((0, *PHASES), (Calls(**first), *found.later), strict=True)
    return [{"epochs": epochs, **calls_document(calls)} for epochs, calls in phases]


def bench_document(board: Board, task: Task, found: Benchmark) -> dict[str, Any]:
    """Return the keys of `bench --json`, except those that repeat the options."""
    compared = None if found.compared is None else figures_document(found.compared)
    return {
        "board": board.name,
        "unit": counter_of(board).unit,
        **figures_document(found.own),
        "compare": compared,
        "phases": phases_document(found),
        "samples": len(task.labels),
        "sizes": task.plan.sizes,
        "rule": task.plan.rule,
        "precision": task.plan.precision,
        "margin": task.plan.real_margin,
        "digest": task.plan.digest,
        "toolchain": found.toolchain,
        "compiler": found.compiler,
        "known_loop": {"length": found.units, "counted": round(found.counted, 1)},
    }


def _show(out: Output, document: dict[str, Any], name: str | None) -> None:
    """Print the table."""
    unit, other = document["unit"], document["compare"]
    sizes = "-".join(str(size) for size in document["sizes"])
    rows = [
        (f"{unit} per inference", "infer"),
        (f"{unit} per learning step", "learn"),
        ("flash (bytes)", "flash"),
        ("  code and tables in it", "code"),
        ("RAM (all state)", "ram"),
        ("stack (worst case)", "stack"),
        ("RAM and stack", "ram_with_stack"),
        (f"right of {document['samples']}, before learning each", "right"),
    ]

    def cell(figures: dict[str, Any], key: str) -> str:
        value = figures[key]
        return "-" if value is None else f"{round(value):,}"

    columns = ["figure", "ska-edge"]
    table = [[title, cell(document, key)] for title, key in rows]
    if other is not None:
        columns.append(str(name))
        table = [[*row, cell(other, key)] for row, (_, key) in zip(table, rows, strict=True)]
    out.table(
        f"{document['board']}, {sizes}, rule {document['rule']}, {document['precision']}, "
        f"{document['toolchain']} {document['optimize'] or ''}".rstrip(),
        columns,
        table,
    )
    loop = document["known_loop"]
    out.line(
        f"means over {counted(document['samples'], 'sample')}; weights equal to the host's;"
        f" a loop of {loop['length']} {unit} was counted as {loop['counted']:.0f}"
    )
    if document["phases"] is not None:
        _show_phases(out, document)


def _show_phases(out: Output, document: dict[str, Any]) -> None:
    """Print the table of the phases."""
    unit, samples = document["unit"], document["samples"]
    out.table(
        f"{unit} for the same {samples} samples after more epochs of training",
        ["epochs", "per inference", "per learning step", f"right of {samples}"],
        [
            [f"{phase[key]:,.0f}" for key in ("epochs", "infer", "learn", "right")]
            for phase in document["phases"]
        ],
    )


@click.command(epilog="Example:  ska-edge bench --board qemu-m4")
@click.argument("data", required=False)
@click.option("--board", required=True, help="The board to measure on; it needs a counter.")
@training_options(OFFERED, {"hidden": "as the board says"})
@click.option(
    "--optimize", type=Word(LEVELS), help="Optimization level [default: that of `build`]."
)
@click.option("--toolchain", help="Compiler to use [default: the board's first installed one].")
@click.option(
    "--compare",
    type=click.Path(path_type=Path),
    help="C file with another implementation, to compare with.",
)
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    help="Folder of a library that the file of --compare includes.",
)
@click.option(
    "--phases",
    is_flag=True,
    help=f"Measure again after {', '.join(map(str, PHASES[:-1]))} and {PHASES[-1]} epochs.",
)
@data_options
@json_option
def bench(
    data: str | None,
    board: str,
    optimize: str | None,
    toolchain: str | None,
    compare: Path | None,
    library: Path | None,
    phases: bool,
    reader: Reader,
    as_json: bool,
    **values: Any,
) -> None:
    """Measure inference and learning on an emulated board that has a counter.

    DATA and the hidden widths default to those of the board. The device learns the first 200
    samples of a training from its initial weights, without warm-up. Each call is measured by
    itself: one inference, then one whole learning step. At the end the weights must equal the
    host's.

    Flash, RAM and stack are those of the smallest firmware that infers and learns, without the
    protocol. Code is the library's part of flash, without the initial weights.

    A trained network changes fewer weights per step. `--phases` also measures the same samples
    with the weights that the host has after 1, 5 and 20 epochs.

    `--margin` is the margin of the device. The host trains without one, as if the device got a
    trained model.
    """
    out, loaded = Output(as_json), load_board(board)
    counter_of(loaded)
    if library is not None and compare is None:
        raise InputError("--library needs --compare, the program that uses the library")
    if data is None:
        if loaded.bench is None:
            raise InputError(f"board {board} names no data to measure with; give DATA")
        data = loaded.bench.data
    margin = values.pop("margin") or 0.0
    options = options_from(values)
    if options.hidden is None:
        options = replace(options, hidden=loaded.bench.hidden if loaded.bench is not None else ())
    with out.progress("calibrating", "samples") as update:
        begun = beginning(reader.dataset(data), options, SAMPLES, update)
    task, later = task_of(begun, margin), list[Task]()
    if phases:
        with out.progress("training", "samples") as update:
            later = later_tasks(begun, task, update)
    with (
        tempfile.TemporaryDirectory(prefix="ska-edge-") as folder,
        out.working(f"measuring on {board}"),
    ):
        found = measure(
            loaded,
            task,
            Path(folder),
            optimize=optimize,
            toolchain=toolchain,
            compare=None if compare is None else Compared(compare, library),
            later=later,
        )
    document = {
        **bench_document(loaded, task, found),
        "data": data,
        "optimize": optimize,
    }
    _show(out, document, None if compare is None else compare.name)
    out.document(document)
