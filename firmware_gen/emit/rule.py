"""Writes ska_rule.h: the computations of one neuron, traced from `rules.functions`."""

from __future__ import annotations

import re
import textwrap

from firmware_gen.emit.c_ops import COps, bare, register_type
from ska_edge.arithmetic.fixedpoint import Fixed
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.plan.plan import Plan

LINE_LENGTH = 100

_HEADER = """\
/* ska_rule.h - the computations of one neuron. Generated from the plan {digest}; do not edit.
 *
 * Rule {rule}: {summary}.
 * A comment gives the fractional bits and the proven interval of every value; no value can
 * overflow.
 * Arguments and results that fit 16 bits have the core's fastest type of 16 bits or more; to store
 * a result, callers narrow it.
 */
#ifndef SKA_RULE_H
#define SKA_RULE_H

#include "ska_fixed.h"
#include "ska_tables.h"
"""


def emit_rule(plan: Plan) -> str:
    """Return the text of ska_rule.h for a plan."""
    rule = plan.rule_definition
    functions = plan.neuron_functions()
    parts = [_HEADER.format(digest=plan.digest, rule=rule.name, summary=rule.summary)]
    parts += [_function(f) for f in functions]
    parts.append("#endif\n")
    return "\n".join(parts)


def _function(function: FixedFunction) -> str:
    ops = COps()
    result = function.body(*(_argument(ops, argument) for argument in function.arguments))
    kind = register_type(result.lo, result.hi)
    text = str(result.data)
    unused = [a.name for a in function.arguments if not _uses(a.name, [*ops.statements, text])]
    returned = bare(text) if ops.type_of(text) == kind else f"({kind}){text}"
    lines = [f"/* {function.summary}", *_notes(function), " */", *_signature(function, kind)]
    lines += [f"    (void){name};" for name in unused]
    lines += [f"    {statement}" for statement in ops.statements]
    return "\n".join([*lines, f"    return {returned};", "}", ""])


def _signature(function: FixedFunction, kind: str) -> list[str]:
    """Return the head of a function, with its arguments wrapped to the line length."""
    start = f"static inline {kind} ska_rule_{function.name}("
    # The tilde keeps a type and its name on one line.
    arguments = ", ".join(f"{register_type(a.lo, a.hi)}~{a.name}" for a in function.arguments)
    indent = " " * len(start)
    lines = textwrap.wrap(f"{indent}{arguments})~{{", LINE_LENGTH, subsequent_indent=indent)
    lines[0] = start + lines[0].lstrip()
    return [line.replace("~", " ") for line in lines]


def _argument(ops: COps, argument: Argument) -> Fixed[str]:
    kind = register_type(argument.lo, argument.hi)
    name = f"(int32_t){argument.name}" if kind == "int_fast16_t" else argument.name
    if kind == "int64_t":
        ops.widen(name)
    ops.bounded(name, argument.lo, argument.hi)
    return Fixed(ops, name, argument.frac, argument.lo, argument.hi)


def _notes(function: FixedFunction) -> list[str]:
    return [
        f" *   {a.name}: {a.frac} fractional bits, in [{a.lo}, {a.hi}]" for a in function.arguments
    ]


def _uses(name: str, lines: list[str]) -> bool:
    return any(re.search(rf"\b{name}\b", line.split("/*")[0]) for line in lines)
