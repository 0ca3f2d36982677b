"""`ska-edge monitor`: let a device learn and watch it, with a log."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Group
from rich.text import Text

from ska_edge.cli.console import Output, json_option, label_option
from ska_edge.cli.device import baud_option, find_port, port_option
from ska_edge.cli.evaluate import load_for
from ska_edge.cli.output import check_file
from ska_edge.cli.verify import metrics_table, progress_title
from ska_edge.errors import InputError
from ska_edge.link import Link
from ska_edge.model_file import load_model
from ska_edge.monitor import Log, stream
from ska_edge.symptoms import Symptom


@click.command(
    epilog="Example:  ska-edge monitor digits.ska digits --samples 100 --log steps.jsonl"
)
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.argument("data", required=False)
@port_option
@baud_option
@click.option("--samples", type=click.IntRange(min=1), help="How many rows of DATA to learn [all].")
@click.option("--log", type=click.Path(path_type=Path), help="JSONL file, a line a sample.")
@label_option
@json_option
def monitor(
    model: Path | None,
    data: str | None,
    port: str | None,
    baud: int,
    samples: int | None,
    log: Path | None,
    label_column: str | None,
    as_json: bool,
) -> None:
    """Watch a device. With MODEL and DATA it goes on learning rows of DATA, with live metrics.

    Without --port it takes the only port there is. Unlike `verify` it continues from where the
    device is.
    """
    out = Output(as_json)
    if (model is None) != (data is None):
        raise InputError("give MODEL and DATA, or neither")
    if log is not None:
        check_file(log, model, data)
    loaded = load_model(model) if model is not None else None
    dataset = (
        load_for(loaded, data, label_column) if loaded is not None and data is not None else None
    )
    with Link(find_port(port), baud=baud) as link:
        info = link.hello()
        out.line(f"{info.board} at {link.port}: plan {info.digest}, step {info.step}")
        correct = count = 0
        symptoms: tuple[Symptom, ...] = ()
        if loaded is not None and dataset is not None:
            link.expect_digest(loaded.plan.digest)
            inputs, labels = loaded.quantize(dataset.x[:samples]), dataset.y[:samples]
            journal = Log(log, info) if log else nullcontext()
            with journal as open_log, out.live() as show:
                for record in stream(link, loaded.plan, inputs, labels):
                    if open_log:
                        open_log.record(record, inputs[count])
                    count += 1
                    correct += record.result.predicted == record.label
                    title = progress_title(loaded, count, labels, correct)
                    symptoms = record.symptoms
                    warnings = [Text(f"warning: {found.sentence()}") for found in symptoms]
                    table = metrics_table(loaded.plan, title, record.result)
                    show(Group(table, *warnings))
                if count:
                    show(table)  # below it, each warning gets a line of its own
            for found in symptoms:
                out.warning(found.sentence())
            info = link.hello()
            out.line(f"{progress_title(loaded, count, labels, correct)}; step {info.step}")
    out.document(
        {
            "board": info.board,
            "port": link.port,
            "digest": info.digest,
            "step": info.step,
            "samples": count,
            "correct": int(correct),
            "warnings": [found.as_dict() for found in symptoms],
        }
    )
