"""Settles training options: fills in what a continued model keeps, and the defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ska_edge.data.targets import REGRESSION
from ska_edge.errors import OptionError
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import RULE
from ska_edge.rules.rule import RELU, RULES
from ska_edge.training.contradictions import (
    check_activation,
    check_given,
    check_scopes,
    check_together,
)
from ska_edge.training.defaults import (
    HIDDEN,
    SPARE_RELEARNED,
    SPARE_STORED,
    auto_spread,
    default_epochs,
)
from ska_edge.training.option import AUTO, Situation
from ska_edge.training.options import OPTIONS, Options


def settled(options: Options, inputs: int, classes: int, base: Plan | None = None) -> Options:
    """Return `filled` options; raise OptionError if they contradict each other."""
    check_given(options, base)
    whole = filled(options, inputs, classes, base)
    at = _situation(options, inputs, classes, base)
    check_scopes(whole, at)
    check_together(whole, at)
    check_activation(whole)
    return whole


def filled(options: Options, inputs: int, classes: int, base: Plan | None = None) -> Options:
    """Return the same options with all defaults filled in.

    `inputs` is the number of features of a row, and `classes` is the number of classes. Values
    of `base`, the plan of a continued model, take precedence over defaults.
    """
    at = _situation(options, inputs, classes, base)
    kept = _kept(base)
    if options.stored == 0:
        kept.pop("relearned", None)
        kept.pop("buffer", None)
    elif options.spare_classes and base is None:
        kept.update(stored=SPARE_STORED, relearned=SPARE_RELEARNED)
    if options.readout_only:
        kept.pop("hidden_halvings", None)
    if options.device_decay == 0:
        kept.pop("decay_samples", None)
    missing = {
        name: kept.get(name, OPTIONS[name].default(at))
        for name in OPTIONS
        if getattr(options, name) is None
    }
    if options.spread == AUTO:
        missing["spread"] = auto_spread(inputs)
    return replace(options, **missing)


def for_network(options: Options, widths: tuple[int, ...], activation: str) -> Options:
    """Return the options for a network from another program, with these hidden layers.

    Raises OptionError for options that would change the network.
    """
    if options.hidden is not None and options.hidden != widths:
        raise OptionError(
            "{file} has hidden layers of {widths}, which cannot change; leave {hidden} out",
            file=options.start,
            widths=",".join(map(str, widths)) or "no neurons",
        )
    if options.spare_classes:
        raise OptionError(
            "{file} has no outputs to spare; leave {spare_classes} out", file=options.start
        )
    if options.activation not in (None, activation):
        raise OptionError(
            "the hidden layers of {file} become {found}, which cannot change; leave"
            " {activation} out",
            file=options.start,
            found=activation,
        )
    return replace(options, hidden=widths, activation=activation)


def changes(options: Options, base: Plan) -> dict[str, tuple[Any, Any]]:
    """Return the old and the new value of each option that differs in the continued model."""
    return {
        name: (before, getattr(options, name))
        for name, before in _kept(base).items()
        if before != getattr(options, name)
    }


def _situation(options: Options, inputs: int, classes: int, base: Plan | None) -> Situation:
    kept = _kept(base)
    hidden = options.hidden if options.hidden is not None else kept.get("hidden", HIDDEN)
    relu = (options.activation or kept.get("activation")) == RELU
    if (options.task or kept.get("task")) == REGRESSION:
        classes = 0
    return Situation(
        labeled=RULES[options.rule or kept.get("rule", RULE)].supervised,
        inputs=inputs,
        classes=classes,
        epochs=options.epochs or default_epochs(classes),
        rectified=len(hidden) if relu else 0,
        hidden=0 if options.readout_only else len(hidden),
        drawn=bool(hidden) and options.start is None and options.init is None,
        repeated=options.repeated,
    )


def _kept(base: Plan | None) -> dict[str, Any]:
    """Return the values that a continued model keeps, by option; none without a model."""
    if base is None:
        return {}
    found = {name: each.keep(base) for name, each in OPTIONS.items() if each.keep is not None}
    return {name: value for name, value in found.items() if value is not None}
