"""`ska-edge teach`: teach a device a new class with a few rows, or make it forget one."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from ska_edge.cli.options.complete import DATA, PATH
from ska_edge.cli.options.count import COUNT
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.key import key_in, key_option
from ska_edge.cli.options.paths import check_file
from ska_edge.cli.options.port import Line, find_port, line_options, port_option
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.device.link import Link
from ska_edge.errors import InputError, OptionError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.fleet import Job, Member, run
from ska_edge.monitor.sinks.log import LogSink
from ska_edge.monitor.teach import PASSES, added_label, as_known, check_name, repeated, slower
from ska_edge.plan.check import LARGEST_SEED
from ska_edge.plural import counted
from ska_edge.training.options import flag

PATIENCE = 30  # seconds to wait for a lost device


@click.command(epilog="Example:  ska-edge teach digits.ska wave --data wave.csv")
@click.argument("model", type=PATH)
@click.argument("name")
@click.option("--data", type=DATA, help="Rows of the class; of rows with labels, those of NAME.")
@port_option
@line_options
@key_option
@click.option(
    "--passes",
    type=COUNT,
    default=PASSES,
    show_default=True,
    help="How many times the device learns each row.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=LARGEST_SEED),
    default=0,
    show_default=True,
    help="Seed of the order of the rows in each pass.",
)
@click.option(
    "--halve-rate",
    "halvings",
    metavar="N",
    type=click.IntRange(min=0, max=255),
    help="Halve the plan's rate N times before the first row; the device keeps this rate. By"
    " default, it learns these rows with rate * inputs at most 4, and then gets its rate back.",
)
@click.option("--forget", is_flag=True, help="Forget the class instead, with its samples.")
@click.option("--save", is_flag=True, help="At the end, save the state on the device.")
@click.option("--log", type=PATH, help="JSONL file with one line per row, for replay.")
@data_options
@json_option
def teach(
    model: Path,
    name: str,
    data: str | None,
    port: str | None,
    line: Line,
    key: Path | None,
    passes: int,
    seed: int,
    halvings: int | None,
    forget: bool,
    save: bool,
    log: Path | None,
    reader: Reader,
    as_json: bool,
) -> None:
    """Teach a device the class NAME, with rows of --data; add the class if it is new.

    MODEL is the model that was flashed; a new class needs one of its spare classes (train with
    --spare-classes). Before each row, the device learns stored samples of all classes again, so it
    forgets little. Without --data, the class is only added.
    """
    out, loaded, port = Output(as_json), open_model(model), find_port(port)
    if forget and (data is not None or log is not None):
        raise OptionError("{forget} learns nothing; leave {data} and {log} out")
    if halvings is not None and halvings > loaded.plan.rate_halvings_max:
        most = counted(loaded.plan.rate_halvings_max, "time")
        raise InputError(
            f"--halve-rate is {halvings}, but {model}'s rate can be halved at most {most}"
        )
    if log is not None:
        check_file(log, model)
    rows = _rows(loaded, name, data, reader, out)
    with line.open(port, key_in(key)) as link:
        link.expect_plan(loaded.plan)
        link.expect_learning()
        known = as_known(link, loaded)
        if forget:
            label = added_label(known, name)
            link.forget_class(label)
            if save:
                link.save()
            out.line(f"{link.info.board} at {link.port} has forgotten '{name}'")
            out.document(_document(link, as_known(link, loaded), name, None, 0, None))
            return
        new = check_name(known, name)
        before = None
        if halvings is None and len(rows):
            halvings = slower(loaded.plan, link.info)
            before = None if halvings is None else link.info.halvings
    labels = np.zeros(len(rows) * passes, dtype=np.int64)
    labels[:] = known.state.labels.index(name) if not new else _first_spare(known)
    member = Member(
        port,
        rows[repeated(len(rows), passes, seed)] if len(rows) else rows,
        labels,
        [] if log is None else [LogSink(log, overwrite=False)],
    )
    job = Job(
        plan=loaded.plan,
        baud=line.baud,
        control=line.control,
        key=key_in(key),
        patience=PATIENCE,
        halvings=halvings,
        halvings_after=before,
        save=save,
        save_every=None,
        names=flag,
        classes=(name,) if new else (),
    )
    with out.progress("teaching", "samples") as update:

        def tick() -> None:
            if member.monitor is not None:
                update(member.monitor.learned, len(labels))

        run([member], job, tick, lambda: None)
    if member.error is not None:
        raise member.error
    with line.open(port, key_in(key)) as link:
        known = as_known(link, loaded)
        right = _right(link, known, name, rows)
        _say(link, known, name, new, len(rows), passes, right, out)
        out.document(_document(link, known, name, new, len(rows), right))


def _rows(
    model: Model, name: str, data: str | None, reader: Reader, out: Output
) -> NDArray[np.int64]:
    """Return the quantized rows of the class, (rows, inputs)."""
    if data is None:
        return np.zeros((0, model.plan.inputs), dtype=np.int64)
    found = reader.rows(data, model, out)
    x = found.x
    if found.truth is not None:
        mine = np.array([label == name for label in found.truth])
        if not mine.any():
            raise InputError(
                f"{found.name} has labels, but none of its rows is of the class '{name}'; it has"
                f" {', '.join(sorted(set(found.truth)))}"
            )
        x = x[mine]
    return model.quantize(x)


def _first_spare(model: Model) -> int:
    return int(np.flatnonzero(~model.state.used)[0])


def _right(link: Link, model: Model, name: str, rows: NDArray[np.int64]) -> int:
    """Return how many rows the device now classifies as the class `name`."""
    label = model.state.labels.index(name)
    return sum(link.infer(row.tolist()).predicted == label for row in rows)


def _say(
    link: Link,
    model: Model,
    name: str,
    new: bool,
    rows: int,
    passes: int,
    right: int,
    out: Output,
) -> None:
    label = model.state.labels.index(name)
    what = "has the new class" if new else "has the class"
    out.line(f"{link.info.board} at {link.port} {what} '{name}', label {label}")
    if rows:
        out.line(
            f"it has learned {counted(rows, 'row')} {counted(passes, 'time')}, and classifies"
            f" {right} of them as '{name}'"
        )
        if not model.plan.replay.per_class:
            out.warning(
                "the plan has no replay buffer, so the device forgets other classes; train with"
                f" {flag('stored')}"
            )
        elif not model.state.replay.held.any():
            out.note("the model stores no samples, so the device repeats only what it has learned")
    else:
        out.line(
            f"it has learned no row of '{name}': teach it rows with --data, or let its firmware"
            f" call ska_learn with label {label}"
        )


def _document(
    link: Link, model: Model, name: str, new: bool | None, rows: int, right: int | None
) -> dict[str, object]:
    """Return the keys of `--json`; without rows, `right` is None."""
    info = link.hello()
    forgotten = name not in model.labels
    return {
        "board": info.board,
        "port": link.port,
        "digest": info.digest,
        "class": name,
        "label": None if forgotten else model.state.labels.index(name),
        "new": new,
        "rows": rows,
        "right": right if rows else None,
        "classes": list(model.labels),
        "samples": info.samples,
        "step": info.step,
        "crc": info.crc,
        "saves": info.saves,
    }
