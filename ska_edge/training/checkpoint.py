"""Writes checkpoints: model files with the progress of a training, in case it is stopped."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ska_edge.data.load import files_read
from ska_edge.data.several import check_outside
from ska_edge.data.source import Source
from ska_edge.files import check_file, check_target
from ska_edge.model.model_file import Model
from ska_edge.model.quantization import quantize_state
from ska_edge.network.state import State
from ska_edge.network.twin import tensors_of
from ska_edge.rules.reference import Parameters
from ska_edge.training.options import Options
from ska_edge.training.session import Session

SECONDS = 30.0  # seconds between two writes, at least


def check_outputs(
    options: Options, source: Source, by: str, model: Path | None = None, recorded: bool = False
) -> None:
    """Raise InputError unless the model, the log and the checkpoint can be written.

    `model` is the path of the final model; None if the caller writes none. The checkpoint may
    overwrite the model from which the training continues, and may have the path of the final model.
    None of the three files may be one of the data files of `source`, now or when `source` is read
    again. `by` names the command or call in the error. `recorded` tells that the data are
    recordings.
    """
    read = _files(source, recorded)
    if model is not None:
        check_target(model, options.init, options.start, options.log, *read, by=by)
    if options.log is not None:
        others = options.init, options.start, options.checkpoint, *read
        check_target(options.log, *others, by=by)
    if options.checkpoint is not None:
        check_target(options.checkpoint, options.init, *read, by=by)
    if isinstance(source, str | os.PathLike):
        for path in filter(None, (model, options.log, options.checkpoint)):
            check_outside(path, source, recorded)


def _files(source: Source, recorded: bool) -> list[Path]:
    """Return the files that are read; none for arrays, a Dataset and built-in data."""
    if isinstance(source, str | os.PathLike):
        return files_read(source, recorded)
    several = source if isinstance(source, list) else []
    return [Path(each) for each in several if isinstance(each, str | os.PathLike)]


class Checkpoint:
    """Copies a training's parameters after complete updates, and writes the copies to a file.

    Ctrl-C may arrive during an update, so copies are made only between two updates.

    Attributes:
        path: the file; None disables checkpoints, and nothing is copied.
        done, total: progress at the last copy.

    Raises InputError if the file cannot be written.
    """

    def __init__(self, session: Session) -> None:
        self.path = session.options.checkpoint
        if self.path is not None:
            check_file(self.path)  # check now, because the first write may come hours later
        self.done = self.total = 0
        self._session = session
        self._parameters: Parameters | None = None
        self._state: State | None = None
        self._written = time.monotonic()

    def copy(self, done: int, total: int, parameters: Parameters, state: State | None) -> None:
        """Copy the float twin, and the integers if they are already learning.

        The copy is written at intervals. Raises InputError if it cannot be written.
        """
        if self.path is None:
            return
        self._parameters = parameters.copy()
        self._state = None if state is None else state.learned()
        self.done, self.total = done, total
        if time.monotonic() - self._written >= SECONDS:
            self.write()

    def write(self) -> bool:
        """Write the last copy, and return True; without a copy or a path, return False.

        Raises InputError if the file cannot be written.
        """
        model = self._model()
        if self.path is None or model is None:
            return False
        model.notes["stopped"] = {"done": self.done, "of": self.total}
        model.save(self.path)
        self._written = time.monotonic()
        return True

    def _model(self) -> Model | None:
        """Return the last copy as a model; without a state, its integers are those of the twin."""
        session, parameters, state = self._session, self._parameters, self._state
        if parameters is None:
            return None
        if state is None:
            plan = session.calibrated(parameters)
            state = quantize_state(plan, tensors_of(parameters))
        reference = None if session.options.arithmetic == "fixed" else parameters
        model = Model(state.plan, state, session.scaling, reference, notes=session.notes())
        return session.finished(session.with_averages(model))
