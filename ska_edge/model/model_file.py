"""Defines a model: what it decides and learns, and how it is exported and saved."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.classes import class_indices, mismatch
from ska_edge.data.load import load
from ska_edge.data.row_blocks import row_blocks
from ska_edge.data.source import Source, load_data, takes_one
from ska_edge.data.targets import targets_of
from ska_edge.errors import InputError, OptionError, require_flag
from ska_edge.files import path_of, write_file
from ska_edge.model.encoding import Encoding
from ska_edge.model.evaluation import Agreement, Evaluation, probabilities
from ska_edge.model.regression import Fit
from ska_edge.model.sealed import reference_name, sealed
from ska_edge.network.engine import trainer_for
from ska_edge.network.measures.range_tracker import Range
from ska_edge.network.running import normalized_reals
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of, twin
from ska_edge.plan.memory import Memory
from ska_edge.rules.confidence import confidences
from ska_edge.rules.reference import Parameters

if TYPE_CHECKING:
    from firmware_gen.project import Project


@dataclass
class Model(Encoding):
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

    reference: Parameters | None = None
    ranges: list[Range] = field(default_factory=list)

    def __repr__(self) -> str:
        """Return sizes, rule and precision; there are too many integers to show."""
        sizes = "-".join(map(str, self.plan.sizes))
        return f"Model({sizes}, {self.plan.rule_words}, {self.plan.precision})"

    def decisions(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the decisions as a device computes them, (rows, outputs) in Q0.15: 32768 would be
        1. Those of a regression are its values, in the plan's `output` format.

        Each class has an output; an output that is still spare is 0.

        Args:
            x: features (rows, inputs) in the unit of the training data, or what `inputs` takes.

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
            x: features (rows, inputs) in the unit of the training data, or what `inputs` takes.

        Raises InputError as `decisions` does, and for a rule that learns no classes.

        Example: ``(model.predict(x) == y).mean()``
        """
        self.require_labels()
        decisions = self.decisions(x)
        if self.plan.regression:
            return self.predicted(decisions)
        return self.named(self.classified(decisions))

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
            x: features (rows, inputs) in the unit of the training data, or what `inputs` takes.
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
            x: features (rows, inputs) in the unit of the training data, or what `inputs` takes.

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
        from ska_edge.model.onnx.export import compare, export, probe, require_agreement, save

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
        sensor: bool = False,
    ) -> Project:
        """Write a C project that runs this model on a board.

        Args:
            folder: a new or empty folder, or one that holds an earlier project.
            board: a name that `ska-edge boards` lists, or the path of a board's folder.
            name: prefix of every symbol, macro and file of the model; each model in a program needs
                its own.
            inference_only: the device does not learn, and its weights stay in flash.
            prefill: how many stored samples of each class the device starts with.
            sensor: the device takes samples of its own sensor, and classifies their windows.

        Returns:
            The project: `build()` compiles it, `start()` runs it on an emulated board.

        Raises InputError for an unknown board, a name that C cannot have, a folder that holds
        something else or cannot be written, more stored samples than the model has, a model that no
        device can learn with, or a sensor for a model without a front end.

        Example: ``model.firmware("firmware", board="qemu-m4").build()``
        """
        # Imported here, because the generator is a separate package, and is seldom needed.
        from firmware_gen.project import write_project

        require_flag("inference_only", inference_only)
        require_flag("sensor", sensor)
        return write_project(
            self.plan,
            self.state.parameters,
            board,
            path_of(folder),
            self.input_notes(),
            name=name,
            inference_only=inference_only,
            memory=self.memory(prefill, inference_only=inference_only),
            sensor=sensor,
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
            "plan": self.plan.to_json(),
            "step": self.state.step,
            "ranges": [found.as_dict() for found in self.ranges],
            "notes": self.notes,
        }
        write_file(path_of(path), sealed(header, arrays), private=private)
