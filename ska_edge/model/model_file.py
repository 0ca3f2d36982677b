"""Defines a model and its file: plan, learned integers, input scaling and float twin.

`model.ska` is an npz without pickles. The same model gives the same bytes. The archive's comment is
the SHA-256 of everything before it, so every changed bit is detected.

This source file is long, because everything that a model can do is in one class.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.arrays import features as table
from ska_edge.data.arrays import named_columns
from ska_edge.data.classes import class_array, class_indices, mismatch
from ska_edge.data.dataset import Dataset
from ska_edge.data.image_rows import with_images
from ska_edge.data.load import load
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.row_blocks import row_blocks
from ska_edge.data.source import Source, load_data, takes_one
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.targets import targets_of
from ska_edge.errors import InputError, OptionError, require_flag
from ska_edge.files import npz_bytes, path_of, write_file
from ska_edge.model.evaluation import Agreement, Evaluation, probabilities
from ska_edge.model.regression import Fit
from ska_edge.model.scaling import Scaling, standardize
from ska_edge.network.engine import trainer_for
from ska_edge.network.measures.range_tracker import Range
from ska_edge.network.running import normalized_reals
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of, twin
from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted
from ska_edge.rules.confidence import (
    UNKNOWN,
    UNKNOWN_NAME,
    UNKNOWN_NUMBER,
    classified,
    confidences,
)
from ska_edge.rules.reference import Parameters

if TYPE_CHECKING:
    from firmware_gen.project import Project

MAGIC = "ska-edge model"
VERSION = 3
SEAL = 64  # bytes of the seal at the end of a file: the hexadecimal digits of a SHA-256
FEATURES = "features"  # the note with the names of the inputs
COLUMNS = "columns"  # the note with the names of the pixels
LAYOUT = "layout"  # the note about the windows of recordings
REFERENCE = "reference_"  # prefix of the tensor names of the float twin


@dataclass
class Model:
    """A plan with its integers, and the additional data for a host.

    Attributes:
        plan: everything that fixes the integers, except the weights.
        state: the learned integers.
        scaling: scales features to the plan's input, before quantization.
        units: scales the targets of a regression; None for classes.
        reference: the float twin's parameters; None if the model has no twin.
        ranges: the ranges of the integers during the training.
        notes: plain data about the training, such as its split and the names of the inputs.
    """

    plan: Plan
    state: State
    scaling: Scaling
    reference: Parameters | None = None
    ranges: list[Range] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    units: Scaling | None = None

    def __repr__(self) -> str:
        """Return sizes, rule and precision; there are too many integers to show."""
        sizes = "-".join(map(str, self.plan.sizes))
        return f"Model({sizes}, {self.plan.rule_words}, {self.plan.precision})"

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
    def layout(self) -> Layout | None:
        """How recordings are cut into windows; None for a model whose inputs are not windows."""
        return Layout.from_dict(self.notes.get(LAYOUT))

    def input_notes(self) -> dict[str, list[Any]]:
        """Return plain data for programs that send their own samples to a device.

        These are the mean, the scale and, if known, the name of each feature. For a regression,
        they also tell how to convert its targets.
        """
        named: dict[str, list[Any]] = {}
        if self.features is not None:
            named = {FEATURES: list(self.features)}
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
            x: features (rows, inputs) in the unit of the training data.

        Raises InputError for features that are not numbers, for rows whose width is not the number
        of inputs, and for a data frame without a column of the model.
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

    def decisions(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the decisions as a device computes them, (rows, outputs) in Q0.15: 32768 would be
        1. Those of a regression are its values, in the plan's `output` format.

        Each class has an output; an output that is still spare is 0.

        Args:
            x: features (rows, inputs) in the unit of the training data.

        Raises InputError as `inputs` does.

        Example: ``model.decisions(x).argmax(axis=1)``
        """
        features, trainer = self._features(x), FixedTrainer(self.state, check=False)
        found = [
            trainer.infer(self.quantize(features[block])) for block in row_blocks(len(features))
        ]
        return np.concatenate([np.empty((0, self.plan.classes), dtype=np.int64), *found])

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the class of each row, (rows,), exactly as a device decides it.

        If the model has a limit (`reject`), a row with a smaller confidence is unknown: "unknown",
        or -1 if all classes are integers. A regression returns its values in the unit of the
        training data: (rows,), or (rows, targets) for several targets.

        Args:
            x: features (rows, inputs) in the unit of the training data.

        Raises InputError as `decisions` does, and for a rule that learns no classes.

        Example: ``(model.predict(x) == y).mean()``
        """
        self.require_labels()
        decisions = self.decisions(x)
        if self.plan.regression:
            return self.predicted(decisions)
        return self.named(self.classified(decisions))

    def predicted(self, decisions: NDArray[np.integer]) -> NDArray[Any]:
        """Return the class (rows,) with the largest of decisions (rows, outputs); for a regression,
        the values (rows,) or (rows, targets) in the unit of the training data.
        """
        if self.plan.regression:
            values = self.values_of(decisions)
            return values[:, 0] if values.shape[1] == 1 else values
        decided: NDArray[Any] = self.classes[self.decided(decisions)]
        return decided

    def confidence(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the difference of the two largest decisions of each row, (rows,) in Q0.15.

        It is small for a row between two classes, and usually for a row of no known class. The
        largest decision alone may be large for such rows. The argument and the errors are those of
        `predict`; a regression raises InputError, too.

        Example: ``sure = x[model.confidence(x) >= 0.5 * 32768]``
        """
        self.require_classes("confidence")
        return confidences(self.decisions(x))

    def predict_proba(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the decisions, scaled to a sum of 1 per row, (rows, classes) as in `classes`.

        Each output is an independent sigmoid, so it is divided by the sum of all outputs. The
        argument and the errors are those of `predict`; a regression raises InputError, too.

        Example: ``odds = model.predict_proba(x)[:, 0]``
        """
        self.require_classes("probabilities")
        return probabilities(self.decisions(x)[:, self.outputs])

    def learn(self, x: ArrayLike, y: ArrayLike | None = None) -> NDArray[Any]:
        """Make one learning step for each row, in order, bit for bit as on a device.

        The model changes, and loses its float twin, which learns nothing here.

        Args:
            x: features (rows, inputs) in the unit of the training data.
            y: labels (rows,), each one of `classes`; None for a rule without labels. For a
                regression, targets as `targets` takes them.

        Returns:
            The class with the largest decision for each row, (rows,), or the values of a
            regression, just before the row was learned. A rule without labels gives the index of
            the output with the largest decision.

        Raises InputError as `inputs` and `targets` do, and for a rule with labels that learns
        several rows at once (`batch`). After such an error, nothing is learned.

        Example: ``right = (model.learn(x, y) == y).mean()``
        """
        inputs, supervised = self.inputs(x), self.plan.rule_definition.supervised
        if supervised and self.plan.batch != 1:
            raise InputError(
                f"learning row by row, as a device does, needs a model with batch 1; this one has"
                f" batch {self.plan.batch}"
            )
        labels = self.targets(len(inputs), y)
        trainer = trainer_for(self.state, learn=len(inputs))
        self.reference = None
        pieces = (piece.decisions for piece in trainer.learn_stream(inputs, labels))
        decisions = np.concatenate([np.empty((0, self.plan.classes), dtype=np.int64), *pieces])
        return self.predicted(decisions) if supervised else decisions.argmax(axis=1)

    @takes_one
    def evaluate(self, data: Source) -> Evaluation | Fit:
        """Return the accuracy and the confusion matrix on labeled data; for a regression, a `Fit`
        with R2 and the mean absolute error of each target.

        Args:
            data: a built-in name, a path, a Dataset, or arrays `(x, y)`; classes are matched by
                name.

        Raises InputError as `predict` does, and for classes that the model does not know. Raises
        ToolError as `load_data` does.

        Example: ``model.evaluate("digits").accuracy``
        """
        self.require_labels()
        if self.plan.regression:
            return self._fit(data)
        if isinstance(data, tuple) and len(data) == 2:
            features = self._features(data[0])
            truth = self.outputs[class_indices(data[1], self.labels)]
            if len(features) != len(truth):
                raise InputError(mismatch(len(features), len(truth)))
        else:
            if isinstance(data, (str, os.PathLike)):
                data = load(data, model=self.takes)
            dataset = self.matched(load_data(data))
            features, truth = dataset.x, dataset.y
        real = None
        if self.reference is not None:
            right = self.float_decisions(features).argmax(axis=1) == truth
            real = float(right.mean())
        return self.judged(truth, self.decisions(features), real)

    def _fit(self, data: Source) -> Fit:
        """Return the result of a regression; see `evaluate`."""
        if isinstance(data, tuple) and len(data) == 2:
            features = self._features(data[0])
            truth, _ = targets_of(data[1], len(features), self.plan.labels)
        else:
            if isinstance(data, (str, os.PathLike)):
                data = load(data, model=self.takes)
            dataset = self.matched(load_data(data))
            assert dataset.targets is not None
            features, truth = dataset.x, dataset.targets
        values = self.values_of(self.decisions(features))
        real = None if self.reference is None else self.float_values(features)
        return Fit.of(self.plan.labels, truth, values, real)

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

    def float_values(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the values of a regression's float twin, (rows, targets) in the unit of the
        training data.

        Raises InputError as `float_decisions` does, and for a model that has learned classes.
        """
        if self.units is None:
            raise InputError("the model has learned classes, so it has no values")
        return self.units.undo(self.float_decisions(x))

    def float_decisions(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the decisions of the float twin, (rows, classes) from 0 to 1; those of a
        regression are its scaled values.

        Args:
            x: features (rows, inputs) in the unit of the training data.

        Raises InputError as `decisions` does, and when the model has no float twin.
        """
        if self.reference is None:
            raise InputError("the model has no float twin; train with the arithmetic 'both'")
        reference = twin(self.plan, self.reference, self.plan.rate.real)
        features = self._features(x)
        found = [
            reference.infer(normalized_reals(self.state, self.scaling.apply(features[block])))
            for block in row_blocks(len(features))
        ]
        decisions: NDArray[np.float64] = np.concatenate([np.empty((0, self.plan.classes)), *found])
        decisions[:, ~self.state.used] = 0  # a spare output is 0, as in integers
        return decisions

    def export_onnx(
        self,
        path: str | os.PathLike[str],
        form: str = "integer",
        *,
        float_input: bool = False,
    ) -> Agreement:
        """Write the model as ONNX, after comparing it with the trainer on random rows.

        Args:
            path: the file to write.
            form: "integer" has the outputs of a device, bit for bit; the outputs of "float" are
                close to them.
            float_input: the integer form takes features, float64 in the unit of the training data,
                instead of integers, and has the same bits.

        Returns:
            The number of compared rows, and the number of rows that differ (always 0 for the form
            "integer").

        Raises InputError for an unknown form, for `float_input` with the form "float", and when the
        file cannot be written. Raises CheckError when the integer form differs in any bit; then
        nothing is written.

        Example: ``model.export_onnx("digits.onnx")``
        """
        # Imported here, because onnx takes a second to import, and is seldom needed.
        from ska_edge.model.onnx_export import compare, export, probe, require_agreement, save

        require_flag("float_input", float_input)
        path = path_of(path)
        exported = export(self, form, float_input)
        agreement = compare(exported, self, probe(self))
        require_agreement(agreement, path, form)
        save(exported, path)
        return agreement

    def firmware(
        self,
        folder: str | os.PathLike[str],
        board: str = "virtual-m4",
        name: str = "ska",
        *,
        inference_only: bool = False,
        prefill: int = 0,
    ) -> Project:
        """Write a C project that runs this model on a board.

        Args:
            folder: a new or empty folder, or one that holds an earlier project.
            board: a name that `ska-edge boards` lists, or the path of a board's folder.
            name: prefix of every symbol, macro and file of the model; each model in a program needs
                its own.
            inference_only: the device does not learn, and its weights stay in flash.
            prefill: how many stored samples of each class the device starts with.

        Returns:
            The project: `build()` compiles it, `start()` runs it on an emulated board.

        Raises InputError for an unknown board, a name that C cannot have, a folder that holds
        something else or cannot be written, more stored samples than the model has, or a model
        that no device can learn with.

        Example: ``model.firmware("firmware", board="qemu-m4").build()``
        """
        # Imported here, because the generator is a separate package, and is seldom needed.
        from firmware_gen.project import write_project

        require_flag("inference_only", inference_only)
        return write_project(
            self.plan,
            self.state.parameters,
            board,
            path_of(folder),
            self.input_notes(),
            name=name,
            inference_only=inference_only,
            memory=self.memory(prefill, inference_only=inference_only),
        )

    def memory(self, prefill: int = 0, *, inference_only: bool = False) -> Memory:
        """Return what a firmware starts with besides its parameters; see `firmware`.

        Raises InputError if the model stores fewer samples of each class, and for `prefill` with
        `inference_only`.
        """
        held = int(self.state.replay.held.max())
        if prefill and inference_only:
            raise OptionError(
                "a firmware with {inference_only} stores no samples; leave {prefill} out"
            )
        if not 0 <= prefill <= held:
            raise OptionError(
                "{prefill} is {wanted}, but the model stores {held} samples of each class; train"
                " with {spare_classes} and {stored}, or pull a model from a device",
                wanted=prefill,
                held=held if held else "no",
            )
        return self.state.memory(prefill)

    def _features(self, x: ArrayLike) -> NDArray[np.float64]:
        """Check features and return them as (rows, inputs), in the order of the model's inputs."""
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

    def save(self, path: str | os.PathLike[str], *, private: bool = False) -> None:
        """Write the model atomically.

        With `private`, only the owner can read the file; the state of a device may contain samples.
        """
        require_flag("private", private)
        arrays: dict[str, NDArray[Any]] = {
            "state": np.frombuffer(self.state.to_bytes(), dtype=np.uint8),
            "mean": self.scaling.mean.astype("<f8"),
            "scale": self.scaling.scale.astype("<f8"),
            "limit": np.array([self.scaling.limit], dtype="<f8"),
        }
        if self.units is not None:
            arrays["target_mean"] = self.units.mean.astype("<f8")
            arrays["target_scale"] = self.units.scale.astype("<f8")
        if self.reference is not None:
            for place, values in tensors_of(self.reference).items():
                arrays[reference_name(*place)] = values.astype("<f8")
        header = {
            "magic": MAGIC,
            "version": VERSION,
            "plan": self.plan.to_json(),
            "step": self.state.step,
            "ranges": [found.as_dict() for found in self.ranges],
            "notes": self.notes,
        }
        text = json.dumps(header, sort_keys=True).encode()
        arrays["header"] = np.frombuffer(text, dtype=np.uint8)
        content = npz_bytes(arrays, bytes(SEAL))[:-SEAL]
        write_file(path_of(path), content + seal(content), private=private)


def seal(content: bytes) -> bytes:
    """Return the seal for a file: the digest of `content`, all bytes before the seal."""
    return hashlib.sha256(content).hexdigest().encode()


def reference_name(layer: int, tensor: str) -> str:
    """Return the name of a float twin's tensor in the file, which says "head" for "readout"."""
    return f"{REFERENCE}{tensor.replace('readout_', 'head_')}_{layer}"


def reference_place(name: str) -> tuple[int, str]:
    """Return the layer and the tensor of a `reference_name`; raise ValueError for other names."""
    tensor, _, layer = name.removeprefix(REFERENCE).rpartition("_")
    return int(layer), tensor.replace("head_", "readout_")
