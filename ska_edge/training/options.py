"""Describes every training option, in one place.

To add an option, add a field here. The command line, the checks and the notes in model files follow
from the field. `make golden` writes the keywords of `ska_edge.train` and `ska_edge.Classifier`, and
the table in docs/LEARNING.md. The file is long, so that everything about an option is in one place.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ska_edge.data.split.kind import SPLITS
from ska_edge.data.targets import CLASSIFICATION, REGRESSION, TASKS
from ska_edge.errors import OptionError
from ska_edge.model.scaling import SCALINGS
from ska_edge.plan.check import (
    LARGEST_SEED,
    MOST_DECAYS,
    MOST_HALVINGS,
    MOST_NEURONS,
    MOST_REPLAYS,
    MOST_SAMPLES,
    MOST_SPARES,
)
from ska_edge.plan.margin import LIMIT
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import BUFFERS, RESERVOIR
from ska_edge.plan.resolve import PRECISION, RULE
from ska_edge.rules.rule import ACTIVATIONS, RULES, SIGMOID
from ska_edge.training.defaults import (
    EPOCHS,
    HALVINGS,
    HIDDEN,
    LARGEST_RATE,
    LARGEST_SPREAD,
    PUBLISHED_RATE,
    REGRESSION_EPOCHS,
    SPARE_RELEARNED,
    SPARE_STORED,
    TEST_FRACTION,
    TWO_HIDDEN,
    auto_spread,
    default_epochs,
    default_hidden_halvings,
    default_rate,
)
from ska_edge.training.option import (
    ALL_ROWS,
    AUTO,
    MOST_COUNT,
    Kind,
    Option,
    Scope,
    described,
    option,
)

ARITHMETICS = ("fixed", "float", "both")
RAW_TYPES = RAW_INTEGER, RAW_FLOAT = "integer", "float32"
STREAM_ORDERS = ("iid", "as-is", "blocked")


def labeled(plan: Plan) -> bool:
    """Tell whether a plan's rule has labels; otherwise rate and batch have another meaning."""
    return plan.rule_definition.supervised


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a training. None means not set; `settled` replaces None by the default.

    Raises OptionError for an invalid value.
    """

    rule: str | None = option(
        help="Learning rule.",
        kind=Kind.WORD,
        choices=tuple(RULES),
        words=RULE,
        settle=lambda _: RULE,
        keep=lambda plan: plan.rule,
        listed=True,
    )
    task: str | None = option(
        help="What to learn: classes, or numbers; the label columns are then targets.",
        python="What to learn: classes, or numbers; then y is (rows,), or (rows, targets).",
        kind=Kind.WORD,
        choices=TASKS,
        scope=Scope.LABELS,
        words=CLASSIFICATION,
        settle=lambda _: CLASSIFICATION,
        keep=lambda plan: REGRESSION if plan.regression else CLASSIFICATION,
        noted=False,  # because the plan has it
    )
    hidden: tuple[int, ...] | None = option(
        help="Widths of the hidden layers; '' for none.",
        python="Width of the hidden layer, or the widths of several; () for none.",
        kind=Kind.WIDTHS,
        least=1,
        most=MOST_NEURONS,
        unit="neurons",
        words=f"{HIDDEN[0]}; a second layer of {TWO_HIDDEN[1]} is added if the rate is found by"
        " trials and a trial with this layer is clearly better",
        settle=lambda _: HIDDEN,
        keep=lambda plan: plan.sizes[1:-1],
        listed=True,
    )
    activation: str | None = option(
        help="Activation of the hidden layers: sigmoid, scaled to -1 to 1; or relu, max(0, z).",
        kind=Kind.WORD,
        choices=ACTIVATIONS,
        scope=Scope.LABELS,
        words=SIGMOID,
        settle=lambda _: SIGMOID,
        keep=lambda plan: plan.activation,
        listed=True,
    )
    rate: float | Literal["auto"] | None = option(
        help="Learning rate; auto: the best of a few in short trials on the training rows.",
        kind=Kind.REAL,
        above=0,
        auto=True,
        words="auto for a new classifier that learns 200 rows or more, in a new order in every"
        f" epoch; otherwise about 8 / inputs, at most {LARGEST_RATE}; relu: 1/4 of that, 1/8 with"
        f" several hidden layers; published: the paper's eta, {PUBLISHED_RATE}",
        settle=lambda at: default_rate(at.inputs, at.rectified) if at.labeled else PUBLISHED_RATE,
        keep=lambda plan: plan.rate.real * plan.batch if labeled(plan) else None,
        listed=True,
    )
    hidden_halvings: int | None = option(
        help="How many times to halve the rate of the hidden layers, but not of the output layer.",
        kind=Kind.COUNT,
        least=0,
        most=MOST_HALVINGS,
        scope=Scope.LABELS,
        words="one for every doubling of the classes beyond 4; relu and regression: 0",
        settle=lambda at: (
            default_hidden_halvings(at.classes)
            if at.labeled and at.hidden and not at.rectified
            else 0
        ),
        keep=lambda plan: plan.hidden_halvings if labeled(plan) else None,
    )
    margin: float | None = option(
        help="A sample whose output errors are all below this changes no weight;"
        " 0: every sample learns.",
        kind=Kind.REAL,
        least=0,
        below=LIMIT,
        scope=Scope.LABELS,
        words="0",
        settle=lambda _: 0.0,
        keep=lambda plan: plan.real_margin if labeled(plan) else None,
        listed=True,
    )
    normalized_step: bool | None = option(
        help="Divide a sample's step by the power of two nearest to |x|^2/d, the mean square of its"
        " inputs, if that is above 1. It limits the harm of inputs that drift.",
        kind=Kind.FLAG,
        scope=Scope.LABELS,
        words="no",
        settle=lambda _: False,
        keep=lambda plan: plan.normalized if labeled(plan) else None,
    )
    running_normalization: bool | None = option(
        help="Normalize each input by a running mean and variance, which move with every sample"
        " that a device learns. They follow inputs that drift.",
        kind=Kind.FLAG,
        scope=Scope.LABELS,
        words="no",
        settle=lambda _: False,
        keep=lambda plan: plan.running_normalization if labeled(plan) else None,
    )
    precision: str | None = option(
        help="Bits of weights and activations.",
        kind=Kind.WORD,
        choices=tuple(PRECISIONS),
        words=PRECISION,
        settle=lambda _: PRECISION,
        keep=lambda plan: plan.precision,
        listed=True,
    )
    batch: int | Literal["all"] | None = option(
        help="Samples per update, or 'all'.",
        kind=Kind.ROWS,
        least=1,
        most=MOST_COUNT,
        unit="samples",
        words="1, as a device learns; published: all",
        settle=lambda at: 1 if at.labeled else ALL_ROWS,
        keep=lambda plan: plan.batch if labeled(plan) else None,
        listed=True,
    )
    epochs: int | None = option(
        help="Passes over the data.",
        kind=Kind.COUNT,
        least=1,
        most=MOST_COUNT,
        scope=Scope.LABELS,
        words=f"{EPOCHS}; regression: {REGRESSION_EPOCHS}",
        settle=lambda at: default_epochs(at.classes),
    )
    decay: int | None = option(
        help="How many times to halve the rate, at equal intervals.",
        kind=Kind.COUNT,
        least=0,
        most=MOST_COUNT,
        scope=Scope.LABELS,
        words=f"{HALVINGS}, but less than epochs; 0 for a continued model, and for rows in a fixed"
        " order",
        settle=lambda at: min(HALVINGS, at.epochs - 1) if at.labeled and at.repeated else 0,
        listed=True,
    )
    steps: int = option(
        50,
        help="Passes over the one batch; the first pass learns nothing.",
        kind=Kind.COUNT,
        least=1,
        most=MOST_COUNT,
        scope=Scope.NO_LABELS,
    )
    seed: int | None = option(
        help="Seed of the split, the initial weights, the order and all random numbers.",
        python="Seed of all random numbers, such as the initial weights and the order of samples.",
        kind=Kind.COUNT,
        least=0,
        most=LARGEST_SEED,
        words="0",
        settle=lambda _: 0,
        keep=lambda plan: plan.seed,
    )
    arithmetic: str = option(
        "both",
        help="Train in fixed point, in float, or both.",
        python='Train in "fixed" point, in "float", or "both"; predictions always use integers.',
        kind=Kind.WORD,
        choices=ARITHMETICS,
    )
    test_fraction: float | None = option(
        help="Fraction of rows to hold out; whole groups if the data have groups.",
        kind=Kind.REAL,
        noun="test fraction",
        divides=True,
        least=0,
        below=1,
        words=f"{TEST_FRACTION}; published: 0",
        settle=lambda at: TEST_FRACTION if at.labeled else 0.0,
    )
    reject: float | None = option(
        help="Share of the held-out rows that keep a class, so 0.95 calls 5% unknown, those of"
        " least confidence. 0: no row is unknown.",
        kind=Kind.REAL,
        noun="share",
        least=0,
        most=1,
        scope=Scope.LABELS,
        words="0",
        settle=lambda _: 0.0,
        held_out=True,
    )
    split: str | None = option(
        help="How rows are held out; docs/DATA.md describes the kinds.",
        python='How rows are held out: "random", "blocked", "group", "file", "own" or "plain";'
        " docs/DATA.md describes these kinds.",
        kind=Kind.WORD,
        choices=SPLITS,
        divides=True,
        words="what suits the data; never random for rows in the order of time",
    )
    scale: str | None = option(
        help="Scaling of the features.",
        kind=Kind.WORD,
        choices=SCALINGS,
        noun="scaling",
        words="standardize; published: none",
        settle=lambda at: "standardize" if at.labeled else "none",
    )
    raw: str | None = option(
        help="Features that a device standardizes by itself: integers, if all training features are"
        " integers, or float32.",
        kind=Kind.WORD,
        choices=RAW_TYPES,
        noun="type of raw features",
        words=RAW_INTEGER,
        settle=lambda _: RAW_INTEGER,
        keep=lambda plan: RAW_FLOAT if plan.raw_float else RAW_INTEGER,
    )
    stream_order: str = option(
        "iid",
        help="Order of the samples: shuffled in every epoch, as in the data, or class by class.",
        python='"iid" shuffles the samples anew in every epoch, "as-is" keeps the order of the'
        ' data, "blocked" takes one class after the other.',
        kind=Kind.WORD,
        choices=STREAM_ORDERS,
        scope=Scope.LABELS,
    )
    stored: int | None = option(
        help="Samples of each class that a replay buffer stores, to learn them again.",
        kind=Kind.COUNT,
        least=0,
        most=MOST_COUNT,
        unit="samples per class",
        scope=Scope.LABELS,
        words=f"0; {SPARE_STORED} with spare classes",
        settle=lambda _: 0,
        keep=lambda plan: plan.replay.per_class,
    )
    relearned: int | None = option(
        help="Stored samples to learn again with each new sample.",
        kind=Kind.COUNT,
        least=1,
        most=MOST_REPLAYS,
        unit="samples",
        scope=Scope.LABELS,
        words=f"1; {SPARE_RELEARNED} with spare classes",
        settle=lambda _: 1,
        keep=lambda plan: plan.replay.per_sample or 1,
    )
    buffer: str | None = option(
        help="Kind of the replay buffer: a reservoir stores samples of the whole past; a FIFO"
        " stores the last ones, for data whose classes change.",
        kind=Kind.WORD,
        choices=BUFFERS,
        scope=Scope.LABELS,
        words=RESERVOIR,
        settle=lambda _: RESERVOIR,
        keep=lambda plan: plan.replay.kind,
    )
    spare_classes: int | None = option(
        help="Outputs without a class, for classes that a device learns later (`ska-edge teach`).",
        python="Outputs without a class, for classes that a device learns later (`Device.teach`).",
        kind=Kind.COUNT,
        least=0,
        most=MOST_SPARES,
        scope=Scope.LABELS,
        words="0",
        settle=lambda _: 0,
        keep=lambda plan: plan.spares,
    )
    device_decay: int | None = option(
        help="How many times a device halves its rate while it learns.",
        kind=Kind.COUNT,
        least=0,
        most=MOST_DECAYS,
        scope=Scope.LABELS,
        words="0: the rate stays, as a stream without end needs it",
        settle=lambda _: 0,
        keep=lambda plan: plan.decay.times,
    )
    decay_samples: int | None = option(
        help="Samples that a device learns from one of these halvings to the next.",
        kind=Kind.COUNT,
        least=1,
        most=MOST_SAMPLES,
        unit="samples",
        scope=Scope.LABELS,
        words="none",
        keep=lambda plan: plan.decay.samples or None,
    )
    readout_only: bool | None = option(
        help="Only the output layer learns.",
        kind=Kind.FLAG,
        scope=Scope.LABELS,
        words="no",
        settle=lambda _: False,
        keep=lambda plan: 0 < plan.hidden == plan.first_learned,
    )
    group: int | str | None = option(
        help="Learn only from the rows of this group, by its name or number.",
        kind=Kind.GROUP,
        words="all groups",
        divides=True,
    )
    per_class: int | None = option(
        help="Learn from this many rows of each class; all others are test rows.",
        kind=Kind.COUNT,
        least=1,
        most=MOST_COUNT,
        unit="rows",
        words="all that are not held out",
        divides=True,
    )
    prequential: int | None = option(
        help="Learn this many rows as usual; then test and learn each of the other rows once, in"
        " the order of the data.",
        kind=Kind.COUNT,
        least=1,
        most=MOST_COUNT,
        unit="rows",
        scope=Scope.LABELS,
        words="all rows as usual",
        divides=True,
    )
    untrained: bool = option(
        False,
        help="Keep the initial weights, for a device that learns from nothing; the training only"
        " chooses the rate and the formats.",
        kind=Kind.FLAG,
        scope=Scope.LABELS,
    )
    start: Path | None = option(
        help="Model, or its integer ONNX, to continue from with its options; or a network in an"
        " ONNX file of another program.",
        python="Model file, or its integer ONNX file, to continue from; or the ONNX file of a"
        " network from another program. A model keeps the options that are part of its plan, such"
        " as rule and rate, unless you name others. A network keeps its sizes and its activation.",
        kind=Kind.FILE,
        scope=Scope.LABELS,
        words="none",
        spelled="from",
        noted=False,  # training from a model or from its ONNX file gives the same bytes
    )
    spread: float | Literal["auto"] | None = option(
        help="Factor of the first hidden layer's initial weights, and limit of its random biases;"
        " auto: 10 / sqrt(inputs), between 1 and 3; 0: a factor of 1, and biases of 0.",
        kind=Kind.REAL,
        least=0,
        most=LARGEST_SPREAD,
        auto=True,
        scope=Scope.LABELS,
        words=f"{AUTO}; relu and regression: 1, and biases of 0",
        settle=lambda at: (
            auto_spread(at.inputs)
            if at.labeled and at.drawn and at.classes and not at.rectified
            else None
        ),
    )
    init: Path | None = option(
        help="npz with W0, b0, W1, ... to start from.",
        kind=Kind.FILE,
        words="random weights",
    )
    checkpoint: Path | None = option(
        help="Model file for what is learned so far, in case training is stopped.",
        python="Model file for what is learned so far; it is written twice a minute, and when"
        " Ctrl-C stops the training.",
        kind=Kind.FILE,
        words="none",
        noted=False,
    )
    log: Path | None = option(
        help="JSONL file for the metrics of every step.",
        kind=Kind.FILE,
        words="none",
        noted=False,
    )

    def __post_init__(self) -> None:
        for name, each in OPTIONS.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, each.checked(name, value))
            elif DEFAULTS[name] is not None:
                raise OptionError(f"{{{name}}} is {each.kind.value}, not None")

    def untried(self) -> Options:
        """Return the same options, with the default rate in place of "auto"."""
        return replace(self, rate=None) if self.rate == AUTO else self

    @property
    def may_try(self) -> bool:
        """Whether the default rate may come from trials.

        The default may come from trials if a new classifier learns in several epochs, with a new
        order in every epoch.
        """
        supervised = RULES[self.rule or RULE].supervised
        classes = supervised and self.task != REGRESSION
        return self.rate is None and classes and self.repeated and self.epochs != 1

    @property
    def repeated(self) -> bool:
        """Whether a new model learns the rows in a new order in every epoch."""
        return self.start is None and self.stream_order == "iid"

    def notes(self) -> dict[str, Any]:
        """Return the options that affected the training as JSON values, with files as names."""
        return {name: _plain(getattr(self, name)) for name, each in OPTIONS.items() if each.noted}


OPTIONS: dict[str, Option] = described(Options)
"""Every option, by name."""
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Options)}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    return list(value) if isinstance(value, tuple) else value


def default_words(name: str) -> str:
    """Return the default of an option as text."""
    return OPTIONS[name].words or str(DEFAULTS[name])


def flag(name: str) -> str:
    """Return the name of an option on the command line; it need not be in `OPTIONS`."""
    return OPTIONS[name].flag(name) if name in OPTIONS else "--" + name.replace("_", "-")
