"""`ska-edge report`: write a page with tables and figures of a model or of a device's log."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from firmware_gen.bench.bench import bench as measure
from firmware_gen.bench.bench import counter_of
from firmware_gen.bench.task import Task
from firmware_gen.board.board import Board, load_board
from ska_edge import __version__
from ska_edge.cli.commands.bench import SAMPLES, bench_document, bench_notes, bench_table
from ska_edge.cli.options.complete import BOARD, PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.paths import check_output, is_log, refuse_model_option
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.screen.accuracy import part_titles
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.memory import memory_document, memory_table
from ska_edge.cli.screen.project import forms_sentence
from ska_edge.data.dataset import Dataset
from ska_edge.errors import CheckError, InputError
from ska_edge.files import write_file
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.network.engine import trainer_for
from ska_edge.network.state import State
from ska_edge.plural import counted
from ska_edge.report.comparison import Comparison, compare
from ska_edge.report.course import Course, read_course
from ska_edge.report.model_tables import title
from ska_edge.report.page import render, require_page
from ska_edge.report.section import Contents, Part, Section
from ska_edge.report.sections import (
    Results,
    comparison_section,
    device_section,
    facts,
    formats_section,
    results_section,
    training_section,
)
from ska_edge.training.accuracy import evaluations, fractions
from ska_edge.training.preparation.division import parts_of, unknown_because


def _results(model: Model, dataset: Dataset, learned: State | None) -> Results:
    """Evaluate a model, or what a device has learned from it, on data."""
    division = parts_of(model, dataset)
    parts = division.parts if division else {"train": dataset.take([]), "test": dataset}
    titles = part_titles(division) if division else {"test": f"rows ({len(dataset.y)})"}
    notes = [unknown_because(model, dataset)] if division is None else []
    if division is not None:
        notes += [f"Split: {division.sentence}."] if division.sentence else []
        notes += [f"Warning: {text}." for text in division.cautions.values()]
    found, before = evaluations(model, parts), None
    if learned is not None:
        before = fractions(found)
        # The float twin did not learn the device's samples, so it is left out.
        found = evaluations(replace(model, state=learned, reference=None), parts)
        notes.append(
            "These are the integers after the device learned; rows that it learned are no test."
        )
    return Results(dataset.name, titles, found, tuple(notes), before)


def _task(model: Model, dataset: Dataset | None) -> Task | None:
    """Return the first rows of the data as the workload of a board.

    Return None without data, for a regression, and for a rule without labels.
    """
    plan = model.plan
    if dataset is None or plan.regression or not plan.rule_definition.supervised:
        return None
    rows = slice(0, SAMPLES)
    inputs, labels = model.quantize(dataset.x[rows]), model.truth(dataset)[rows]
    state = State(plan, model.state.parameters)
    trainer = trainer_for(state.copy(), learn=len(labels))
    for _ in trainer.learn_stream(inputs, labels):
        pass
    return Task(plan, state.parameters.copy(), trainer.state.parameters, inputs, labels, ())


def _measured(board: Board, task: Task, out: Output) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="ska-edge-") as folder,
        out.working(f"measuring on {board.name}"),
    ):
        found = measure(board, task, Path(folder))
    return {**bench_document(board, task, found), "optimize": None}


def _board_section(model: Model, board: Board, measured: dict[str, Any] | None) -> Section:
    parts: list[Part] = []
    memory = memory_document(model.plan, board)
    if measured is not None:
        parts += [bench_table(measured), *bench_notes(measured, board)]
    if memory is not None:
        parts += [memory_table(memory, board), forms_sentence(memory["forms"], board.name)]
    return Section("board", f"On the board {board.name}", tuple(parts))


@click.command(epilog="Example:  ska-edge report digits.ska digits -o report.html")
@click.argument("source", type=PATH, metavar="LOG|MODEL")
@data_argument(required=False)
@click.option("-o", "--output", type=PATH, required=True, help="HTML file to write.")
@click.option(
    "--model",
    "flashed",
    type=PATH,
    help="For a log: the device's model when the log began.",
)
@click.option(
    "--board",
    type=BOARD,
    help="Board for which to show the memory, and, if DATA are given and the board has a counter,"
    " to measure a learning step; that needs a compiler.",
)
@data_options
@json_option
def report(
    source: Path,
    data: str | None,
    output: Path,
    flashed: Path | None,
    board: str | None,
    reader: Reader,
    as_json: bool,
) -> None:
    """Write one HTML page about a model, or about what a device learned.

    The page has the tables and figures of the model: its training, formats and headroom, and, with
    DATA, its results. For a monitor's log, it also has what the device learned, and whether the
    host learns the same from the same rows. The page needs no other file and no network.

    If the device gave a wrong answer, the page says so, and the exit code is 1.
    """
    out, target = Output(as_json), None if board is None else load_board(board)
    require_page()
    log = source if is_log(source) else None
    if log is not None and flashed is None:
        raise InputError(
            f"{log} is a log; name the device's model when it began, with --model MODEL"
        )
    if log is None and flashed is not None:
        refuse_model_option(source)
    check_output(output, data, source, flashed, recorded=reader.columns.recorded is not None)
    model = open_model(source if flashed is None else flashed)
    dataset = None if data is None else reader.matched(data, model, out)
    course: Course | None = None
    compared: Comparison | None = None
    if log is not None:
        with out.progress("replaying", "bytes") as update:
            compared = compare(log, model, update)
        with out.progress("reading", "bytes") as update:
            course = read_course(log, model, update)
    learned = None if compared is None else compared.state
    results = None if dataset is None else _results(model, dataset, learned)
    task, measured = None if target is None else _task(model, dataset), None
    if target is not None and task is not None and target.counter is not None:
        counter_of(target)
        measured = _measured(target, task, out)
    sections = [training_section(model)]
    if results is not None:
        sections.insert(0, results_section(results))
    if course is not None and compared is not None:
        sections = [
            device_section(course, model, learned),
            comparison_section(course, compared),
            *sections,
        ]
    sections.append(formats_section(model, learned))
    if target is not None:
        sections.append(_board_section(model, target, measured))
    contents = Contents(
        source.name, title(model), facts(model, results, course, compared), tuple(sections)
    )
    with out.working("drawing"):
        page = render(contents, __version__)
    write_file(output, page)
    out.line(f"wrote {output}: {counted(len(contents.charts), 'figure')}, {len(page):,} bytes")
    out.document(
        {
            "output": str(output),
            "source": str(source),
            "log": log is not None,
            "digest": model.plan.digest,
            "sections": [section.anchor for section in contents.sections],
            "figures": {name: chart.as_dict() for name, chart in contents.charts.items()},
            "rows": None if course is None else course.rows,
            "warnings": None if course is None else course.warnings,
            "equal": None if compared is None else compared.equal,
            "first_difference": compared.difference or None if compared else None,
            "bench": measured,
        }
    )
    if compared is not None and compared.difference:
        raise CheckError(compared.difference)
