"""Finds the confidence below which the class of a row is unknown."""

from __future__ import annotations

from dataclasses import replace

from ska_edge.data.dataset import Dataset
from ska_edge.model.model_file import Model
from ska_edge.plan.check import check_plan
from ska_edge.rules.confidence import confidences, least_confidence


def with_rejection(model: Model, held_out: Dataset, share: float) -> Model:
    """Return the same model with a least confidence, chosen on held-out rows.

    At least `share` of these rows have this confidence; `share` is above 0 and at most 1. The other
    parts of the plan stay the same. Raises InputError as `check_plan` does.
    """
    found = least_confidence(confidences(model.decisions(held_out.x)), share)
    plan = replace(model.plan, least_confidence=found)
    check_plan(plan)
    return replace(model, plan=plan, state=model.state.learned(plan))
