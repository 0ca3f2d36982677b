"""Scales the targets of a regression, and compares a network's outputs with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.model.scaling import Scaling
from ska_edge.network.output import DEVIATIONS

Reals = NDArray[np.float64]
Figures = dict[str, float | None]
"""A figure of each target, by its name; None if it is not defined."""


def fit_units(targets: Reals) -> Scaling:
    """Return the scaling of targets (n, targets): mean 0, and a standard deviation of 1/2."""
    fitted = Scaling.fit(targets, "standardize")
    return Scaling(fitted.mean, DEVIATIONS * fitted.scale)


def r2(truth: Reals, values: Reals) -> list[float | None]:
    """Return R2 of each target, from truth and values (n, targets).

    It is 1 without any error, and 0 if the values are as good as the mean of the truth. It is None
    for a target that is constant in these rows.
    """
    left = ((truth - values) ** 2).sum(axis=0).tolist()
    whole = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0).tolist()
    moves = np.ptp(truth, axis=0).tolist()
    return [
        1 - a / b if move and b else None for a, b, move in zip(left, whole, moves, strict=True)
    ]


def mean_r2(truth: Reals, values: Reals) -> float:
    """Return the mean of R2 over the targets that are not constant; 0 if all are constant."""
    found = [each for each in r2(truth, values) if each is not None]
    return float(np.mean(found)) if found else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The result of a regression on rows with targets, in the unit of the data.

    Attributes:
        labels: names of the targets.
        rows: number of rows.
        r2, mae: R2 and the mean absolute error of the integers, of each target by name. R2 is 1
            without any error, and 0 if the values are as good as the mean of the target; it is None
            for a target that is constant in these rows.
        float_r2, float_mae: the same of the float twin; None if the model has no twin.
    """

    labels: tuple[str, ...]
    rows: int
    r2: Figures
    mae: Figures
    float_r2: Figures | None = None
    float_mae: Figures | None = None

    @classmethod
    def of(
        cls, labels: tuple[str, ...], truth: Reals, values: Reals, real: Reals | None = None
    ) -> Fit:
        """Compare values of the integers, and of the float twin, with the truth, (n, targets)."""
        measured = [_figures(labels, truth, values)]
        measured.append((None, None) if real is None else _figures(labels, truth, real))
        (fixed_r2, fixed_mae), (float_r2, float_mae) = measured
        assert fixed_r2 is not None and fixed_mae is not None
        return cls(labels, len(truth), fixed_r2, fixed_mae, float_r2, float_mae)

    def as_dict(self) -> dict[str, Any]:
        """Return the number of rows, as plain data for JSON."""
        return {"rows": self.rows}


def _figures(
    labels: tuple[str, ...], truth: Reals, values: Reals
) -> tuple[Figures | None, Figures | None]:
    errors = np.abs(truth - values).mean(axis=0).tolist()
    return dict(zip(labels, r2(truth, values), strict=True)), dict(zip(labels, errors, strict=True))
