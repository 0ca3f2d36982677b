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
from ska_edge.rules.rule import ACTIVATIONS, RELU, RULES, SIGMOID, SIGNS
from ska_edge.training.defaults import (
    EPOCHS,
    HALVINGS,
    HIDDEN,
    LARGEST_RATE,
    LARGEST_SPREAD,
    MOST_RELU_SIGNS,
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
    Kind,
    Option,
    Scope,
    Situation,
    described,
    option,
)

ARITHMETICS = ("fixed", "float", "both")
RAW_TYPES = RAW_INTEGER, RAW_FLOAT = "integer", "float32"
NEED_CLASSES = {
    "reject": "finds rows of unknown classes",
    "prequential": "tests the class of each row",
    "spare_classes": "leaves outputs for later classes",
    "stored": "stores samples of each class",
    "per_class": "takes rows of each class",
    "stream_order": "blocked takes one class after the other",
}
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
        scope=Scope.LABELS,
        words=f"{EPOCHS}; regression: {REGRESSION_EPOCHS}",
        settle=lambda at: default_epochs(at.classes),
    )
    decay: int | None = option(
        help="How many times to halve the rate, at equal intervals.",
        kind=Kind.COUNT,
        least=0,
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
        unit="rows",
        words="all that are not held out",
        divides=True,
    )
    prequential: int | None = option(
        help="Learn this many rows as usual; then test and learn each of the other rows once, in"
        " the order of the data.",
        kind=Kind.COUNT,
        least=1,
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
            elif _DEFAULTS[name] is not None:
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

    def for_network(self, widths: tuple[int, ...], activation: str) -> Options:
        """Return the options for a network from another program, with these hidden layers.

        Raises OptionError for options that would change the network.
        """
        if self.hidden is not None and self.hidden != widths:
            raise OptionError(
                "{file} has hidden layers of {widths}, which cannot change; leave {hidden} out",
                file=self.start,
                widths=",".join(map(str, widths)) or "no neurons",
            )
        if self.spare_classes:
            raise OptionError(
                "{file} has no outputs to spare; leave {spare_classes} out", file=self.start
            )
        if self.activation not in (None, activation):
            raise OptionError(
                "the hidden layers of {file} become {found}, which cannot change; leave"
                " {activation} out",
                file=self.start,
                found=activation,
            )
        return replace(self, hidden=widths, activation=activation)

    def settled(self, inputs: int, classes: int, base: Plan | None = None) -> Options:
        """Return `filled` options; raise OptionError if they contradict each other."""
        self._check_given(base)
        whole = self.filled(inputs, classes, base)
        at = self._situation(inputs, classes, base)
        whole._check_scopes(at)
        whole._check_together(at)
        whole._check_activation()
        return whole

    def _situation(self, inputs: int, classes: int, base: Plan | None) -> Situation:
        kept = _kept(base)
        hidden = self.hidden if self.hidden is not None else kept.get("hidden", HIDDEN)
        relu = (self.activation or kept.get("activation")) == RELU
        if (self.task or kept.get("task")) == REGRESSION:
            classes = 0
        return Situation(
            labeled=RULES[self.rule or kept.get("rule", RULE)].supervised,
            inputs=inputs,
            classes=classes,
            epochs=self.epochs or default_epochs(classes),
            rectified=len(hidden) if relu else 0,
            hidden=0 if self.readout_only else len(hidden),
            drawn=bool(hidden) and self.start is None and self.init is None,
            repeated=self.repeated,
        )

    def filled(self, inputs: int, classes: int, base: Plan | None = None) -> Options:
        """Return the same options with all defaults filled in.

        `inputs` is the number of features of a row, and `classes` is the number of classes. Values
        of `base`, the plan of a continued model, take precedence over defaults.
        """
        at = self._situation(inputs, classes, base)
        kept = _kept(base)
        if self.stored == 0:
            kept.pop("relearned", None)
            kept.pop("buffer", None)
        elif self.spare_classes and base is None:
            kept.update(stored=SPARE_STORED, relearned=SPARE_RELEARNED)
        if self.readout_only:
            kept.pop("hidden_halvings", None)
        if self.device_decay == 0:
            kept.pop("decay_samples", None)
        missing = {
            name: kept.get(name, OPTIONS[name].default(at))
            for name in OPTIONS
            if getattr(self, name) is None
        }
        if self.spread == AUTO:
            missing["spread"] = auto_spread(inputs)
        return replace(self, **missing)

    def _check_given(self, base: Plan | None) -> None:
        """Refuse an option if another option, or the continued model, already decides it."""
        if base is not None and self.scale is not None:
            raise OptionError("{start} keeps the scaling of its model; leave {scale} out")
        if base is not None and self.raw not in (None, _kept(base)["raw"]):
            raise OptionError("{start} keeps the raw features of its model; leave {raw} out")
        if base is not None and self.spare_classes not in (None, base.spares):
            raise OptionError(
                "{start} keeps the spare classes of its model; leave {spare_classes} out"
            )
        if self.per_class is not None and self.test_fraction is not None:
            raise OptionError(
                "give {per_class} or {test_fraction}, not both: all rows beyond {per_class} are"
                " test rows"
            )
        if self.per_class is not None and self.split is not None:
            raise OptionError(
                "give {per_class} or {split}, not both: {per_class} takes rows at random"
            )

        for name in ("per_class", "test_fraction", "split", "reject"):
            if self.prequential is not None and getattr(self, name) is not None:
                raise OptionError(
                    f"give {{prequential}} or {{{name}}}, not both: {{prequential}} tests all rows"
                    " after the first ones, before it learns them"
                )

    def _check_scopes(self, at: Situation) -> None:
        """Refuse options that the rule does not use."""
        if self.start is not None and not at.labeled:
            raise OptionError(
                "{start} continues with labels, but {rule} {given} has none", given=self.rule
            )
        other = Scope.NO_LABELS if at.labeled else Scope.LABELS
        for name, each in OPTIONS.items():
            if each.scope is other and getattr(self, name) not in (
                _DEFAULTS[name],
                each.default(at),
            ):
                raise OptionError(
                    f"{{{name}}} is for rules {other.value}, not for {{given}}; leave it out",
                    given=self.rule,
                )

    def _check_together(self, at: Situation) -> None:
        if self.task == REGRESSION:
            self._check_regression()
        if self.decay and self.epochs and self.decay >= self.epochs:
            raise OptionError("{decay} is at least 0, and less than {epochs}")
        if self.relearned != 1 and not self.stored:
            raise OptionError(
                "{relearned} says how many stored samples are learned again; give {stored}"
            )
        if self.hidden_halvings and (not self.hidden or self.readout_only):
            raise OptionError(
                "{hidden_halvings} is for hidden layers that learn, and there are none; leave it"
                " out"
            )
        if self.device_decay and self.decay_samples is None:
            raise OptionError("{device_decay} needs {decay_samples}: how many samples to wait")
        if self.decay_samples is not None and not self.device_decay:
            raise OptionError("{decay_samples} needs a {device_decay} of at least 1")
        if self.device_decay and self.batch != 1:
            raise OptionError("{device_decay} is for single samples; leave {batch} out")
        if self.prequential and (self.arithmetic == "float" or self.batch != 1):
            raise OptionError(
                "{prequential} learns integers row by row, as a device does; leave {arithmetic} and"
                " {batch} out"
            )
        for name in (
            ("start", "prequential", "reject", "checkpoint", "log") if self.untrained else ()
        ):
            if getattr(self, name):
                raise OptionError(f"{{untrained}} keeps the initial weights; leave {{{name}}} out")
        if self.buffer != RESERVOIR and not self.stored:
            raise OptionError("{buffer} is the kind of the replay buffer; give {stored}")
        if self.normalized_step and self.batch != 1:
            raise OptionError("{normalized_step} is for single samples; leave {batch} out")
        if self.running_normalization and self.batch != 1:
            raise OptionError(
                "{running_normalization} is for devices, which learn single samples; leave {batch}"
                " out"
            )
        if self.log and at.labeled and self.arithmetic == "float":
            raise OptionError(
                "with {arithmetic} float, {log} needs {rule} published; otherwise use {arithmetic}"
                " both or fixed"
            )
        if not at.labeled and self.steps < 2:
            raise OptionError("{steps} is at least 2: the first step only records")
        if self.start is not None and self.init is not None:
            raise OptionError("give {start} or {init}, not both: both say where to start")
        if self.spread and (self.start is not None or self.init is not None):
            raise OptionError("{spread} is for new random weights; leave it out")
        if self.spread and not self.hidden:
            raise OptionError("{spread} is for hidden layers, and there are none; leave it out")

    def _check_regression(self) -> None:
        """Refuse options that a regression cannot have."""
        if self.rule == "code":
            raise OptionError(
                "{rule} code has a code for each class; for {task} regression, use {rule} local or"
                " feedback"
            )
        for name, why in NEED_CLASSES.items():
            if getattr(self, name) not in (None, 0, "iid", "as-is"):
                raise OptionError(
                    f"{{{name}}} {why}, and {{task}} regression has no classes; leave it out"
                )

    def _check_activation(self) -> None:
        if self.activation != RELU:
            return
        rule = RULES[self.rule or RULE]
        if not rule.rectifies:
            able = " or ".join(name for name, each in RULES.items() if each.rectifies)
            raise OptionError(
                f"{{activation}} {RELU} needs {{rule}} {able}; {{given}} has no error to pass back",
                given=rule.name,
            )
        if not self.hidden:
            raise OptionError("{activation} is for hidden layers, and there are none; leave it out")
        if rule.teacher == SIGNS and len(self.hidden) > MOST_RELU_SIGNS:
            raise OptionError(
                f"with {{rule}} {rule.name}, the activations of {RELU} grow from layer to layer:"
                f" {{hidden}} has at most {MOST_RELU_SIGNS} widths; or choose another {{rule}}"
            )

    def changes(self, base: Plan) -> dict[str, tuple[Any, Any]]:
        """Return the old and the new value of each option that differs in the continued model."""
        return {
            name: (before, getattr(self, name))
            for name, before in _kept(base).items()
            if before != getattr(self, name)
        }

    def notes(self) -> dict[str, Any]:
        """Return the options that affected the training as JSON values, with files as names."""
        return {name: _plain(getattr(self, name)) for name, each in OPTIONS.items() if each.noted}


OPTIONS: dict[str, Option] = described(Options)
"""Every option, by name."""
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Options)}


def _kept(base: Plan | None) -> dict[str, Any]:
    """Return the values that a continued model keeps, by option; none without a model."""
    if base is None:
        return {}
    found = {name: each.keep(base) for name, each in OPTIONS.items() if each.keep is not None}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    return list(value) if isinstance(value, tuple) else value


def default_words(name: str) -> str:
    """Return the default of an option as text."""
    return OPTIONS[name].words or str(_DEFAULTS[name])


def flag(name: str) -> str:
    """Return the name of an option on the command line; it need not be in `OPTIONS`."""
    return OPTIONS[name].flag(name) if name in OPTIONS else "--" + name.replace("_", "-")
