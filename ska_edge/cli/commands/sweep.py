"""`ska-edge sweep`: train over lists of options, and make one table and one plot."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click

from ska_edge.cli.commands.train import choose_front
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.count import COUNT
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.options.training import list_options, options_from, training_options
from ska_edge.cli.screen.columns import SWEEP, ExplainedSweep
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.data.dataset import Dataset
from ska_edge.data.split.division import divide
from ska_edge.data.split.kind import choose
from ska_edge.errors import CheckError, InputError
from ska_edge.files import check_folder
from ska_edge.network.engine import unavailable
from ska_edge.plural import counted
from ska_edge.rules.rule import RULES
from ska_edge.training.defaults import TEST_FRACTION
from ska_edge.training.sweep.pool import Work, on_cores, on_dask
from ska_edge.training.sweep.sweep import Grid, Outcome
from ska_edge.training.sweep.sweep import sweep as do_sweep
from ska_edge.training.sweep.table import (
    Row,
    Spread,
    differing,
    option_text,
    options_text,
    plot,
    require_plot,
    rows,
)

# A sweep compares test accuracies; a rule without labels has none.
LABELED = [name for name, rule in RULES.items() if rule.supervised]


# Width of a table outside a terminal.
WIDE = 1000


@click.command(
    cls=ExplainedSweep,
    epilog="Example:  ska-edge sweep digits -o sweep --rule local,feedback --hidden 64"
    " --hidden 64,32 --rate 0.0625,0.125",
)
@data_argument()
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    help="Folder for runs.jsonl and sweep.png; a repeated sweep resumes from it.",
)
@list_options({"rule": LABELED})
@click.option(
    "--seeds",
    type=COUNT,
    default=5,
    show_default=True,
    help="Number of seeds, from 0.",
)
@training_options(("epochs", "split"))
@click.option("--jobs", type=COUNT, help="Parallel trainings [default: one per core].")
@click.option("--dask", metavar="ADDRESS", help="Address of a Dask scheduler whose workers train.")
@data_options
@json_option
def sweep(
    data: str,
    output: Path,
    jobs: int | None,
    dask: str | None,
    seeds: int,
    epochs: int | None,
    split: str | None,
    reader: Reader,
    as_json: bool,
    **lists: Any,
) -> None:
    """Train on DATA with every combination of the options, in fixed point and in float.

    LIST is a list of values, separated by commas. Every run is written to the folder as soon as it
    is done.
    """
    out = Output(as_json)
    if jobs is not None and dask is not None:
        raise InputError("give --jobs or --dask, not both: the scheduler knows its workers")
    dataset = reader.dataset(data)
    dataset, _ = choose_front(dataset, options_from({"epochs": epochs, "split": split}), out)
    kind, why = (split, "") if split else choose(dataset)
    grid = Grid(
        {name: values for name, values in lists.items() if values},
        # The kind of the split is recorded with each run, so it is chosen here.
        options_from({"epochs": epochs, "split": kind}),
        seeds,
    )
    check_folder(output)
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; name a folder for the runs")
    require_plot()
    output.mkdir(exist_ok=True)
    work: Work = (
        partial(on_dask, address=dask) if dask is not None else partial(on_cores, jobs=jobs)
    )
    fault = unavailable()
    if fault is not None and dask is None:
        out.warning(fault)
    with out.progress("sweep", "runs") as update:
        outcome = do_sweep(dataset, grid, output / "runs.jsonl", work, update)
    how = f"split: {kind}, because {why}" if why else f"split: {kind}"
    for caution in divide(dataset, TEST_FRACTION, 0, kind).cautions.values():
        out.warning(caution)
    _report(out, dataset, outcome, output, how)


def _report(out: Output, dataset: Dataset, outcome: Outcome, output: Path, how: str) -> None:
    """Write the plot, warnings, table and document; `how` describes the split.

    Raises CheckError if no run succeeded.
    """
    for remark in dataset.remarks:
        out.note(remark)
    table, picture = rows(outcome.runs), None
    title = f"{dataset.name}: {counted(outcome.runs[0]['options']['epochs'], 'epoch')}"
    if table:
        picture = output / "sweep.png"
        plot(table, picture, title)
    if outcome.dropped:
        out.warning(
            f"the last line of {output / 'runs.jsonl'} was half-written; its run was repeated"
        )
    failures = Counter(run["error"] for run in outcome.runs if "error" in run)
    for sentence, count in failures.items():
        out.warning(f"{count} of {len(outcome.runs)} runs failed: {sentence}")
    versions = sorted({str(run["version"]) for run in outcome.runs})
    if len(versions) > 1:
        out.warning(f"the runs were made by different versions of ska-edge: {', '.join(versions)}")
    if picture is not None:
        _table(out, title, table)
        out.line(how)
        out.line(f"runs: {len(outcome.runs)}, from before: {outcome.skipped}; wrote {picture}")
    out.document(
        {
            "runs": outcome.runs,
            "table": [row.as_dict() for row in table],
            "output": str(output),
            "plot": None if picture is None else str(picture),
            "skipped": outcome.skipped,
        }
    )
    if not table:
        raise CheckError(f"none of the {len(outcome.runs)} runs worked; choose other options")


def _table(out: Output, title: str, rows: list[Row]) -> None:
    """Print the table, with a column for every option that differs; the title has the others."""
    if not out.console.is_terminal:
        out.console.width = WIDE
    names, shared = differing(rows)
    columns = [*names, *(column.title for column in SWEEP)]
    cells = [
        [
            *(option_text(name, row.options[name]) for name in names),
            str(row.seeds),
            _spread(row.tests["float"]),
            _spread(row.tests["fixed"]),
            f"{100 * row.gap:.2f}",
        ]
        for row in rows
    ]
    out.table("; ".join(filter(None, (title, options_text(rows[0], shared)))), columns, cells)


def _spread(spread: Spread) -> str:
    deviation = "" if spread.std is None else f" ± {100 * spread.std:.2f}"
    return f"{100 * spread.mean:.2f}{deviation}"
