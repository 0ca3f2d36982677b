"""Defines `ska_edge.Classifier`: the network as a scikit-learn estimator.

`make golden` writes the parameters of `Classifier` from the training options.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.api.estimator import Estimator, check_varies
from ska_edge.data.dataset import Dataset
from ska_edge.data.targets import CLASSIFICATION
from ska_edge.training.beginning import beginning
from ska_edge.training.train import train as train_model

# isort: split
# The estimator says what to install if scikit-learn is missing, so it is imported first.
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import validate_data


class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A network that is trained in fixed point, as a scikit-learn classifier.

    It takes part in pipelines, grid searches and cross-validation, and can be cloned and pickled.
    It scales the features itself (`scale`), so no scaler is needed before it. `model_` is the
    `ska_edge.Model`, with `save`, `firmware` and all its other methods.

    Args:
        rule: learning rule: "local", "feedback" or "code". None: "local".
        hidden: width of the hidden layer, or the widths of several; () for none. None: 64; a second
            layer of 32 is added if the rate is found by trials and a trial with this layer is
            clearly better.
        activation: activation of the hidden layers: sigmoid, scaled to -1 to 1; or relu, max(0, z):
            "sigmoid" or "relu". None: "sigmoid".
        rate: learning rate; auto: the best of a few in short trials on the training rows. None:
            auto for a new classifier that learns 200 rows or more, in a new order in every epoch;
            otherwise about 8 / inputs, at most 0.125; relu: 1/4 of that, 1/8 with several hidden
            layers.
        hidden_halvings: how many times to halve the rate of the hidden layers, but not of the
            output layer. None: one for every doubling of the classes beyond 4; relu and regression:
            0.
        margin: a sample whose output errors are all below this changes no weight; 0: every sample
            learns. None: 0.
        normalized_step: divide a sample's step by the power of two nearest to |x|^2/d, the mean
            square of its inputs, if that is above 1. It limits the harm of inputs that drift. None:
            False.
        running_normalization: normalize each input by a running mean and variance, which move with
            every sample that a device learns. They follow inputs that drift. None: False.
        precision: bits of weights and activations: "w16a8" or "w32a16". None: "w16a8".
        batch: samples per update, or 'all'. None: 1, as a device learns.
        epochs: passes over the data. None: 20; regression: 40.
        decay: how many times to halve the rate, at equal intervals. None: 4, but less than epochs;
            0 for a continued model, and for rows in a fixed order.
        seed: seed of all random numbers, such as the initial weights and the order of samples.
            None: 0.
        arithmetic: train in "fixed" point, in "float", or "both"; predictions always use integers.
        scale: scaling of the features: "standardize", "global" or "none". None: "standardize".
        raw: features that a device standardizes by itself: integers, if all training features are
            integers, or float32: "integer" or "float32". None: "integer".
        stream_order: "iid" shuffles the samples anew in every epoch, "as-is" keeps the order of the
            data, "blocked" takes one class after the other.
        stored: samples of each class that a replay buffer stores, to learn them again. None: 0; 10
            with spare classes.
        relearned: stored samples to learn again with each new sample. None: 1; 10 with spare
            classes.
        buffer: kind of the replay buffer: a reservoir stores samples of the whole past; a FIFO
            stores the last ones, for data whose classes change: "reservoir" or "fifo". None:
            "reservoir".
        spare_classes: outputs without a class, for classes that a device learns later
            (`Device.teach`). None: 0.
        device_decay: how many times a device halves its rate while it learns. None: 0: the rate
            stays, as a stream without end needs it.
        decay_samples: samples that a device learns from one of these halvings to the next.
        readout_only: only the output layer learns. None: False.
        untrained: keep the initial weights, for a device that learns from nothing; the training
            only chooses the rate and the formats.
        spread: factor of the first hidden layer's initial weights, and limit of its random biases;
            auto: 10 / sqrt(inputs), between 1 and 3; 0: a factor of 1, and biases of 0. None: auto;
            relu and regression: 1, and biases of 0.

    Attributes:
        classes_: the labels in sorted order, (classes,).
        model_: the trained `ska_edge.Model`; its class names are the labels as text.
        n_features_in_: number of features.
        feature_names_in_: names of the features, if X was a data frame with column names.

    Raises ValueError for data that no classifier can use, NotFittedError before `fit`, and
    InputError for options that cannot work.

    Example::

        search = GridSearchCV(ska_edge.Classifier(epochs=5), {"hidden": [8, 16]}).fit(X, y)
        search.best_estimator_.model_.save("best.ska")
    """

    classes_: NDArray[Any]

    def fit(self, X: ArrayLike, y: ArrayLike) -> Classifier:  # noqa: N803
        """Train on all rows, from the beginning.

        Args:
            X: features (rows, features), finite numbers.
            y: labels (rows,) of two classes or more.
        """
        features, labels = self._labeled(X, y, reset=True)
        classes = unique_labels(labels)
        self.model_ = train_model(
            self._dataset(features, labels, classes), self._options(CLASSIFICATION)
        ).model
        self.classes_ = classes
        return self

    def partial_fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        classes: ArrayLike | None = None,
    ) -> Classifier:
        """Make one integer learning step for each row, in order, exactly as a device does.

        Without a `fit` before it, the first call creates the network with its initial weights. Its
        rows determine the scaling and the number formats, so pass several dozen rows or more. Later
        calls change neither the scaling nor the formats, as on a device.

        Args:
            X: features (rows, features), finite numbers.
            y: labels (rows,).
            classes: all labels that will ever occur; only the first call needs them.

        Raises ValueError for a label that is not one of the classes, and for a first call without
        `classes`.
        """
        first = not hasattr(self, "model_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        features, labels = self._labeled(X, y, reset=first)
        known = unique_labels(np.asarray(classes)) if first else self.classes_
        unknown = ~np.isin(labels, known)
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            raise ValueError(f"y[{row}] is {labels[row]!r}, which is none of the classes {known}")
        if first:
            options = self._options(CLASSIFICATION)
            if options.repeated:  # rows that come once, in their order, are a stream
                options = replace(options, stream_order="as-is")
            self.model_ = beginning(self._dataset(features, labels, known), options, 0).model
            self.classes_ = known
        names = np.array(self.model_.plan.labels)
        self.model_.learn(features, names[np.searchsorted(known, labels)])
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the class of each row, (rows,), bit for bit as on a device.

        Args:
            X: features (rows, features), finite numbers.
        """
        features = self._features(X)
        decided: NDArray[Any] = self.classes_[self.model_.decisions(features).argmax(axis=1)]
        return decided

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return the decisions scaled to a sum of 1 per row, (rows, classes).

        Args:
            X: features (rows, features), finite numbers.
        """
        features = self._features(X)  # raises an error before `fit`
        return self.model_.predict_proba(features)

    def _dataset(
        self, features: NDArray[np.float64], labels: NDArray[Any], classes: NDArray[Any]
    ) -> Dataset:
        return replace(_dataset(features, labels, classes), features=self._names())

    def _labeled(
        self,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        reset: bool,
    ) -> tuple[NDArray[np.float64], NDArray[Any]]:
        features, labels = validate_data(self, X, y, dtype=np.float64, reset=reset)
        check_classification_targets(labels)
        return features, labels


def _dataset(features: NDArray[np.float64], labels: NDArray[Any], classes: NDArray[Any]) -> Dataset:
    if len(classes) < 2:
        raise ValueError(f"y has only one class, {classes[0]!r}; learning needs two classes")
    check_varies(features, "classes")
    return Dataset("arrays", features, np.searchsorted(classes, labels), _names(classes))


def _names(classes: NDArray[Any]) -> tuple[str, ...]:
    """Return the class names for the model; whole numbers are written without a fraction."""
    if classes.dtype.kind == "f" and all(float(label).is_integer() for label in classes):
        return tuple(str(int(label)) for label in classes)
    return tuple(str(label) for label in classes)
