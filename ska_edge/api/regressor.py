"""Defines `ska_edge.Regressor`: the network as a scikit-learn estimator of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.api.estimator import Estimator, check_varies
from ska_edge.data.dataset import Dataset
from ska_edge.data.targets import REGRESSION, targets_of
from ska_edge.training.beginning import beginning
from ska_edge.training.train import train as train_model

# isort: split
# The estimator says what to install if scikit-learn is missing, so it is imported first.
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data


class Regressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A network that is trained in fixed point, as a scikit-learn regressor.

    It takes part in pipelines, grid searches and cross-validation, and can be cloned and pickled.
    It scales features and targets itself, so no scaler is needed. `model_` is the `ska_edge.Model`,
    with `save`, `firmware` and all its other methods.

    The parameters are those of `ska_edge.Classifier`. Values that need classes are refused:
    `stored`, `spare_classes`, `rule="code"` and `stream_order="blocked"`.

    Attributes:
        model_: the trained `ska_edge.Model`; its outputs have the names of the targets.
        n_features_in_: number of features.
        feature_names_in_: names of the features, if X was a data frame with column names.

    Raises ValueError for data that no regressor can use, NotFittedError before `fit`, and
    InputError for options that cannot work.

    Example::

        regressor = ska_edge.Regressor(hidden=64).fit(X, y)
        regressor.score(X_test, y_test)
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Regressor:  # noqa: N803
        """Train on all rows, from the beginning.

        Args:
            X: features (rows, features), finite numbers.
            y: targets (rows,) or (rows, targets), finite numbers.
        """
        self.model_ = train_model(self._data(X, y, True), self._options(REGRESSION)).model
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> Regressor:  # noqa: N803
        """Make one integer learning step for each row, in order, exactly as a device does.

        Without a `fit` before it, the first call creates the network with its initial weights. Its
        rows determine the scaling and the number formats, so pass several dozen rows or more. Later
        calls change neither the scaling nor the formats, as on a device.

        Args:
            X: features (rows, features), finite numbers.
            y: targets (rows,) or (rows, targets), finite numbers.
        """
        first = not hasattr(self, "model_")
        data = self._data(X, y, first)
        if first:
            self.model_ = beginning(data, self._options(REGRESSION), 0).model
        self.model_.learn(data.x, data.targets)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the value of each row, (rows,) or (rows, targets), bit for bit as on a device.

        Args:
            X: features (rows, features), finite numbers.
        """
        features = self._features(X)
        return self.model_.predict(features)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that there may be several targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _data(self, X: ArrayLike, y: ArrayLike, reset: bool) -> Dataset:  # noqa: N803
        features, given = validate_data(
            self, X, y, dtype=np.float64, reset=reset, multi_output=True, y_numeric=True
        )
        check_varies(features, "rows")
        targets, names = targets_of(given, len(features))
        none = np.zeros(len(features), dtype=np.int64)
        return Dataset("arrays", features, none, names, features=self._names(), targets=targets)
