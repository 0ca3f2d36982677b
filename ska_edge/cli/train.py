"""`ska-edge train`: from data to a model, in fixed point beside float."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from ska_edge.cli.console import Command, Output, json_option, label_option, percent
from ska_edge.cli.output import check_file
from ska_edge.data.dataset import load
from ska_edge.model.scaling import SCALINGS
from ska_edge.plan.precision import PRECISIONS
from ska_edge.rules.rule import RULES
from ska_edge.training.options import ARITHMETICS, STREAM_ORDERS, Options
from ska_edge.training.train import Trained, far_domain
from ska_edge.training.train import train as train_model

HIDDEN = (64, 32)


def hidden_widths(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """A callback: widths between commas, '' for none."""
    if value is None:
        return None
    try:
        widths = tuple(int(part) for part in value.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a list of widths like 64,32") from None
    if any(width < 1 for width in widths):
        raise click.BadParameter("every width is at least 1")
    return widths


def _batch(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    if value is None or value == "all":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a number from 1 on nor 'all'")
    return int(value)


def training_options(hidden: tuple[int, ...]) -> Callable[[Command], Command]:
    """The options of `options.Options`, shared by `train` and `run`."""
    options = [
        click.option("--rule", type=click.Choice(list(RULES)), help="Learning rule [local]."),
        click.option(
            "--hidden",
            callback=hidden_widths,
            help=f"Widths of the hidden layers; '' for none [{','.join(map(str, hidden))}].",
        ),
        click.option(
            "--precision", type=click.Choice(list(PRECISIONS)), help="Integer widths [w16a8]."
        ),
        click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True),
        click.option(
            "--rate",
            type=float,
            help="Learning rate [about 8 / inputs, at most 0.125; published: 0.01, the eta].",
        ),
        click.option(
            "--decay",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="How often the rate is halved, in equal parts of the epochs.",
        ),
        click.option("--batch", callback=_batch, help="Samples an update [1; published: all]."),
        click.option(
            "--steps",
            type=click.IntRange(min=1),
            default=50,
            show_default=True,
            help="Passes of the held batch (published).",
        ),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
        click.option(
            "--arithmetic", type=click.Choice(ARITHMETICS), default="both", show_default=True
        ),
        click.option(
            "--test-fraction",
            type=float,
            help="Held out; whole groups where the data have groups [0.2; published: 0].",
        ),
        click.option(
            "--scale",
            type=click.Choice(SCALINGS),
            help="What is done to features [standardize; published: none].",
        ),
        click.option(
            "--stream-order",
            type=click.Choice(STREAM_ORDERS),
            default="iid",
            show_default=True,
            help="Order of the samples: shuffled, as in the data, or class after class.",
        ),
        click.option(
            "--replay",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="Past samples of each class to keep and learn again.",
        ),
        click.option(
            "--replays",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="How many of them are learned again with each new sample.",
        ),
        click.option("--readout-only", is_flag=True, help="Hidden layers stay as they are."),
        click.option("--group", type=int, help="Learn from the rows of this group alone."),
        click.option(
            "--per-class",
            type=click.IntRange(min=1),
            help="Learn from so many rows of each class; all others are test rows.",
        ),
        click.option(
            "--from",
            "start",
            type=click.Path(path_type=Path),
            help="Model, or its integer ONNX, to go on from; its sizes, scaling and formats stay.",
        ),
        click.option("--init", type=click.Path(path_type=Path), help="npz with W0, b0, W1, ..."),
        click.option("--log", type=click.Path(path_type=Path), help="JSONL with every step."),
    ]

    def decorate(command: Command) -> Command:
        for option in reversed([*options, label_option]):
            command = option(command)
        return command

    return decorate


def train_and_report(
    data: str, out: Output, values: dict[str, Any], hidden: tuple[int, ...]
) -> Trained:
    """Train with a progress bar and say how accurate it became; `hidden` are default widths."""
    dataset = load(data, values.pop("label_column"))
    options = Options(**values)
    if options.hidden is None and options.start is None:
        options = replace(options, hidden=hidden)
    with out.progress("training") as update:
        trained = train_model(dataset, options, update)
    plan = trained.model.plan
    sizes = "-".join(str(size) for size in plan.sizes)
    title = f"{dataset.name}: {sizes}, rule {plan.rule}, {plan.precision}"
    columns = ["arithmetic", f"train ({len(trained.train.y)})", f"test ({len(trained.test.y)})"]
    rows = []
    for kind, accuracy in trained.accuracy.items():
        if trained.before is not None:
            before = trained.before[kind]
            rows.append([f"{kind}, before", percent(before["train"]), percent(before["test"])])
        rows.append([kind, percent(accuracy["train"]), percent(accuracy["test"])])
    out.table(title, columns, rows)
    if trained.test.group is not None:
        held_out = ", ".join(str(group) for group in np.unique(trained.test.group))
        out.line(f"test rows are of the groups {held_out}")
    advice = far_domain(trained)
    if advice:
        out.warning(advice)
    for symptom in trained.symptoms:
        out.warning(symptom.sentence())
    return trained


def training_document(trained: Trained, path: Path) -> dict[str, Any]:
    """The keys of `train --json`."""
    plan, advice = trained.model.plan, far_domain(trained)
    warnings = [symptom.as_dict() for symptom in trained.symptoms]
    if advice:
        warnings.insert(0, {"sign": "far domain", "layer": None, "text": advice})
    return {
        "accuracy": trained.accuracy,
        "before": trained.before,
        "parameters": plan.parameter_count,
        "digest": plan.digest,
        "model": str(path),
        "warnings": warnings,
    }


@click.command(epilog="Example:  ska-edge train digits -o digits.ska --hidden 32")
@click.argument("data")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@training_options(hidden=HIDDEN)
@json_option
def train(data: str, output: Path, as_json: bool, **values: Any) -> None:
    """Train on DATA (a built-in name, a CSV or npz file) and write a model."""
    out = Output(as_json)
    check_file(output, data, values["init"], values["start"], values["log"])
    if values["log"] is not None:
        check_file(values["log"], data, values["init"], values["start"])
    trained = train_and_report(data, out, values, HIDDEN)
    trained.model.save(output)
    plan = trained.model.plan
    out.line(f"{plan.parameter_count} parameters, plan {plan.digest}, wrote {output}")
    out.document(training_document(trained, output))
