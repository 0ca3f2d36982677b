"""Measures the accuracy of a model's integers and of its float twin."""

from __future__ import annotations

from ska_edge.data.dataset import Dataset
from ska_edge.model.model_file import Model
from ska_edge.network.trainer import FixedTrainer
from ska_edge.rules.reference import accuracy

Accuracy = dict[str, dict[str, float | None]]
"""Fractions by arithmetic ("fixed" and "float"), then by the name of the data set."""


def accuracies(model: Model, parts: dict[str, Dataset]) -> Accuracy:
    """Return the accuracies of the integers and of the float twin on named data sets.

    An accuracy is None for an empty data set, a missing float twin, or a rule without labels, whose
    outputs do not represent classes.
    """
    found: Accuracy = {"float": {}, "fixed": {}}
    trainer = FixedTrainer(model.state)
    for name, part in parts.items():
        useful = len(part.y) > 0 and model.plan.rule_definition.supervised
        found["fixed"][name] = (
            accuracy(trainer.infer(model.quantize(part.x)), part.y) if useful else None
        )
        found["float"][name] = (
            accuracy(model.float_decisions(part.x), part.y)
            if useful and model.reference is not None
            else None
        )
    return found
