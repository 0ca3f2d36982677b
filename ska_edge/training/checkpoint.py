"""Checkpoints: a model file with what a training has learned so far, in case it is stopped."""

from __future__ import annotations

import time

from ska_edge.model.model_file import Model
from ska_edge.model.quantization import quantize_state
from ska_edge.network.state import State
from ska_edge.network.twin import tensors_of
from ska_edge.rules.reference import Parameters
from ska_edge.training.session import Session

SECONDS = 30.0  # seconds between two writes


class Checkpoint:
    """Copies of a training's parameters after complete updates, and the file for them.

    Ctrl-C may arrive during an update, so only a copy from between two updates is written.

    Attributes:
        path: the file; None for no checkpoint, then nothing is copied.
        done, total: progress at the last copy.
    """

    def __init__(self, session: Session) -> None:
        self.path = session.options.checkpoint
        self.done = self.total = 0
        self._session = session
        self._parameters: Parameters | None = None
        self._state: State | None = None
        self._written = time.monotonic()

    def copy(self, done: int, total: int, parameters: Parameters, state: State | None) -> None:
        """Copy the float twin, and the integers if they already learn.

        Writes the copy at intervals. Raises InputError if it cannot be written.
        """
        if self.path is None:
            return
        self._parameters = parameters.copy()
        self._state = None if state is None else state.learned()
        self.done, self.total = done, total
        if time.monotonic() - self._written >= SECONDS:
            self.write()

    def write(self) -> bool:
        """Write the last copy; returns False if there is none. Raises InputError on failure."""
        model = self._model()
        if self.path is None or model is None:
            return False
        model.notes["stopped"] = {"done": self.done, "of": self.total}
        model.save(self.path)
        self._written = time.monotonic()
        return True

    def _model(self) -> Model | None:
        """The last copy as a model; before the integers learn, they come from the float twin."""
        session, parameters, state = self._session, self._parameters, self._state
        if parameters is None:
            return None
        if state is None:
            plan = session.calibrated(parameters)
            state = quantize_state(plan, tensors_of(parameters))
        reference = None if session.options.arithmetic == "fixed" else parameters
        return Model(state.plan, state, session.scaling, reference, notes=session.notes())
