"""Collects what a report shows about a model, its results, and a device that learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ska_edge.model.evaluation import Evaluation
from ska_edge.model.model_file import Model
from ska_edge.model.regression import Fit
from ska_edge.network.state import State
from ska_edge.plan.range_proof import accumulator_width, update_width
from ska_edge.plural import counted
from ska_edge.report.comparison import Comparison
from ska_edge.report.course import Course
from ska_edge.report.course_charts import course_charts
from ska_edge.report.model_charts import confusion_chart, recall_chart, weight_charts
from ska_edge.report.model_tables import (
    data_table,
    format_table,
    front_table,
    option_table,
    proof_table,
    range_table,
    state_sentence,
    tensor_table,
)
from ska_edge.report.result_tables import Found, recall_table, result_table, shown
from ska_edge.report.section import Fact, Part, Section
from ska_edge.report.table import Table, percent
from ska_edge.training.accuracy import Accuracy


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a model on data.

    Attributes:
        data: name of the data.
        titles: title of the column of each part of the data.
        found: results by part.
        notes: sentences about the split, and warnings.
        before: accuracy before a device learned; None without a device.
    """

    data: str
    titles: Mapping[str, str]
    found: Found
    notes: tuple[str, ...] = ()
    before: Accuracy | None = None


def training_section(model: Model) -> Section:
    """Return the data and the options of the training."""
    options = option_table(model)
    parts: list[Part] = [data_table(model)]
    if options.rows:
        parts.append(options)
    return Section("training", "What was trained", tuple(parts))


def formats_section(model: Model, learned: State | None = None) -> Section:
    """Return tensors, formats, ranges, range proof and weights.

    `learned` is the state after a device learned, or None.
    """
    plan = model.plan
    states = {"weights": model.state}
    if learned is not None:
        states = {"before the device learned": model.state, "after the device learned": learned}
    parts: list[Part] = [
        f"No sum can overflow, whatever the weights and the inputs are: sums fit"
        f" {accumulator_width(plan)} bits, and updates {update_width(plan)} bits.",
        tensor_table(learned or model.state),
        *([range_table(model)] if model.ranges else []),
        *weight_charts(states),
        proof_table(plan),
        format_table(plan),
        *([] if plan.front is None else [front_table(plan.front)]),
    ]
    return Section("formats", "Formats and headroom", tuple(parts))


def results_section(results: Results) -> Section:
    """Return accuracy, confusion and recall; for a regression, R2 and the mean absolute error."""
    table = result_table(
        f"results on {results.data}", results.titles, results.found, results.before
    )
    parts: list[Part] = [table, *results.notes]
    one = shown(results.found)
    if one is not None:
        part, evaluation = one
        parts += [confusion_chart(evaluation), recall_chart(evaluation)]
        parts.append(recall_table(f"recall of each class, {results.titles[part]}", evaluation))
    return Section("results", "Results", tuple(parts))


def device_section(course: Course, model: Model, state: State | None) -> Section:
    """Return what a device learned: answers, metrics, warnings and events."""
    who = ", ".join(course.boards)
    text = f"{who} learned {counted(course.rows, 'row')} of the log."
    if state is not None:
        text += f" The state at its end: {state_sentence(state)}."
    parts: list[Part] = [text]
    parts += course_charts(course, model)
    if len(course.rates) == 1:
        parts.append(f"The learning rate of the output layer was {course.rates[0][1]:g}.")
    if course.warnings:
        rows = [[warning] for warning in course.warnings]
        parts.append(Table.of("warnings of the monitor", ["warning"], rows))
    else:
        parts.append("The log has no warning of the monitor.")
    if course.events:
        parts.append(Table.of("events", ["rows before", "event"], course.events))
    return Section("device", "What the device learned", tuple(parts))


def comparison_section(course: Course, found: Comparison) -> Section:
    """Return the result of the replay."""
    if found.difference:
        text = f"Device and host differ. {found.difference[:1].upper()}{found.difference[1:]}."
    elif found.gap:
        text = f"The host cannot learn all rows of the log again: {found.gap}."
    else:
        assert found.state is not None
        text = (
            f"Device and host are equal: the host has learned the {counted(course.rows, 'row')} of"
            " the log again, with the same decisions and the same updates, bit for bit, to the"
            f" state with CRC {found.state.crc:08x}. "
            + (
                "The device itself reported this CRC."
                if found.checked
                else "The log ends without a CRC of the device that confirms it."
            )
        )
    return Section("comparison", "Device against host", (text,))


def facts(
    model: Model,
    results: Results | None = None,
    course: Course | None = None,
    comparison: Comparison | None = None,
) -> tuple[Fact, ...]:
    """Return the most important figures for the head of a page."""
    plan = model.plan
    found = [Fact("parameters", f"{plan.parameter_count:,}", f"{plan.parameter_bytes:,} bytes")]
    if results is not None:
        found = [*_result_facts(results), *found]
    if course is not None:
        found += course_facts(course)
    if comparison is not None:
        found.append(Fact("device and host", comparison.verdict))
    return tuple(found)


def _result_facts(results: Results) -> list[Fact]:
    for part in ("test", "train"):
        found = results.found.get(part)
        words = f"{results.titles.get(part, part)} of {results.data}"
        if isinstance(found, Evaluation):
            real = found.float_accuracy
            facts = [Fact("accuracy, fixed point", percent(found.accuracy), words)]
            if real is not None:
                facts.append(Fact("accuracy, float", percent(real), words))
            return facts
        if isinstance(found, Fit):
            return [
                Fact(f"R2 of {label}", f"{value:.3f}", words)
                for label, value in [*found.r2.items()][:3]
                if value is not None
            ]
    return []


def course_facts(course: Course) -> list[Fact]:
    """Return the most important figures of what a device learned."""
    found = [Fact("rows learned on the device", f"{course.rows:,}", ", ".join(course.boards))]
    accuracy = course.accuracy
    if accuracy is not None:
        words = "each before it was learned"
        found.append(Fact("right on the device", percent(accuracy), words))
    if course.warnings:
        found.append(Fact("warnings", str(len(course.warnings))))
    return found
