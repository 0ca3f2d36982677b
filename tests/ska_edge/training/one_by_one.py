"""The updates of a stopped training, made one by one with numpy."""

from __future__ import annotations

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.model.model_file import Model
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.training.opening import open_session
from ska_edge.training.options import Options
from ska_edge.training.step_log import StepLog


def learned_one_by_one(data: Dataset, options: Options, stopped: Model) -> State:
    """Return the state after as many updates as the stopped model made, from the same start."""
    session = open_session(data, options)
    for _ in session.float_work(session.parameters.copy(), StepLog(None)):
        pass
    session.calibrate()
    trainer = FixedTrainer(session.starting_model().state)
    inputs = stopped.quantize(session.fit.x)
    for row in np.concatenate([order for _, order in session.orders()])[: stopped.state.step]:
        trainer.learn_batch(inputs[[row]], session.fit.y[[row]])
    return trainer.state
