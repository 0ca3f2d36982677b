"""`ska-edge bench`: measure the time of inference and of a learning step, and the memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from firmware_gen.bench.bench import Benchmark, Calls, Compared, Figures, counter_of
from firmware_gen.bench.bench import bench as measure
from firmware_gen.bench.cycles import CORES
from firmware_gen.bench.model import NEEDED, Modelled
from firmware_gen.bench.task import Task
from firmware_gen.board.board import Board, load_board
from ska_edge.cli.options.complete import BOARD, PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.shared import data_argument, shared_option
from ska_edge.cli.options.training import options_from, training_options
from ska_edge.cli.options.word import Word
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.data.targets import REGRESSION
from ska_edge.errors import InputError, OptionError
from ska_edge.network.state import State
from ska_edge.plural import counted
from ska_edge.progress import Progress, silent
from ska_edge.report.table import Table
from ska_edge.training.beginning import Beginning, beginning

Figure = Callable[[dict[str, Any]], Any]
"""Gets a number from the document of one program or phase; None if there is no number."""
SAMPLES = 200
PHASES = (1, 5, 20)
"""Epochs of training after which `--phases` measures the same samples again."""
OFFERED = (
    "hidden",
    "rule",
    "activation",
    "precision",
    "rate",
    "margin",
    "normalized_step",
    "running_normalization",
    "seed",
)
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


def later_tasks(
    begun: Beginning,
    task: Task,
    epochs: Sequence[int] = PHASES,
    progress: Progress = silent,
) -> list[Task]:
    """Return a workload per number of epochs, with the same samples and the trained weights."""
    tasks = []
    for exact in begun.states(epochs, progress):
        state = State(task.plan, exact.parameters)
        tasks.append(replace(task, initial=state.parameters, learned=begun.learned(state)))
    return tasks


def cycles_document(board: Board, calls: Calls, modelled: Modelled | None) -> dict[str, Any]:
    """Return the keys about cycles, time and energy of one program or phase in `bench --json`.

    The cycles are counted or modelled. If they are neither, all values are None.
    """
    if counter_of(board).unit == "cycles":
        ranges = {"infer": (calls.infer,) * 3, "learn": (calls.learn,) * 3}
    elif modelled is not None:
        ranges = asdict(modelled)
    else:
        return {"cycles": None, "time_us": None, "energy_uj": None}
    cycles = {name: middle for name, (_, middle, _) in ranges.items()}
    clock, power = board.clock, board.power
    return {
        "cycles": {
            **{name: round(value, 1) for name, value in cycles.items()},
            **{f"{name}_range": [round(x, 1) for x in ranges[name][::2]] for name in ranges},
        },
        "time_us": clock and {name: round(1e6 * x / clock, 1) for name, x in cycles.items()},
        "energy_uj": power and {name: round(power.microjoules(x), 3) for name, x in cycles.items()},
    }


def calls_document(board: Board, calls: Calls, modelled: Modelled | None) -> dict[str, Any]:
    """Return the keys of one program or phase in `bench --json`."""
    return {
        **asdict(calls),
        "infer": round(calls.infer, 1),
        "learn": round(calls.learn, 1),
        **cycles_document(board, calls, modelled),
    }


def figures_document(
    board: Board, figures: Figures, modelled: Modelled | None = None
) -> dict[str, Any]:
    """Return the keys of one program in `bench --json`."""
    return {
        **calls_document(board, figures, modelled),
        "ram_with_stack": None if figures.stack is None else figures.ram + figures.stack,
    }


def phases_document(board: Board, found: Benchmark) -> list[dict[str, Any]] | None:
    """Return the figures after 0 epochs and after each number in `PHASES`; None without phases."""
    if not found.later:
        return None
    first = {name: getattr(found.own, name) for name in ("infer", "learn", "right")}
    modelled = found.modelled or (None,) * (1 + len(PHASES))
    phases = zip((0, *PHASES), (Calls(**first), *found.later), modelled, strict=True)
    return [
        {"epochs": epochs, **calls_document(board, calls, cycles)}
        for epochs, calls, cycles in phases
    ]


def bench_document(board: Board, task: Task, found: Benchmark) -> dict[str, Any]:
    """Return the keys of `bench --json`, except those that repeat the options."""
    compared, modelled = found.compared, None if found.modelled is None else found.modelled[0]
    core = None if modelled is None else CORES[board.core]
    return {
        "board": board.name,
        "unit": counter_of(board).unit,
        **figures_document(board, found.own, modelled),
        "compare": compared and figures_document(board, compared),
        "phases": phases_document(board, found),
        "samples": len(task.labels),
        "sizes": task.plan.sizes,
        "rule": task.plan.rule,
        "activation": task.plan.activation,
        "precision": task.plan.precision,
        "margin": task.plan.real_margin,
        "normalized_step": task.plan.normalized,
        "running_normalization": task.plan.running_normalization,
        "digest": task.plan.digest,
        "toolchain": found.toolchain,
        "compiler": found.compiler,
        "known_loop": {"length": found.units, "counted": round(found.counted, 1)},
        "model": core and {"source": core.source, "assumption": core.assumption},
        "clock": board.clock,
        "power": board.power and asdict(board.power),
    }


def _rows(document: dict[str, Any]) -> list[tuple[str, Figure]]:
    """Return the title of each row of the table, and the function that gets its number."""
    unit = document["unit"]
    rows: list[tuple[str, Figure]] = [
        (f"{unit} per inference", itemgetter("infer")),
        (f"{unit} per learning step", itemgetter("learn")),
    ]
    parts = [("modelled cycles", "cycles"), ("microseconds", "time_us"), ("uJ", "energy_uj")]
    for title, key in parts[unit == "cycles" :]:
        if document[key] is not None:
            for call, name in (("inference", "infer"), ("learning step", "learn")):
                rows.append((f"  {title} per {call}", _inner(key, name)))
    return [
        *rows,
        ("flash (bytes)", itemgetter("flash")),
        ("  code and tables in it", itemgetter("code")),
        ("RAM (all state)", itemgetter("ram")),
        ("stack (worst case)", itemgetter("stack")),
        ("RAM and stack", itemgetter("ram_with_stack")),
        (f"right of {document['samples']}, before learning them", itemgetter("right")),
    ]


def _inner(key: str, name: str) -> Figure:
    return lambda figures: None if figures[key] is None else figures[key][name]


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 10 and not float(value).is_integer() else f"{value:,.0f}"


def bench_table(document: dict[str, Any], name: str | None = None) -> Table:
    """Return the table of a document of `bench --json`; `name` is the compared program, if any."""
    other = document["compare"]
    sizes = "-".join(str(size) for size in document["sizes"])
    columns, programs = ["figure", "ska-edge"], [document]
    if other is not None:
        columns.append(str(name))
        programs.append(other)
    return Table.of(
        f"{document['board']}, {sizes}, rule {document['rule']}, {document['precision']}, "
        + (f"margin {document['margin']:g}, " if document["margin"] else "")
        + ("normalized step, " if document["normalized_step"] else "")
        + ("running normalization, " if document["running_normalization"] else "")
        + f"{document['toolchain']} {document['optimize'] or ''}".rstrip(),
        columns,
        [[title, *(_cell(get(each)) for each in programs)] for title, get in _rows(document)],
    )


def _show(out: Output, document: dict[str, Any], board: Board, name: str | None) -> None:
    out.show(bench_table(document, name))
    for note in bench_notes(document, board):
        out.line(note)
    if document["phases"] is not None:
        _show_phases(out, document)


def bench_notes(document: dict[str, Any], board: Board) -> Iterator[str]:
    """Yield sentences about a document of `bench --json`: how it was measured and modelled."""
    model, power, loop = document["model"], document["power"], document["known_loop"]
    yield (
        f"means over {counted(document['samples'], 'sample')}; weights equal to the host's; a loop"
        f" of {loop['length']} {document['unit']} was counted as {loop['counted']:.0f}"
    )
    if model is not None:
        least, most = document["cycles"]["learn_range"]
        yield (
            f"cycles are a model, not a measurement: timings of the {model['source']}, no wait"
            f" states; {model['assumption']} ({least:,.0f} to {most:,.0f} per learning step)"
        )
    elif board.core in CORES:
        yield f"without the Python package {NEEDED}, no cycles are modelled: pip install {NEEDED}"
    if document["time_us"] is not None:
        yield f"times are for a clock of {document['clock'] / 1e6:g} MHz"
    if document["energy_uj"] is not None:
        yield (
            f"energy: {power['volts']:g} V and {power['milliamperes']:g} mA at"
            f" {power['clock'] / 1e6:g} MHz ({power['source']})"
        )


def _show_phases(out: Output, document: dict[str, Any]) -> None:
    unit, samples = document["unit"], document["samples"]
    keys: list[tuple[str, Figure]] = [("epochs", itemgetter("epochs"))]
    keys += [("inference", itemgetter("infer")), ("learning step", itemgetter("learn"))]
    if document["model"] is not None:
        keys.append(("modelled cycles of a step", _inner("cycles", "learn")))
    keys.append((f"right of {samples}", itemgetter("right")))
    out.table(
        f"{unit} for the same {samples} samples after more epochs of training",
        [title for title, _ in keys],
        [[_cell(get(phase)) for _, get in keys] for phase in document["phases"]],
    )


@click.command(epilog="Example:  ska-edge bench --board qemu-m4")
@data_argument(required=False)
@shared_option(
    "--board",
    type=BOARD,
    required=True,
    help="The board to measure on; it needs a counter.",
)
@training_options(OFFERED, {"hidden": "as the board says"})
@click.option(
    "--optimize", type=Word(LEVELS), help="Optimization level [default: that of `build`]."
)
@click.option("--toolchain", help="Compiler to use [default: the board's first installed one].")
@click.option(
    "--compare",
    type=PATH,
    help="C file with another implementation, to compare with.",
)
@click.option(
    "--library",
    type=PATH,
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

    On Cortex-M0 and Cortex-M4, cycles are modelled with the timings of Arm's manuals, without wait
    states. The times hold for the board's clock.

    A trained network changes fewer weights per step. `--phases` also measures the same samples
    with the weights that the host has after 1, 5 and 20 epochs.

    `--margin` is the margin of the device. The host trains without a margin, as if the device
    received a trained model.
    """
    out, loaded = Output(as_json), load_board(board)
    counter_of(loaded)
    if library is not None and compare is None:
        raise InputError("--library needs --compare, the program that uses the library")
    if data is None:
        if loaded.bench is None:
            raise InputError(f"board {loaded.name} names no data to measure with; give DATA")
        data = loaded.bench.data
    options = options_from(values)
    if options.task == REGRESSION:
        raise OptionError("a board is measured with classes; leave {task} out")
    margin, options = options.margin or 0.0, replace(options, margin=None)
    if options.hidden is None:
        options = replace(options, hidden=loaded.bench.hidden if loaded.bench is not None else ())
    with out.progress("calibrating", "samples") as update:
        begun = beginning(reader.dataset(data), options, SAMPLES, update)
    task, later = task_of(begun, margin), list[Task]()
    if phases:
        with out.progress("training", "samples") as update:
            later = later_tasks(begun, task, progress=update)
    with (
        tempfile.TemporaryDirectory(prefix="ska-edge-") as folder,
        out.working(f"measuring on {loaded.name}"),
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
    _show(out, document, loaded, None if compare is None else compare.name)
    out.document(document)
