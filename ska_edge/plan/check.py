"""The check of a plan: every number is one that the arithmetic supports, before anything uses it.

A plan that was just resolved passes here, and so must one from a file.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cattrs

from ska_edge.arithmetic.fixedpoint import INT32_MAX, INT64_MAX, Rate
from ska_edge.errors import InputError
from ska_edge.plan.plan import LONGEST_SHIFT, SCHEMA, Matrix, Plan, Replay
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.range_proof import range_proof
from ska_edge.rules.neuron import decision_table
from ska_edge.rules.rule import RULES

LARGEST_COUNT = 65535  # the C runtime counts inputs and neurons in 16 bits
MOST_LAYERS = 255  # and layers in 8
LARGEST_SEED = 2**32 - 1
MOST_REPLAYS = 255
NARROW_WEIGHT_BITS = 16


def plan_from_json(data: Any) -> Plan:
    """A plan from plain data; raises InputError when it is none, or of another version."""
    found = data.get("schema") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise InputError(f"the plan has schema {found}, this version reads schema {SCHEMA}")
    try:
        plan = cattrs.structure(data, Plan)
    except (cattrs.BaseValidationError, TypeError, ValueError, KeyError) as error:
        raise InputError("the plan is damaged: a field is missing or of another type") from error
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """Refuse what cannot be computed: unknown names, shifts out of range, sums beyond 64 bits."""
    if plan.rule not in RULES or plan.precision not in PRECISIONS:
        raise InputError(f"rule {plan.rule!r} with precision {plan.precision!r} is not known here")
    if not plan.layers:
        raise InputError("the plan has no layers")
    for below, above in pairwise(plan.layers):
        if below.outputs != above.inputs:
            raise InputError(f"a layer of {below.outputs} feeds one of {above.inputs} inputs")
    if max(plan.sizes) > LARGEST_COUNT or sum(plan.sizes[1:]) > LARGEST_COUNT:
        raise InputError(
            f"layer sizes {list(plan.sizes)} are too large: inputs, and all neurons together,"
            f" are at most {LARGEST_COUNT}"
        )
    if plan.table != decision_table(plan.formats.decision, PRECISIONS[plan.precision].table_limit):
        raise InputError("the decision table is not sigmoid")
    if not 1 << (Rate.MANTISSA_FRAC - 1) < plan.rate.mantissa <= 1 << Rate.MANTISSA_FRAC:
        raise InputError(f"the rate's mantissa {plan.rate.mantissa} is out of range")
    if not (1 <= plan.batch <= LARGEST_COUNT and 1 <= plan.steps <= LARGEST_COUNT):
        raise InputError(f"batch and steps are 1 to {LARGEST_COUNT}")
    if len(plan.layers) > MOST_LAYERS:
        raise InputError(f"{len(plan.layers)} layers are too many: at most {MOST_LAYERS}")
    if not 0 <= plan.seed <= LARGEST_SEED:
        raise InputError(f"the seed {plan.seed} is not in 0 to {LARGEST_SEED}")
    if len(plan.labels) != plan.classes:
        raise InputError(f"{len(plan.labels)} labels for {plan.classes} outputs")
    if not 0 <= plan.first_learned <= plan.hidden:
        raise InputError(f"the first layer that learns is 0 to {plan.hidden}")
    if plan.raw is not None and not (
        len(plan.raw.multipliers) == len(plan.raw.offsets) == plan.inputs
        and 1 <= plan.raw.frac <= LONGEST_SHIFT
        and min(plan.raw.multipliers) >= 0
        and max(plan.raw.multipliers) <= INT32_MAX
    ):
        raise InputError("the integers that standardize raw features are out of range")
    largest_square = plan.formats.knowledge.minimum**2
    if max(plan.sizes[1:]) * plan.batch * largest_square > INT64_MAX:
        raise InputError(
            f"a batch of {plan.batch} is too large: the sum of the squares of the knowledge would"
            " leave 64 bits"
        )
    _check_rule(plan)
    for index, layer in enumerate(plan.layers):
        for matrix in layer.matrices:
            _check_matrix(plan, index, matrix)
    range_proof(plan)


def _check_rule(plan: Plan) -> None:
    """What some rules can and others cannot do."""
    replay = plan.replay
    if not plan.rule_definition.supervised:
        if plan.steps < 2:
            raise InputError(f"rule {plan.rule} needs at least 2 steps: the first only records")
        if plan.first_learned:
            raise InputError(f"rule {plan.rule} has no readout; it cannot learn that alone")
        if replay != Replay():
            raise InputError(f"rule {plan.rule} learns from a held batch; it has no replay")
    if (replay.per_class > 0) != (replay.per_sample > 0):
        raise InputError(
            "replay needs both: how many samples a class are kept, and how many a step"
        )
    if not (
        0 <= replay.per_class * plan.classes <= LARGEST_COUNT
        and 0 <= replay.per_sample <= MOST_REPLAYS
    ):
        raise InputError(
            f"the replay buffer holds at most {LARGEST_COUNT} samples,"
            f" and at most {MOST_REPLAYS} are learned again with each new one"
        )
    if replay.per_class and plan.batch != 1:
        raise InputError("replay learns sample by sample; leave the batch at 1")


def _check_matrix(plan: Plan, index: int, matrix: Matrix) -> None:
    """The shifts of one matrix must be ones that C can do."""
    if matrix.weight.bits != plan.formats.weight_bits:
        raise InputError(f"layer {index}: {matrix.weight.bits}-bit weights in {plan.precision}")
    # Changes of wide weights may also shift to the left: they are computed in 64 bits.
    least = -LONGEST_SHIFT if plan.formats.weight_bits > NARROW_WEIGHT_BITS else 1
    shifts = {
        "sum": (plan.sum_align(matrix), 0),
        "bias": (plan.bias_align(matrix), 0),
        "forward": (plan.forward_shift(matrix), 1),
        "update": (plan.update_shift(matrix) + plan.rate.shift, least),
        "bias update": (plan.bias_update_shift(matrix) + plan.rate.shift, least),
    }
    if plan.rule_definition.heads and plan.hidden:
        shifts["projection"] = (plan.projection_shift(matrix), 1)
    for name, (shift, least) in shifts.items():
        if least <= shift <= LONGEST_SHIFT:
            continue
        cause = f"the {name} shift would be {shift}, allowed are {least} to {LONGEST_SHIFT}"
        advice = "use fewer classes or another input format"
        if "update" in name:
            cause = f"the rate {plan.rate.real:g} is out of reach: {cause}"
            advice = "choose another rate"
        raise InputError(f"layer {index}: {cause}; {advice}")
