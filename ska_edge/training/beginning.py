"""Prepares the first samples of a training, which a benchmark lets a board learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.network.engine import narrow, trainer_for
from ska_edge.network.state import State
from ska_edge.progress import Progress, silent
from ska_edge.training.opening import open_session
from ska_edge.training.options import Options
from ska_edge.training.session import Session
from ska_edge.training.step_log import StepLog
from ska_edge.training.trials.front import with_front
from ska_edge.training.trials.rate import with_trials


@dataclass(frozen=True, slots=True)
class Beginning:
    """A model before its first update, and the first samples of its training.

    Attributes:
        model: the model with calibrated formats; its integers and its float twin have their initial
            values.
        inputs, labels: quantized inputs (n, d) and labels (n,), in the order of the training.
        session: the training that these samples begin.
    """

    model: Model
    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]
    session: Session

    def learned(self, state: State) -> NDArray[np.int64]:
        """Return the parameters (count,) after the host has learned these samples from `state`."""
        trainer = trainer_for(state.copy(), learn=len(self.labels))
        for _ in trainer.learn_stream(self.inputs, self.labels):
            pass
        return trainer.state.parameters

    def states(self, epochs: Sequence[int], progress: Progress = silent) -> Iterator[State]:
        """Yield the state of a device that starts with trained parameters, for each of `epochs`.

        The parameters are those after that number of epochs on the host. `epochs` ascend from 1 to
        at most the epochs of the training. `progress(done, total)` counts samples.
        """
        session, total = self.session, epochs[-1] * len(self.session.fit.y)
        inputs = narrow(session.plan, self.model.quantize(session.fit.x))
        state = self.session.starting_model().state  # without running averages, as in a training
        trainer, done = trainer_for(state, learn=total), 0
        for epoch, (halvings, order) in enumerate(session.orders(), 1):
            trainer.state.halve_rate(halvings)
            for decisions in trainer.learn_many(inputs[order], session.fit.y[order]):
                done += len(decisions)
                progress(done, total)
            if epoch in epochs:
                yield trainer.state.flashed()
            if epoch == epochs[-1]:
                return

    def start(self) -> tuple[NDArray[np.float64], ...]:
        """Return the initial weights in float: W (outputs, inputs), b (outputs,) of every layer."""
        reference = self.model.reference
        assert reference is not None
        layers = zip(reference.weights, reference.biases, strict=True)
        return tuple(tensor for layer in layers for tensor in layer)


def beginning(
    dataset: Dataset, options: Options, count: int, progress: Progress = silent
) -> Beginning:
    """Return the model before a training with these options, and the first `count` samples.

    Unless a model is continued, the float twin is trained, because calibration derives the formats
    of the integers from it. The integers are not trained. Raises InputError as `train` does, for a
    training of fewer than `count` samples, and for rules without labels, because they learn from a
    whole batch.
    """
    dataset, _ = with_front(dataset, options)
    options, _ = with_trials(dataset, options)
    session = open_session(dataset, options)
    if not session.plan.rule_definition.supervised:
        raise InputError(
            f"rule {session.plan.rule} learns from a held batch, not sample by sample; choose a"
            " rule with labels"
        )
    if session.base is None:
        for done in session.float_work(session.parameters.copy(), StepLog(None)):
            progress(done, session.total)
        session.calibrate()
    model = session.with_averages(session.starting_model())
    rows = np.concatenate([order for _, order in session.orders()])[:count]
    if len(rows) < count:
        raise InputError(
            f"{session.epochs} epochs of '{dataset.name}' are {len(rows)} samples, and"
            f" {count} are needed; give more data"
        )
    return Beginning(model, model.quantize(session.fit.x[rows]), session.fit.y[rows], session)
