"""How to train: the options of `ska-edge train` as checked data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ska_edge.errors import InputError
from ska_edge.rules.rule import RULES

ARITHMETICS = ("fixed", "float", "both")
LARGEST_RATE = 0.125
STREAM_ORDERS = ("iid", "as-is", "blocked")


@dataclass(frozen=True, slots=True)
class Options:
    """How to train; None where the default depends on the rule, or on the model to start from.

    Attributes:
        rule, precision: names in `rule.RULES` and `precision.PRECISIONS`; local and w16a8.
        hidden: widths of the hidden layers; 64, 32.
        epochs: passes over the data (rules with labels).
        rate: learning rate; for `published` the paper's eta. `default_rate`, or 0.01.
        decay: how often the rate is halved, in equal parts of the epochs.
        batch: samples an update; None is 1, or all rows for rules without labels.
        steps: passes of the held batch, for rules without labels.
        seed: of the split, the initial weights, the order of the samples and what is drawn.
        arithmetic: one of `ARITHMETICS`.
        test_fraction: held out; whole groups where the data have groups. 0.2, or 0 for rules
            without labels.
        scale: one of `quantize.SCALINGS`. standardize, or none for rules without labels.
        stream_order: `iid`: shuffled anew every epoch; `as-is`: as the data stand in their file;
            `blocked`: one class after the other.
        replay: samples of a class that are kept to be learned again; 0 for none.
        replays: how many of them are learned again with each new sample.
        readout_only: hidden layers stay as they are.
        start: a model file to go on from.
        group: learn from the rows of this group alone.
        per_class: learn from so many rows of each class; all others are test rows.
        init: npz with W0, b0, W1, ... to start from.
        log: JSONL file with the metrics of every step.
    """

    rule: str | None = None
    precision: str | None = None
    hidden: tuple[int, ...] | None = None
    epochs: int = 20
    rate: float | None = None
    decay: int = 0
    batch: int | None = None
    steps: int = 50
    seed: int = 0
    arithmetic: str = "both"
    test_fraction: float | None = None
    scale: str | None = None
    stream_order: str = "iid"
    replay: int = 0
    replays: int = 1
    readout_only: bool = False
    start: Path | None = None
    group: int | None = None
    per_class: int | None = None
    init: Path | None = None
    log: Path | None = None

    def resolved(self, inputs: int, like: dict[str, Any] | None = None) -> Options:
        """The same options with every default in its place, except `batch`; `like` goes before.

        `inputs` are the features that a sample has.

        Raises InputError for nonsense.
        """
        rule = self.rule or (like or {}).get("rule", "local")
        if rule not in RULES:
            raise InputError(f"no rule {rule!r}; there are {', '.join(RULES)}")
        labeled = RULES[rule].supervised
        defaults: dict[str, Any] = {
            "rule": rule,
            "precision": "w16a8",
            "hidden": (64, 32),
            "rate": default_rate(inputs) if labeled else 0.01,
            "test_fraction": 0.2 if labeled else 0.0,
            "scale": "standardize" if labeled else "none",
            **(like or {}),
        }
        missing = {name: v for name, v in defaults.items() if getattr(self, name) is None}
        whole = replace(self, **missing)
        whole._check(labeled)
        return whole

    def _check(self, labeled: bool) -> None:
        if self.arithmetic not in ARITHMETICS:
            raise InputError(
                f"no arithmetic {self.arithmetic!r}; there are {', '.join(ARITHMETICS)}"
            )
        if self.stream_order not in STREAM_ORDERS:
            raise InputError(
                f"no stream order {self.stream_order!r}; there are {', '.join(STREAM_ORDERS)}"
            )
        if self.epochs < 1:
            raise InputError("--epochs is at least 1")
        if self.seed < 0:
            raise InputError("--seed is at least 0")
        if self.batch is not None and self.batch < 1:
            raise InputError("--batch is at least 1")
        if not 0 <= self.decay < self.epochs and self.decay:
            raise InputError("--decay is at least 0, and less than --epochs")
        if self.replay < 0 or self.replays < 1:
            raise InputError("--replay is at least 0 and --replays at least 1")
        if self.per_class is not None and self.per_class < 1:
            raise InputError("--per-class is at least 1")
        if self.log and labeled and self.arithmetic == "float":
            raise InputError(
                "--log in float needs the rule published; use --arithmetic both or fixed"
            )
        if not labeled and self.steps < 2:
            raise InputError("--steps is at least 2: the first step only records")
        if self.start is not None and self.init is not None:
            raise InputError("give --from or --init, not both: both say where to start")
        if self.start is not None and not labeled:
            raise InputError(f"--from goes on with labels; rule {self.rule} has none")


def default_rate(inputs: int) -> float:
    """The power of two next to 8 / inputs, at most 0.125.

    A step changes a knowledge by rate * delta * |a|^2, and standardized inputs have |a|^2 of about
    their number: so much keeps a step from overshooting.
    """
    return min(LARGEST_RATE, 2.0 ** round(math.log2(8 / inputs)))
