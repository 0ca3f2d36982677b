"""Defines the columns of the commands' tables, with the explanations for help and docs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from ska_edge.network.measures.metrics import LayerMetrics
from ska_edge.report.model_tables import PROOF, RANGES, TENSORS
from ska_edge.report.table import Column


@dataclass(frozen=True, slots=True)
class Metric(Column):
    """A column of the table of layers.

    Attributes:
        value: returns the number for the metrics of a layer.
        form: format of the number in a cell.
    """

    value: Callable[[LayerMetrics], float]
    form: str

    def text(self, metrics: LayerMetrics) -> str:
        """Return the cell for the metrics of a layer."""
        return format(self.value(metrics), self.form)


LAYER = Column("layer", "number of the layer, from 0; in parentheses, how many neurons it has")
METRICS = (
    Metric(
        "entropy",
        "entropy of the last step: -(1/ln 2) times the sum of z times shift over the neurons;"
        " the shift is the change of the decisions that the rule asks for",
        lambda m: m.entropy,
        ".3f",
    ),
    Metric(
        "cosine",
        "cosine between z and the shift, -1 to 1; positive: the step enlarges z",
        lambda m: m.cosine,
        "+.3f",
    ),
    Metric("|z|", "norm of the knowledge z = W a + b", lambda m: m.z_norm, ".2f"),
    Metric("|W|", "norm of the weights after the step", lambda m: m.w_norm, ".2f"),
    Metric(
        "z saturated",
        "share of knowledge values at a limit of their format; if it is large, the rate is too"
        " large",
        lambda m: m.z_saturated,
        ".1%",
    ),
    Metric(
        "zero updates",
        "share of weights whose update rounds to 0; if nearly all, the layer learns nothing any"
        " more, or has nothing left to learn",
        lambda m: m.zero_updates,
        ".1%",
    ),
)
LAYERS = (LAYER, *METRICS)
"""Columns of the table for one device, a row per layer."""
HELD_OUT = Column("held out", "how many of the held-out rows the device classified correctly")
DEVICES = (
    Column("port", "port of the device"),
    Column("board", "name of the device's board"),
    Column("samples", "rows learned in this session, of the rows to learn"),
    Column("right", "rows whose class the device decided correctly before it learned them"),
    HELD_OUT,
    Column("samples/s", "rows per second, recently"),
    Column(
        "warnings",
        "how many signs of poor learning, of forgetting and of drift were seen, and how many times"
        " the device lost what it had learned",
    ),
    Column("state", "connecting, learning, waiting (for a lost device), ended or failed"),
)
"""Columns of the table for several devices, a row per device."""


SWEEP = (
    Column("seeds", "number of seeds whose training succeeded"),
    Column("float test, %", "test accuracy of the float twin: mean and standard deviation"),
    Column("fixed test, %", "test accuracy of the integers: mean and standard deviation"),
    Column("largest gap", "largest difference between the two for one seed, in percentage points"),
)
"""Columns of the table of a sweep, after one column for each option that differs."""


class Explained(click.Command):
    """A command whose help explains the columns of its tables."""

    TABLES: tuple[tuple[str, Sequence[Column]], ...] = (("Columns", LAYERS),)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the columns."""
        super().format_options(ctx, formatter)
        for title, columns in self.TABLES:
            with formatter.section(title):
                formatter.write_dl([(column.title, column.meaning) for column in columns])


class ExplainedFleet(Explained):
    """A command that also explains the columns of its table of several devices."""

    TABLES = (("Columns (one device)", LAYERS), ("Columns (several devices)", DEVICES))


class ExplainedModel(Explained):
    """A command that explains the columns of its tables of a model."""

    TABLES = (
        ("Columns (tensors)", TENSORS),
        ("Columns (ranges during training)", RANGES),
        ("Columns (range proof)", PROOF),
    )


class ExplainedSweep(Explained):
    """A command that explains the columns of its table of combinations."""

    TABLES = (("Columns (after the options that differ)", SWEEP),)
