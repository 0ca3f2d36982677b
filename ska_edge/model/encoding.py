"""Converts the rows, classes and targets of a user to the integers of a model, and back."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.arrays import column_names, named_columns
from ska_edge.data.arrays import features as table
from ska_edge.data.classes import class_array, class_indices, mismatch
from ska_edge.data.dataset import Dataset
from ska_edge.data.image_rows import raw_features, with_images
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.recordings.window_rows import with_features
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.targets import targets_of
from ska_edge.errors import InputError
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.scaling import Scaling, standardize
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted
from ska_edge.rules.confidence import UNKNOWN, UNKNOWN_NAME, UNKNOWN_NUMBER, classified

FEATURES = "features"  # the note with the names of the inputs
COLUMNS = "columns"  # the note with the names of the pixels
LAYOUT = "layout"  # the note about the windows of recordings


@dataclass
class Encoding:
    """A plan with its integers, and the conversion of a user's data to them and back.

    The attributes are described at `Model`.
    """

    plan: Plan
    state: State
    scaling: Scaling
    _: KW_ONLY
    notes: dict[str, Any] = field(default_factory=dict)
    units: Scaling | None = None

    def quantize(self, features: NDArray[np.float64]) -> NDArray[np.int64]:
        """Convert features (n, d) to the integers of the plan's input.

        If the plan standardizes raw features, a device computes the same integers.
        """
        format, raw = self.plan.layers[0].input, self.plan.raw
        if raw is None:
            return format.quantize(self.scaling.apply(features))
        return standardize(raw, features, format)

    @property
    def features(self) -> tuple[str, ...] | None:
        """The names of the inputs, (inputs,), if the training data had names for their columns."""
        names = self.notes.get(FEATURES)
        return None if names is None else tuple(names)

    @property
    def takes(self) -> Inputs:
        """The columns, targets and windows of this model, for readers of data."""
        targets = self.plan.labels if self.plan.regression else ()
        front, names = self.plan.front, self.features
        count = self.plan.inputs
        if front is not None and front.image:  # a column is a pixel
            count, names = front.length * front.axes, self.notes.get(COLUMNS)
        return Inputs(
            count,
            None if names is None else tuple(names),
            targets=targets,
            layout=self.layout,
            front=self.plan.front,
        )

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes of a sample, or their numbers if they are unknown; empty without a
        front end.
        """
        if self.layout is not None:
            return self.layout.axes
        front = self.plan.front
        return () if front is None else tuple(map(str, range(front.axes)))

    @property
    def layout(self) -> Layout | None:
        """How recordings are cut into windows; None for a model whose inputs are not windows."""
        return Layout.from_dict(self.notes.get(LAYOUT))

    def input_notes(self) -> dict[str, Any]:
        """Return plain data for programs that send their own samples to a device.

        These are the mean, the scale and, if known, the name of each feature, and how recordings
        are read. For a regression, they also tell how to convert its targets.
        """
        named: dict[str, Any] = {}
        if self.features is not None:
            named = {FEATURES: list(self.features)}
        if self.layout is not None:
            named[LAYOUT] = self.layout.as_dict()
        found = {**named, **self.scaling.as_dict()}
        return found if self.units is None else {**found, **self._unit_notes()}

    def _unit_notes(self) -> dict[str, list[Any]]:
        """Return plain data that convert the integers of targets to the unit of the data.

        A target is integer / 2^target_frac * target_scale + target_mean.
        """
        assert self.units is not None and self.plan.output is not None
        return {
            "targets": list(self.plan.labels),
            "target_mean": self.units.mean.tolist(),
            "target_scale": self.units.scale.tolist(),
            "target_frac": [self.plan.output.frac],
        }

    def named(self, indices: NDArray[np.integer]) -> NDArray[Any]:
        """Return the class of each index, (n,); "unknown" or -1 for `UNKNOWN`."""
        names, lost = self.classes, indices == UNKNOWN
        if lost.any():
            extra = [UNKNOWN_NAME if names.dtype.kind == "U" else int(UNKNOWN_NUMBER)]
            names, indices = np.concatenate([names, extra]), np.where(lost, len(names), indices)
        found: NDArray[Any] = names[indices]
        return found

    @property
    def least_confidence(self) -> float:
        """The limit below which the class of a row is unknown, 0 to 1; 0 without a limit."""
        return float(self.plan.formats.decision.dequantize(np.array(self.plan.least_confidence)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes of the plan, and of the classes that were added."""
        names = self.state.labels
        return tuple(names[output] for output in self.outputs.tolist())

    @property
    def outputs(self) -> NDArray[np.int64]:
        """The index of the output of each class, in the order of `labels`."""
        return np.flatnonzero(self.state.used)

    @property
    def classes(self) -> NDArray[Any]:
        """The classes in the order of `labels`, as integers if all are integers, otherwise text."""
        return class_array(self.labels)

    def decided(self, decisions: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the class of each row as an index in `labels`, (rows,).

        It is the class with the largest of the row's decisions, (rows, outputs).
        """
        return np.asarray(decisions[:, self.outputs].argmax(axis=1))

    def classified(self, decisions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `decided`, but `UNKNOWN` for rows with less than the least confidence, (rows,)."""
        known = classified(decisions, self.plan.least_confidence) != UNKNOWN
        return np.where(known, self.decided(decisions), UNKNOWN)

    def judged(
        self,
        truth: NDArray[np.integer],
        decisions: NDArray[np.int64],
        float_accuracy: float | None = None,
    ) -> Evaluation:
        """Evaluate decisions (rows, outputs) of rows whose true outputs are `truth`, (rows,)."""
        places = np.cumsum(self.state.used) - 1
        found, least = decisions[:, self.outputs], self.plan.least_confidence
        return Evaluation.of(self.labels, places[truth], found, least, float_accuracy)

    def inputs(self, x: ArrayLike) -> NDArray[np.int64]:
        """Convert features to a device's integers, (rows, inputs) in the plan's input format.

        Args:
            x: features (rows, inputs) in the unit of the training data. A model with a front end
                also takes windows of samples or images, (rows, length, axes), and rows of pixels,
                (rows, pixels), unless there are as many pixels as inputs.

        Raises InputError for features that are not numbers, for rows whose width is not the number
        of inputs, for a data frame without a column of the model, and for samples and pixels that
        the front end cannot take.
        """
        return self.quantize(self._features(x))

    def targets(self, rows: int, y: ArrayLike | None) -> NDArray[np.int64]:
        """Convert labels to the indices of their outputs, (rows,); zeros for a rule without labels.

        Targets of a regression become integers in the plan's `output` format, (rows, targets).

        Args:
            rows: the required number of labels.
            y: labels (rows,), each one of `classes`; None for a rule without labels; or targets
                (rows,) or (rows, targets) in the unit of the training data.

        Raises InputError for labels that are not classes of the model, for missing labels, for
        targets that are not numbers, and for another number of rows or targets.
        """
        if not self.plan.rule_definition.supervised:
            return np.zeros(rows, dtype=np.int64)
        if y is None:
            noun = "targets" if self.plan.regression else "labels"
            raise InputError(f"the rule {self.plan.rule} learns from {noun}; give learn(x, y)")
        if self.plan.regression:
            return self.target_integers(targets_of(y, rows, self.plan.labels)[0])
        labels = class_indices(y, self.labels)
        if len(labels) != rows:
            raise InputError(mismatch(rows, len(labels)))
        return self.outputs[labels]

    def target_integers(self, targets: NDArray[np.float64]) -> NDArray[np.int64]:
        """Convert targets (rows, targets), in the unit of the data, to the integers that a device
        learns.

        Raises InputError for a model that has learned classes.
        """
        if self.plan.output is None or self.units is None:
            raise InputError("the model has learned classes, so it has no targets")
        return self.plan.output.quantize(self.units.apply(targets))

    def truth(self, dataset: Dataset) -> NDArray[np.int64]:
        """Return what a device learns about the rows of matched data: the indices of their outputs,
        (rows,), or the integers of the targets, (rows, targets).
        """
        return dataset.y if dataset.targets is None else self.target_integers(dataset.targets)

    def values_of(self, outputs: NDArray[np.integer]) -> NDArray[np.float64]:
        """Convert the outputs (rows, targets) of a regression to the unit of the training data.

        Raises InputError for a model that has learned classes.
        """
        if self.plan.output is None or self.units is None:
            raise InputError("the model has learned classes, so it has no values")
        return self.units.undo(self.plan.output.dequantize(outputs))

    def resolutions(self) -> NDArray[np.float64]:
        """Return the smallest difference of two values of each target of a regression, (targets,),
        in the unit of the training data.
        """
        assert self.units is not None and self.plan.output is not None
        steps: NDArray[np.float64] = self.units.scale * self.plan.output.dequantize(np.array(1))
        return steps

    def predicted(self, decisions: NDArray[np.integer]) -> NDArray[Any]:
        """Return the class (rows,) with the largest of decisions (rows, outputs); for a regression,
        the values (rows,) or (rows, targets) in the unit of the training data.
        """
        if self.plan.regression:
            values = self.values_of(decisions)
            return values[:, 0] if values.shape[1] == 1 else values
        decided: NDArray[Any] = self.classes[self.decided(decisions)]
        return decided

    def matched(self, dataset: Dataset) -> Dataset:
        """Return the data as the model takes them: classes numbered as outputs, features in order.

        Classes and features are matched by name; features without names keep their order. Targets
        are matched as `Dataset.with_targets` does it. Raises InputError for a missing feature, a
        wrong number of features, a class without an output, for targets in place of classes or the
        reverse, and for windows that are not cut like those of the model. For a model of images,
        rows of pixels become features, and another number of pixels is refused.
        """
        if self.layout is not None and dataset.layout is not None:
            self.layout.expect(dataset.name, dataset.layout)
        if self.plan.front is not None and self.plan.front.image:
            dataset = with_images(dataset, self.plan.front)
        elif (
            dataset.front is not None and not dataset.front.learned and self.plan.front is not None
        ):
            dataset = with_features(dataset, self.plan.front)
        by_name = None not in (self.features, dataset.features)
        dataset = dataset.with_features(self.features)
        if dataset.x.shape[1] != self.plan.inputs:
            raise InputError(
                f"{dataset.name} has {dataset.x.shape[1]} features,"
                f" but the model has {self.plan.inputs} inputs;"
                " name the data that it was trained on"
            )
        if self.plan.regression:
            return dataset.with_targets(self.plan.labels, by_name)
        if dataset.targets is not None:
            raise InputError(f"{dataset.name} has targets, but the model has learned classes")
        named = dataset.with_classes(self.labels)
        if not self.plan.spares:
            return named
        outputs = self.outputs
        return replace(named, y=outputs[named.y], labels=self.state.labels[: outputs[-1] + 1])

    def _features(self, x: ArrayLike) -> NDArray[np.float64]:
        """Check features and return them as (rows, inputs), in the order of the model's inputs.

        Raw data become features; see `inputs`.
        """
        front, names = self.plan.front, column_names(x)
        if front is not None:
            pixels = names is not None and front.image and names[0] not in (self.features or ())
            raw = raw_features(named_columns(x, self.takes.names) if pixels else x, front)
            if raw is not None:
                return raw
        named = named_columns(x, self.features)
        # Integers are finite, and a copy of all of them as floats would take much memory.
        plain = type(named) is np.ndarray and named.ndim == 2 and len(named) > 0
        whole = plain and named.dtype.kind in "iu"
        features: NDArray[Any] = named if whole else table(named)
        if features.shape[1] != self.plan.inputs:
            raise InputError(
                f"x has {counted(features.shape[1], 'feature')},"
                f" but the model has {counted(self.plan.inputs, 'input')}"
            )
        return features

    def require_labels(self) -> None:
        """Raise InputError for a rule without labels; its outputs do not represent classes."""
        if not self.plan.rule_definition.supervised:
            raise InputError(
                f"the rule {self.plan.rule} learns without labels, so its outputs are not classes;"
                " use decisions(x)"
            )

    def require_classes(self, figure: str) -> None:
        """Raise InputError unless the outputs represent classes; only classes have the `figure`."""
        self.require_labels()
        if self.plan.regression:
            raise InputError(f"a regression has values and no {figure}; use predict(x)")
