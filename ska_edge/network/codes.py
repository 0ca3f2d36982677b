"""Draws the fixed random codes of the hidden layers, which depend only on the plan."""

from __future__ import annotations

import numpy as np

from ska_edge.arithmetic import random_words
from ska_edge.arithmetic.numpy_ops import Integers
from ska_edge.arithmetic.random_words import bits, key
from ska_edge.plan.plan import Plan
from ska_edge.rules.rule import CODE, SIGNS


def class_codes(plan: Plan) -> list[Integers]:
    """Return the fixed random codes of the rule for every hidden layer, (classes, width) each.

    For `feedback`, a code is +1 or -1. For `code`, about half of the codes are +1 or -1. The others
    are 0: the class has no code for the neuron. Other rules have no codes.
    """
    codes: list[Integers] = []
    teacher = plan.rule_definition.teacher
    if teacher not in (SIGNS, CODE):
        return codes
    for index, layer in enumerate(plan.layers[:-1]):
        place = plan.first_neuron(index), layer.outputs, plan.classes
        if teacher == SIGNS:
            drawn = 1 - 2 * bits(key(plan.seed, random_words.SIGNS), *place)
        else:
            present = bits(key(plan.seed, random_words.CODE_PRESENCE), *place)
            drawn = present * (1 - 2 * bits(key(plan.seed, random_words.CODE_SIGNS), *place))
        codes.append(np.ascontiguousarray(drawn.T))
    return codes
