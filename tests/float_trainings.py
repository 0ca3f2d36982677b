"""A hypothesis strategy: short trainings in float, of every rule that uses labels, with different
batches and depths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ska_edge.network.float_trainer import FloatRule, Reals
from ska_edge.rules.reference import Parameters, initial_parameters


@dataclass(frozen=True)
class FloatTraining:
    """The start of a training, and rows to learn."""

    parameters: Parameters
    rule: FloatRule
    rate: float
    x: Reals
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    batch: int

    @classmethod
    def of(
        cls,
        rng: np.random.Generator,
        rule: FloatRule,
        sizes: tuple[int, ...],
        batch: int,
        updates: int,
        rate: float,
    ) -> FloatTraining:
        count = 7
        return cls(
            initial_parameters(sizes, rule.rule, int(rng.integers(100))),
            rule,
            rate,
            rng.normal(0.0, 1.5, (count, sizes[0])),
            rng.integers(sizes[-1], size=count),
            rng.integers(count, size=updates * batch),
            batch,
        )

    @staticmethod
    def tensors(p: Parameters) -> list[Reals]:
        return [*p.weights, *p.biases, *p.readout_weights, *p.readout_biases]


@st.composite
def float_trainings(draw: st.DrawFn) -> FloatTraining:
    """Random trainings; some layers are wider than 16 columns, the block size of the
    native engine.
    """
    name = draw(st.sampled_from(["local", "feedback", "code"]))
    width = st.one_of(st.integers(1, 6), st.integers(15, 34))
    sizes = tuple(draw(st.lists(width, min_size=2, max_size=5)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = [rng.integers(-1, 2, (sizes[-1], width)) * 1.0 for width in sizes[1:-1]]
    rule = FloatRule(
        name,
        [] if name == "local" else codes,
        draw(st.sampled_from([0.5, 1.0, 2.0])),
        draw(st.integers(0, len(sizes) - 2)),
        draw(st.sampled_from([0.0, 0.3, 0.49, 0.6])),
        draw(st.sampled_from([1.0, 0.5, 0.125])),
        name != "code" and draw(st.booleans()),
        normalized=draw(st.booleans()),
    )
    batch, updates = 1 if rule.normalized else draw(st.integers(1, 5)), draw(st.integers(1, 25))
    return FloatTraining.of(rng, rule, sizes, batch, updates, draw(st.sampled_from([0.3, 0.0625])))
