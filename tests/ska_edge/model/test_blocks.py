"""A model classifies many rows in blocks, so that images are not copied as floats."""

from __future__ import annotations

import tracemalloc

import numpy as np

from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan

ROWS, PIXELS = 50_000, 200  # 10 MB as bytes, 80 MB as float64


def test_images_are_classified_in_blocks() -> None:
    plan = make_plan((PIXELS, 2))
    state = State(plan)
    random = np.random.default_rng(0)
    state.parameters[:] = random.integers(-999, 999, plan.parameter_count)
    model = Model(plan, state, Scaling(np.full(PIXELS, 120.0), np.full(PIXELS, 60.0)))
    x = random.integers(0, 256, (ROWS, PIXELS), dtype=np.uint8)
    tracemalloc.start()
    try:
        decisions = model.decisions(x)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 60_000_000  # 27 MB is usual; over 160 MB with a copy of all rows as floats
    for rows in (slice(0, 1), slice(4090, 4100), slice(ROWS - 1, ROWS)):
        np.testing.assert_array_equal(decisions[rows], model.decisions(x[rows].astype(float)))
