"""`ska-edge data`: describe a data set, or write it as npz."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.paths import check_output
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.data.builtin.catalog import builtin_names
from ska_edge.data.dataset import save
from ska_edge.data.recordings.overview import Overview
from ska_edge.plural import counted, listed

RECORDINGS = ("file", "rows", "seconds", "Hz", "gaps", "jitter ms", "label", "group")


def _cells(found: Overview) -> list[str]:
    """Return the cells of a recording, with "-" for unknown values."""
    jitter = None if found.jitter is None else 1000 * found.jitter
    return [
        found.file,
        str(found.rows),
        *("-" if value is None else f"{value:.4g}" for value in (found.seconds, found.rate)),
        "-" if found.gaps is None else str(found.gaps),
        "-" if jitter is None else f"{round(jitter, 3):g}",
        listed(found.labels) or "-",
        listed(found.groups) or "-",
    ]


@click.command(epilog="Example:  ska-edge data digits -o digits.npz")
@data_argument(metavar="NAME")
@click.option("-o", "--output", type=PATH, help="npz to write.")
@data_options
@json_option
def data(data: str, output: Path | None, reader: Reader, as_json: bool) -> None:
    """Write data NAME as npz: x (n, d), y (n,), labels, and what else is known, such as groups.

    NAME is built-in or a file: CSV, Parquet, Arrow, ARFF, .ts, npz or MNIST-idx images. Without -o,
    only describe the data. With --window, NAME has recordings, and a table describes each.
    """
    out, name = Output(as_json), data
    dataset = reader.dataset(name)
    rows, features = dataset.x.shape
    counts = np.bincount(dataset.y, minlength=dataset.classes)
    groups = None if dataset.group is None else len(np.unique(dataset.group))
    if output is not None:
        check_output(output, name, recorded=reader.is_recorded(name))
        save(dataset, output)
        out.line(f"wrote {output}")
    in_groups = "" if groups is None else f", {counted(groups, 'group')}"
    out.line(
        f"{dataset.name}: {counted(rows, 'row')}, {counted(features, 'feature')},"
        f" {counted(dataset.classes, 'class')}{in_groups}"
    )
    for remark in dataset.remarks:
        out.note(remark)
    recordings = reader.overviews(name)
    if recordings:
        out.table("recordings", RECORDINGS, [_cells(each) for each in recordings])
    out.table(
        "classes",
        ["class", "rows"],
        [[label, int(count)] for label, count in zip(dataset.labels, counts, strict=True)],
    )
    out.document(
        {
            "name": dataset.name,
            "rows": rows,
            "features": features,
            "classes": dict(zip(dataset.labels, counts.tolist(), strict=True)),
            "groups": groups,
            "recordings": [each.as_dict() for each in recordings],
            "built_in": list(builtin_names()),
            "output": None if output is None else str(output),
        }
    )
