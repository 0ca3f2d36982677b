"""Refuses training options that contradict each other, the rule, or the model to continue.

Every check raises OptionError.
"""

from __future__ import annotations

from ska_edge.data.targets import REGRESSION
from ska_edge.errors import OptionError
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import RESERVOIR
from ska_edge.plan.resolve import RULE
from ska_edge.rules.rule import RELU, RULES, SIGNS
from ska_edge.training.defaults import MOST_RELU_SIGNS
from ska_edge.training.option import Scope, Situation
from ska_edge.training.options import DEFAULTS, OPTIONS, RAW_FLOAT, RAW_INTEGER, Options

NEED_CLASSES = {
    "reject": "finds rows of unknown classes",
    "prequential": "tests the class of each row",
    "spare_classes": "leaves outputs for later classes",
    "stored": "stores samples of each class",
    "per_class": "takes rows of each class",
    "stream_order": "blocked takes one class after the other",
}


def check_given(options: Options, base: Plan | None) -> None:
    """Refuse an option if another option, or the continued model, already decides it."""
    if base is not None and options.scale is not None:
        raise OptionError("{start} keeps the scaling of its model; leave {scale} out")
    if base is not None and options.raw not in (None, RAW_FLOAT if base.raw_float else RAW_INTEGER):
        raise OptionError("{start} keeps its model's type of raw features; leave {raw} out")
    if base is not None and options.spare_classes not in (None, base.spares):
        raise OptionError("{start} keeps the spare classes of its model; leave {spare_classes} out")
    if options.per_class is not None and options.test_fraction is not None:
        raise OptionError(
            "give {per_class} or {test_fraction}, not both: all rows beyond {per_class} are"
            " test rows"
        )
    if options.per_class is not None and options.split is not None:
        raise OptionError("give {per_class} or {split}, not both: {per_class} takes rows at random")

    for name in ("per_class", "test_fraction", "split", "reject"):
        if options.prequential is not None and getattr(options, name) is not None:
            raise OptionError(
                f"give {{prequential}} or {{{name}}}, not both: {{prequential}} tests all rows"
                " after the first ones, before it learns them"
            )


def check_scopes(options: Options, at: Situation) -> None:
    """Refuse options that the rule does not use."""
    if options.start is not None and not at.labeled:
        raise OptionError(
            "{start} continues with labels, but {rule} {given} has none", given=options.rule
        )
    other = Scope.NO_LABELS if at.labeled else Scope.LABELS
    for name, each in OPTIONS.items():
        if each.scope is other and getattr(options, name) not in (
            DEFAULTS[name],
            each.default(at),
        ):
            raise OptionError(
                f"{{{name}}} is for rules {other.value}, not for {{given}}; leave it out",
                given=options.rule,
            )


def check_together(options: Options, at: Situation) -> None:
    """Refuse options that do not fit each other, or that nothing uses."""
    if options.task == REGRESSION:
        _check_regression(options)
    if options.decay and options.epochs and options.decay >= options.epochs:
        raise OptionError("{decay} is at least 0, and less than {epochs}")
    if options.relearned != 1 and not options.stored:
        raise OptionError(
            "{relearned} says how many stored samples are learned again; give {stored}"
        )
    if options.hidden_halvings and (not options.hidden or options.readout_only):
        raise OptionError(
            "{hidden_halvings} is for hidden layers that learn, and there are none; leave it out"
        )
    if options.device_decay and options.decay_samples is None:
        raise OptionError("{device_decay} needs {decay_samples}: how many samples to wait")
    if options.decay_samples is not None and not options.device_decay:
        raise OptionError("{decay_samples} needs a {device_decay} of at least 1")
    if options.device_decay and options.batch != 1:
        raise OptionError("{device_decay} is for single samples; leave {batch} out")
    if options.prequential and (options.arithmetic == "float" or options.batch != 1):
        raise OptionError(
            "{prequential} learns integers row by row, as a device does; leave {arithmetic} and"
            " {batch} out"
        )
    for name in (
        ("start", "prequential", "reject", "checkpoint", "log") if options.untrained else ()
    ):
        if getattr(options, name):
            raise OptionError(f"{{untrained}} keeps the initial weights; leave {{{name}}} out")
    if options.buffer != RESERVOIR and not options.stored:
        raise OptionError("{buffer} is the kind of the replay buffer; give {stored}")
    if options.normalized_step and options.batch != 1:
        raise OptionError("{normalized_step} is for single samples; leave {batch} out")
    if options.running_normalization and options.batch != 1:
        raise OptionError(
            "{running_normalization} is for devices, which learn single samples; leave {batch} out"
        )
    if options.log and at.labeled and options.arithmetic == "float":
        raise OptionError(
            "with {arithmetic} float, {log} needs {rule} published; otherwise use {arithmetic}"
            " both or fixed"
        )
    if not at.labeled and options.steps < 2:
        raise OptionError("{steps} is at least 2: the first step only records")
    if options.start is not None and options.init is not None:
        raise OptionError("give {start} or {init}, not both: both say where to start")
    if options.spread and (options.start is not None or options.init is not None):
        raise OptionError("{spread} is for new random weights; leave it out")
    if options.spread and not options.hidden:
        raise OptionError("{spread} is for hidden layers, and there are none; leave it out")


def _check_regression(options: Options) -> None:
    """Refuse options that a regression cannot have."""
    if options.rule == "code":
        raise OptionError(
            "{rule} code has a code for each class; for {task} regression, use {rule} local or"
            " feedback"
        )
    for name, why in NEED_CLASSES.items():
        if getattr(options, name) not in (None, 0, "iid", "as-is"):
            raise OptionError(
                f"{{{name}}} {why}, and {{task}} regression has no classes; leave it out"
            )


def check_activation(options: Options) -> None:
    """Refuse ReLU where the rule or the hidden layers do not allow it."""
    if options.activation != RELU:
        return
    rule = RULES[options.rule or RULE]
    if not rule.rectifies:
        able = " or ".join(name for name, each in RULES.items() if each.rectifies)
        raise OptionError(
            f"{{activation}} {RELU} needs {{rule}} {able}; {{given}} has no error to pass back",
            given=rule.name,
        )
    if not options.hidden:
        raise OptionError("{activation} is for hidden layers, and there are none; leave it out")
    if rule.teacher == SIGNS and len(options.hidden) > MOST_RELU_SIGNS:
        raise OptionError(
            f"with {{rule}} {rule.name}, the activations of {RELU} grow from layer to layer:"
            f" {{hidden}} has at most {MOST_RELU_SIGNS} widths; or choose another {{rule}}"
        )
