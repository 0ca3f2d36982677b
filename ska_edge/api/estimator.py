"""Defines what the scikit-learn estimators share: their parameters, and their checks of features.

`make golden` writes the parameters from the training options.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.targets import CLASSIFICATION, REGRESSION
from ska_edge.errors import InputError, ToolError
from ska_edge.extras import how_to_install
from ska_edge.model.model_file import Model
from ska_edge.plural import counted
from ska_edge.rules.rule import RULES
from ska_edge.training.options import Options

try:
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ToolError(
        "ska_edge.Classifier and Regressor need scikit-learn 1.6 or newer:"
        f" {how_to_install('sklearn')}"
    ) from error


NOUN = {CLASSIFICATION: "classes", REGRESSION: "numbers"}


class Estimator(BaseEstimator):  # type: ignore[misc]
    """A network that is trained in fixed point, as a scikit-learn estimator."""

    model_: Model
    n_features_in_: int

    def __init__(
        self,
        *,
        rule: str | None = None,
        hidden: int | Sequence[int] | None = None,
        activation: str | None = None,
        rate: float | Literal["auto"] | None = None,
        hidden_halvings: int | None = None,
        margin: float | None = None,
        normalized_step: bool | None = None,
        running_normalization: bool | None = None,
        precision: str | None = None,
        batch: int | Literal["all"] | None = None,
        epochs: int | None = None,
        decay: int | None = None,
        seed: int | None = None,
        arithmetic: str = "both",
        scale: str | None = None,
        raw: str | None = None,
        stream_order: str = "iid",
        stored: int | None = None,
        relearned: int | None = None,
        buffer: str | None = None,
        spare_classes: int | None = None,
        device_decay: int | None = None,
        decay_samples: int | None = None,
        readout_only: bool | None = None,
        untrained: bool = False,
        spread: float | Literal["auto"] | None = None,
    ) -> None:
        self.rule = rule
        self.hidden = hidden
        self.activation = activation
        self.rate = rate
        self.hidden_halvings = hidden_halvings
        self.margin = margin
        self.normalized_step = normalized_step
        self.running_normalization = running_normalization
        self.precision = precision
        self.batch = batch
        self.epochs = epochs
        self.decay = decay
        self.seed = seed
        self.arithmetic = arithmetic
        self.scale = scale
        self.raw = raw
        self.stream_order = stream_order
        self.stored = stored
        self.relearned = relearned
        self.buffer = buffer
        self.spare_classes = spare_classes
        self.device_decay = device_decay
        self.decay_samples = decay_samples
        self.readout_only = readout_only
        self.untrained = untrained
        self.spread = spread

    def _options(self, task: str) -> Options:
        """Return the parameters as training options without held-out rows."""
        if self.rule is not None and self.rule in RULES and not RULES[self.rule].supervised:
            raise InputError(
                f"the rule {self.rule!r} learns no {NOUN[task]}; choose a rule with labels"
            )
        return Options(**self.get_params(), task=task, test_fraction=0.0)

    def _features(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Check the features of a fitted estimator as scikit-learn does; return them."""
        check_is_fitted(self)
        features: NDArray[np.float64] = validate_data(self, X, dtype=np.float64, reset=False)
        return features

    def _names(self) -> tuple[str, ...] | None:
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else tuple(map(str, names))


def check_varies(features: NDArray[Any], noun: str) -> None:
    """Raise ValueError if all features are constant; `noun` names what they cannot distinguish."""
    if not np.ptp(features, axis=0).any():
        raise ValueError(
            f"all features of the {counted(len(features), 'row')} are constant (n_samples ="
            f" {len(features)}): nothing distinguishes the {noun}"
        )
