"""`ska-edge train`: train a model from data, in fixed point and in float."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.options.target import Target, target_option
from ska_edge.cli.options.training import options_from, training_options
from ska_edge.cli.screen.accuracy import (
    accuracy_document,
    part_titles,
    prequential_table,
    recall_table,
    split_line,
)
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.data.dataset import Dataset
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.open import open_start, task_of
from ska_edge.network.measures.warning import general_warning
from ska_edge.plural import counted
from ska_edge.report.result_tables import result_table
from ska_edge.rules.rule import RULES
from ska_edge.training.checkpoint import check_outputs
from ska_edge.training.option import widths_text
from ska_edge.training.options import Options, flag
from ska_edge.training.train import Trained, far_domain, far_targets
from ska_edge.training.train import train as train_model
from ska_edge.training.trials.front import FrontChoice, with_front


def train_with_bar(
    data: str,
    reader: Reader,
    out: Output,
    options: Options,
    target: Target | None = None,
    output: Path | None = None,
) -> Trained:
    """Train with a progress bar.

    Raises InputError before the training if a file cannot be written, such as `output`, which the
    caller writes.
    """
    base = None if options.start is None else open_start(options.start)
    recorded = reader.is_recorded(data, base)
    check_outputs(options, data, by="this command", model=output, recorded=recorded)
    dataset = reader.dataset(data, task_of(options.task, base), base)
    dataset, choice = choose_front(dataset, options, out)
    if target is not None:
        options = target.fitted(options, dataset)
    labeled = options.rule is None or RULES[options.rule].supervised
    try:
        with out.progress("training", "samples" if labeled else "steps") as update:
            trained = train_model(dataset, options, update, out.note)
            return replace(trained, front_choice=choice)
    except KeyboardInterrupt:
        if options.checkpoint is None:
            with contextlib.suppress(OSError):  # the terminal may be closed
                out.note(
                    f"nothing of this training was kept; {flag('checkpoint')} FILE would keep it"
                )
        raise


def choose_front(
    dataset: Dataset, options: Options, out: Output
) -> tuple[Dataset, FrontChoice | None]:
    """Choose the front end of data that ask for it, with a progress bar, and print the choice."""
    if dataset.candidates is None:
        return dataset, None
    with out.progress("choosing a front end", "trainings") as update:
        dataset, choice = with_front(dataset, options, update)
    if choice is not None:
        out.note(_front_note(choice, dataset.targets is not None))
    return dataset, choice


def _front_note(choice: FrontChoice, regression: bool) -> str:
    """Return one line that says which front end was chosen, and why."""
    if choice.reason:
        return f"{flag('frontend')} {choice.frontend}: {choice.reason}"
    scores = ", ".join(
        f"{trial.frontend} ({_score(trial.accuracy, regression)})" for trial in choice.trials
    )
    return f"{flag('frontend')} {choice.frontend}, from trials on held-out rows: {scores}"


def _score(accuracy: float, regression: bool) -> str:
    """Return what a trial has found: a fraction of rows, or for a regression R2."""
    return f"R2 {accuracy:.3f}" if regression else f"{accuracy:.1%}"


def report_training(trained: Trained, out: Output) -> None:
    """Print the results of a training: remarks on the data, changed options, tables, warnings."""
    for remark in trained.remarks:
        out.note(remark)
    if trained.changes:
        changed = ", ".join(
            f"{flag(name)} {_text(before)} -> {_text(after)}"
            for name, (before, after) in trained.changes.items()
        )
        out.note(f"changed from {trained.options.start}: {changed}")
    for note in _trial_notes(trained):
        out.note(note)
    plan = trained.model.plan
    sizes = "-".join(str(size) for size in plan.sizes)
    title = f"{trained.model.notes['data']}: {sizes}, rule {plan.rule_words}, {plan.precision}"
    title += ", untrained" if trained.options.untrained else ""
    division = trained.division
    titles = part_titles(division)
    out.show(result_table(title, titles, trained.evaluations, trained.before))
    split_line(division, out)
    if trained.prequential is not None:
        prequential_table(out, trained.prequential)
    elif not trained.options.untrained:
        recall_table(out, trained.evaluations)
    if trained.skipped is not None:
        out.line(
            f"{trained.skipped:.1%} of the samples were within the margin"
            f" {plan.real_margin:g}, so they changed nothing"
        )
    test = trained.evaluations["test"]
    if isinstance(test, Evaluation) and test.accepted is not None:
        kept = int(test.accepted.sum())
        out.line(
            f"rows of a confidence below {trained.model.least_confidence:.4f} are unknown:"
            f" {kept} of {counted(test.rows, 'held-out row')} ({kept / test.rows:.1%}) keep a class"
        )
    for warning in _warnings(trained):
        out.warning(warning["text"])


def _trial_notes(trained: Trained) -> Iterator[str]:
    """Yield what the short trainings of `rate.with_trials` have found."""
    options, trials = trained.options, trained.trials
    if not trials:
        return
    regression = trained.model.plan.regression
    rates = [trial for trial in trials if trial.hidden == trials[0].hidden]
    scores = ", ".join(f"{trial.rate:g} ({_score(trial.accuracy, regression)})" for trial in rates)
    yield f"{flag('rate')} {options.rate:g}, from trials on held-out rows: {scores}"
    for trial in trials[len(rates) :]:
        yield (
            f"{flag('hidden')} {widths_text(trained.model.plan.sizes[1:-1])}, from a trial of"
            f" {widths_text(trial.hidden)}: {_score(trial.accuracy, regression)}"
        )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _warnings(trained: Trained) -> list[dict[str, Any]]:
    advice = far_domain(trained) or far_targets(trained)
    found = {"far domain": advice} if advice else {}
    found.update(trained.division.cautions)
    general = [general_warning(sign, text) for sign, text in found.items()]
    return [*general, *(symptom.as_dict(flag) for symptom in trained.symptoms)]


def training_document(trained: Trained, path: Path) -> dict[str, Any]:
    """Return the keys of `train --json` about the training."""
    plan = trained.model.plan
    return {
        **accuracy_document(trained.evaluations),
        "split": trained.division.as_dict(),
        "before": trained.before,
        "prequential": trained.prequential.as_dict() if trained.prequential else None,
        "skipped": trained.skipped,
        "least_confidence": trained.model.least_confidence,
        "tried": [asdict(trial) for trial in trained.trials],
        "frontend": None if trained.front_choice is None else asdict(trained.front_choice),
        "changes": {name: list(values) for name, values in trained.changes.items()},
        "parameters": plan.parameter_count,
        "digest": plan.digest,
        "model": str(path),
        "warnings": _warnings(trained),
    }


@click.command(epilog="Example:  ska-edge train digits -o digits.ska --hidden 32")
@data_argument()
@click.option("-o", "--output", type=PATH, required=True)
@target_option
@training_options()
@data_options
@json_option
def train(
    data: str, output: Path, target: str | None, reader: Reader, as_json: bool, **values: Any
) -> None:
    """Train on DATA (a built-in name, a file or a folder) and write a model."""
    out, options, board = Output(as_json), options_from(values), Target(target)
    trained = train_with_bar(data, reader, out, options, board, output)
    trained.model.save(output)
    report_training(trained, out)
    plan = trained.model.plan
    board.report(plan, out)
    out.line(f"{plan.parameter_count} parameters, plan {plan.digest}, wrote {output}")
    document = training_document(trained, output)
    document["warnings"] += board.warnings(plan)
    out.document({**document, "replay_buffer": board.document(plan)})
    if trained.log_fault is not None:
        raise trained.log_fault
