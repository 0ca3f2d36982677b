"""Writes ska_state.h: the struct `ska_t` of one plan, from the table in memory/members.py."""

from __future__ import annotations

from itertools import groupby

from firmware_gen.memory.members import ANY, Member, members
from firmware_gen.memory.residence import only_infers
from ska_edge.plan.plan import Plan

_LEARNS = """\
/* A network. The fields are for reading, in a debugger or a test.
 *
 * The members that learning changes come first, larger elements before smaller ones, so that no
 * core puts padding between them. These SKA_SAVED_BYTES bytes are the state, without the parameters
 * in flash: a host compares them and a save contains them (see ska_state). Forward passes and
 * updates compute the other members. The headroom, if there is one, is kept from update to update;
 * in a new state it is 0. Neurons are numbered through all layers, the output layer last.
 */"""
_INFERS = """\
/* A network that only classifies: all parameters are in flash, and every forward pass computes
 * these members again. The fields are for reading, in a debugger or a test.
 */"""


def emit_state(plan: Plan, in_flash: int = 0) -> str:
    """Return the text of ska_state.h; members that only some cores have are inside an #if.

    The first `in_flash` parameters are in flash.
    """
    parts = groupby(members(plan, ANY, in_flash), lambda member: member.part)
    body = "\n\n".join(_part(name, list(group)) for name, group in parts)
    return f"""\
/* ska_state.h - the memory of plan {plan.digest}. Generated; do not edit. */
#ifndef SKA_STATE_H
#define SKA_STATE_H

#include <stdint.h>

#include "ska_plan.h"
#include "ska_target.h"

{_INFERS if only_infers(plan, in_flash) else _LEARNS}
typedef struct {{
{body}
}} ska_t;

#endif
"""


def _part(name: str, group: list[Member]) -> str:
    """Return the lines of consecutive members with the same purpose and the same guard."""
    lines = [f"    /* {name.capitalize()}. */", *map(_line, group)]
    guard = group[0].guard
    if guard is not None:
        lines = [f"#{guard}", *lines, "#endif"]
    return "\n".join(lines)


def _line(member: Member) -> str:
    field = member.field
    kind = member.kind or f"{'u' if field.kind[1] == 'u' else ''}int{8 * field.width}_t"
    lengths = "".join(
        f"[{f'SKA_{name.upper()}' if name else length}]" for name, length in field.axes
    )
    return f"    {kind} {field.name}{lengths}; /* {field.note} */"
