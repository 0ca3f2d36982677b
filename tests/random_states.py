"""Strategies: plans of every rule and precision, and states of networks that have learned."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.decay import Decay
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.rule import ACTIVATIONS, RULES, SIGMOID


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Small plans of every rule and precision; some have a batch or a replay buffer."""
    rule = draw(st.sampled_from(tuple(RULES)))
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    precision = draw(st.sampled_from(tuple(PRECISIONS)))
    if not RULES[rule].supervised:
        batch, steps = draw(st.integers(1, 5)), draw(st.integers(2, 4))
        return make_plan(sizes, rule=rule, precision=precision, batch=batch, steps=steps)
    kept = draw(st.sampled_from([Replay(), Replay(1, 1), Replay(3, 2)]))
    seed = draw(st.integers(0, 2**32 - 1))
    bits = PRECISIONS[precision].activation.bits
    format = QFormat(bits, bits - draw(st.integers(1, 4)))
    slower = draw(st.sampled_from([0, 1, 5]))
    activations = ACTIVATIONS if RULES[rule].rectifies else (SIGMOID,)
    return make_plan(
        sizes,
        rule=rule,
        precision=precision,
        replay=kept,
        seed=seed,
        hidden_halvings=slower,
        activation=draw(st.sampled_from(activations)),
        spares=draw(st.integers(0, sizes[-1] - 1)),
        input_format=format,
        normalized=draw(st.booleans()),
        decay=draw(st.sampled_from([Decay(), Decay(1, 3), Decay(8, 1)])),
        running_normalization=draw(st.booleans()),
    )


@st.composite
def learned_states(draw: st.DrawFn) -> State:
    """States of networks that have learned a few random samples, with or without halved rates."""
    plan = draw(plans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    limit = 2 ** (plan.formats.weight_bits - 1)
    state = State(plan, rng.integers(-limit, limit, plan.parameter_count))
    state.halve_rate(draw(st.integers(0, plan.rate_halvings_max)))
    for number in range(draw(st.integers(0, plan.spares))):
        state.add_class(f"class {number}")
    trainer, format = FixedTrainer(state), plan.layers[0].input
    for _ in range(draw(st.integers(0, 7))):
        x = rng.integers(format.minimum, format.maximum + 1, plan.inputs)
        trainer.learn_one(x, int(rng.choice(np.flatnonzero(state.used))))
    return state
