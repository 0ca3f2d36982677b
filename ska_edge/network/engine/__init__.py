"""Provides the native engine: generated C, compiled for this computer, that learns whole epochs.

`trainer_for(state, learn=rows)` returns a `Trainer` for a state: the native engine or numpy's
`FixedTrainer`. Both give the same bits, and change the state in place, so callers need not know
which of the two they have. The interface:

    trainer.state, trainer.plan
    trainer.infer(inputs)                 decisions (n, classes)
    trainer.forward(inputs)               the values of every layer
    trainer.learn_one(inputs, label)      one row, like a device
    trainer.learn_stream(inputs, labels)  many rows, like a device; yields pieces of any length
    trainer.learn_many(inputs, labels)    many rows, like a training; yields pieces of any length
    trainer.metrics(), trainer.last_shifts()   of the last update

Rows are arrays (n, inputs) of integers; the engine is fastest if they have the integer type of the
plan's input (`narrow`). After every piece, the state is up to date, and Ctrl-C works.

`float_trainer_for(plan, parameters, rate, learn=rows)` does the same for the float twin of a plan
with labels: it returns compiled C or numpy's `FloatTrainer`, with the same bits.

numpy checks the integer engine: numpy also learns the first rows that the engine learns, and later
single rows at intervals. After each of these rows, the decisions and the states of both are
compared. A difference raises CheckError.

SKA_EDGE_ENGINE=numpy switches the engine off. With SKA_EDGE_ENGINE=native, an engine that cannot be
used is an error.
"""

from ska_edge.network.engine.choice import (
    EngineWarning,
    float_trainer_for,
    trainer_for,
    unavailable,
)
from ska_edge.network.engine.interface import Trainer, narrow

__all__ = ["EngineWarning", "Trainer", "float_trainer_for", "narrow", "trainer_for", "unavailable"]
