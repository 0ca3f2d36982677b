"""Measures the accuracy of a model's integers and of its float twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.row_blocks import row_blocks
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.model_file import Model
from ska_edge.model.regression import Fit
from ska_edge.network.trainer import FixedTrainer
from ska_edge.rules.reference import accuracy

Accuracy = dict[str, dict[str, float | None]]
"""Fractions by arithmetic ("fixed" and "float"), then by the name of the data set."""


Figure = dict[str, dict[str, dict[str, float | None] | None]]
"""Figures of targets by arithmetic, by the name of the data set, then by target."""


def evaluations(model: Model, parts: Mapping[str, Dataset]) -> dict[str, Evaluation | Fit | None]:
    """Evaluate a model on named data sets.

    The evaluation of an empty data set is None. For a rule without labels, every evaluation is
    None, because the outputs do not represent classes.
    """
    found: dict[str, Evaluation | Fit | None] = {}
    trainer = FixedTrainer(model.state)
    for name, part in parts.items():
        if not (len(part.y) and model.plan.rule_definition.supervised):
            found[name] = None
            continue
        if part.targets is not None:
            found[name] = cast(Fit, model.evaluate(part))
            continue
        blocks = [part.x[block] for block in row_blocks(len(part.y))]
        integers = np.concatenate([trainer.infer(model.quantize(block)) for block in blocks])
        real = None
        if model.reference is not None:
            decisions = np.concatenate([model.float_decisions(block) for block in blocks])
            real = accuracy(decisions, part.y)
        found[name] = model.judged(part.y, integers, real)
    return found


def fractions(found: Mapping[str, Evaluation | Fit | None]) -> Accuracy:
    """Return the accuracies of evaluations; None without an evaluation, a float twin or classes."""
    classes = {name: each if isinstance(each, Evaluation) else None for name, each in found.items()}
    return {
        "float": {name: each.float_accuracy if each else None for name, each in classes.items()},
        "fixed": {name: each.accuracy if each else None for name, each in classes.items()},
    }


def figures(found: Mapping[str, Evaluation | Fit | None]) -> dict[str, Figure]:
    """Return R2 and the mean absolute error of a regression, as "r2" and "mae"; {} for classes."""
    fits = {name: each for name, each in found.items() if isinstance(each, Fit)}
    if not fits:
        return {}
    return {
        figure: {
            "float": {name: _figure(fits.get(name), f"float_{figure}") for name in found},
            "fixed": {name: _figure(fits.get(name), figure) for name in found},
        }
        for figure in ("r2", "mae")
    }


def _figure(fit: Fit | None, name: str) -> dict[str, float | None] | None:
    return None if fit is None else getattr(fit, name)


def accuracies(model: Model, parts: Mapping[str, Dataset]) -> Accuracy:
    """Return the accuracies of the integers and of the float twin on named data sets."""
    return fractions(evaluations(model, parts))
