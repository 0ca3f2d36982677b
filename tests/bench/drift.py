"""Measures devices whose sensor drifts: each row is classified first, then learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.network.engine.choice import trainer_for
from ska_edge.training.options import Options
from ska_edge.training.train import train

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]
ROWS = 8000
FIRST = 500  # rows that the host trains on, before the device gets the others one by one
FROZEN = -1


def digits(rng: np.random.Generator) -> Rows:
    """Return `ROWS` rows of digits: several passes over all images, each in a new order."""
    found = load("digits")
    order = np.concatenate([rng.permutation(len(found.x)) for _ in range(5)])[:ROWS]
    return found.x[order].astype(np.float64), found.y[order]


def drifting(seed: int) -> Rows:
    """Return digits in which the gain and the offset of every pixel walk at random."""
    rng = np.random.default_rng(seed)
    x, y = digits(rng)
    gain = np.exp(np.cumsum(rng.normal(0, 0.012, x.shape), axis=0))
    return x * gain + np.cumsum(rng.normal(0, 0.06, x.shape), axis=0), y


def rewired(seed: int) -> Rows:
    """Return digits in which half of the pixels change places after half of the rows."""
    rng = np.random.default_rng(seed)
    x, y = digits(rng)
    moved = rng.choice(x.shape[1], x.shape[1] // 2, replace=False)
    places = np.arange(x.shape[1])
    places[np.sort(moved)] = moved
    x[ROWS // 2 :] = x[ROWS // 2 :, places]
    return x, y


def steady(seed: int) -> Rows:
    """Return digits that do not change."""
    return digits(np.random.default_rng(seed))


STREAMS: dict[str, Callable[[int], Rows]] = {
    "drifting digits": drifting,
    "rewired digits": rewired,
    "digits": steady,
}


def stream_accuracy(work: tuple[str, dict[str, Any], int, int]) -> float:
    """Return the accuracy on all rows after the first ones, each classified before it is learned.

    The device halves the rate of the plan the given number of times, or it only classifies
    (`FROZEN`).
    """
    name, options, halvings, seed = work
    x, y = STREAMS[name](seed)
    first = Dataset(name, x[:FIRST], y[:FIRST], tuple(map(str, range(10))))
    model = train(first, Options(seed=seed, test_fraction=0.02, **options)).model
    inputs, labels = model.quantize(x[FIRST:]), y[FIRST:]
    device = trainer_for(model.state.flashed(), len(labels))
    if halvings == FROZEN:
        return float((device.infer(inputs).argmax(axis=1) == labels).mean())
    device.state.halve_rate(halvings)
    learned = [each.decisions for each in device.learn_stream(inputs, labels)]
    return float((np.concatenate(learned).argmax(axis=1) == labels).mean())
