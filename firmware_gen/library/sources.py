"""Writes the sources of a network's shared library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from firmware_gen.emit.plan import emit_plan, emit_tables
from firmware_gen.emit.rule import emit_rule
from firmware_gen.emit.state import emit_state
from ska_edge.plan.plan import Plan
from ska_edge.rules.rule import CODE, SIGNS

RUNTIME = Path(__file__).parent.parent / "runtime"
LIBRARY = Path(__file__).parent
MAIN = "ska_library.c"  # the only file to compile; it includes the others
LARGEST = 2**22  # parameters; the library contains a zero for each

_NO_WEIGHTS = """\
/* ska_weights.h - no initial weights: the caller writes the weights to the network. */
#ifndef SKA_WEIGHTS_H
#define SKA_WEIGHTS_H

#include "ska_plan.h"

#define SKA_INITIAL_CRC 0u

static const ska_weight_t ska_initial_parameters[SKA_PARAMETER_COUNT] = {0};
#if SKA_SPARES > 0
static const uint8_t ska_initial_names[SKA_SPARES][SKA_NAME_BYTES] = {{0}};
#endif
#define SKA_PREFILLED 0
#define SKA_INITIAL_AVERAGES 0

#endif
"""


def library_sources(plan: Plan) -> dict[str, str]:
    """Return the name and text of every source of a plan's library, without initial weights.

    Plans that compute the same integers have the same sources, so they share one library.
    """
    plan = _general(plan)
    paths = [*RUNTIME.glob("*.h"), RUNTIME / "ska.c", *LIBRARY.glob("*.[ch]")]
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(paths)}
    return {
        **files,
        "ska_plan.h": emit_plan(plan),
        "ska_tables.h": emit_tables(plan),
        "ska_rule.h": emit_rule(plan),
        "ska_state.h": emit_state(plan),
        "ska_weights.h": _NO_WEIGHTS,
    }


def _general(plan: Plan) -> Plan:
    """Return the plan without the values that do not affect the integers of learning."""
    random = plan.rule_definition.teacher in (SIGNS, CODE) or plan.replay.per_class > 0
    labels = tuple(str(number) for number in range(plan.classes))
    return replace(plan, labels=labels, seed=plan.seed if random else 0, raw=None, front=None)
