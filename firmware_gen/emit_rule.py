"""ska_rule.h: what one neuron computes, traced from `ska_edge.rule` with C expressions."""

from __future__ import annotations

import re

from firmware_gen.ops_c import COps, bare
from ska_edge.fixedpoint import Fixed
from ska_edge.plan import Plan
from ska_edge.rule import Argument, NeuronFunction, neuron_functions

_HEADER = """\
/* ska_rule.h - what one neuron computes. Generated from the plan {digest}; do not edit.
 *
 * Rule: {rule} - {summary}.
 * Every intermediate is commented with its fraction and its proven interval: none of \
them can overflow.
 */
#ifndef SKA_RULE_H
#define SKA_RULE_H

#include "ska_fixed.h"
#include "ska_tables.h"
"""


def emit_rule(plan: Plan) -> str:
    """The text of ska_rule.h for a plan."""
    rule = plan.rule_definition
    functions = neuron_functions(rule, plan.formats, plan.decision_table)
    parts = [_HEADER.format(digest=plan.digest, rule=rule.name, summary=rule.summary)]
    parts += [_function(f) for f in functions]
    parts.append("#endif\n")
    return "\n".join(parts)


def _stored_type(lo: int, hi: int) -> str:
    """The narrowest standard type for an interval."""
    for bits in (8, 16, 32):
        if -(1 << (bits - 1)) <= lo and hi < 1 << (bits - 1):
            return f"int{bits}_t"
    return "int64_t"


def _function(function: NeuronFunction) -> str:
    ops = COps()
    values = [_argument(ops, argument) for argument in function.arguments]
    result = function.body(*values)
    kind = _stored_type(result.lo, result.hi)
    arguments = ", ".join(f"{_stored_type(a.lo, a.hi)} {a.name}" for a in function.arguments)
    text = str(result.data)
    unused = [a.name for a in function.arguments if not _uses(a.name, [*ops.statements, text])]
    lines = [f"/* {function.summary}", *_notes(function), " */"]
    lines.append(f"static inline {kind} ska_rule_{function.name}({arguments}) {{")
    lines += [f"    (void){name};" for name in unused]
    lines += [f"    {statement}" for statement in ops.statements]
    value = bare(text) if kind in ("int32_t", "int64_t") else text
    cast = "" if ops.type_of(text) == kind else f"({kind})"
    lines.append(f"    return {cast}{value if not cast else text};")
    return "\n".join([*lines, "}", ""])


def _argument(ops: COps, argument: Argument) -> Fixed[str]:
    name = (
        f"(int32_t){argument.name}"
        if _stored_type(argument.lo, argument.hi)
        in (
            "int8_t",
            "int16_t",
        )
        else argument.name
    )
    return Fixed(ops, name, argument.frac, argument.lo, argument.hi)


def _notes(function: NeuronFunction) -> list[str]:
    return [
        f" *   {a.name}: {a.frac} fractional bits, in [{a.lo}, {a.hi}]" for a in function.arguments
    ]


def _uses(name: str, lines: list[str]) -> bool:
    return any(re.search(rf"\b{name}\b", line.split("/*")[0]) for line in lines)
