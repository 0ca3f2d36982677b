"""Says which parameters of a firmware stay in flash, because they never change.

The parameters of a plan are in the order of its layers, so the frozen ones come first: the layers
below the readout of a readout-only model, or all layers of a firmware that only classifies. The
number of them, `in_flash`, determines the members of `ska_t` and the constants of ska_plan.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ska_edge.plan.plan import Plan
from ska_edge.plan.state_field import StateField

AVR_LARGEST = 32_767  # bytes of the largest array that gcc for AVR accepts


def frozen(plan: Plan) -> int:
    """Return the number of parameters below the first layer that learns."""
    return next(t.offset for t in plan.tensors() if t.layer == plan.first_learned)


def in_flash(plan: Plan, inference_only: bool) -> int:
    """Return the number of parameters that stay in flash."""
    return plan.parameter_count if inference_only else frozen(plan)


def can_read(plan: Plan, kernel: str) -> bool:
    """Tell whether a core with this kernel can read all weights of a plan in flash."""
    return kernel != "avr" or plan.parameter_bytes <= AVR_LARGEST


def flash_bytes(plan: Plan, count: int) -> int:
    """Return the bytes of the first `count` parameters."""
    return count * plan.formats.weight_bits // 8


def only_infers(plan: Plan, count: int) -> bool:
    """Tell whether a firmware with this number of parameters in flash only classifies."""
    return count == plan.parameter_count


def ram_fields(plan: Plan, count: int) -> Iterator[StateField]:
    """Return the fields of the state that are in RAM, with which `ska_t` begins.

    A firmware that only classifies has none: its counters and samples would always be zero.
    """
    if only_infers(plan, count):
        return
    for field in plan.state_fields():
        if field.name == "parameters" and count:
            axes = (("ram_count", plan.parameter_count - count),)
            note = f"{field.note}; the first SKA_FLASH_COUNT are in flash"
            yield replace(field, axes=axes, note=note)
        else:
            yield field


def saved_bytes(plan: Plan, count: int) -> int:
    """Return the number of bytes of the state that are in RAM, and so in a save."""
    return sum(field.size for field in ram_fields(plan, count))


def place_in_state(plan: Plan) -> int:
    """Return the offset of the parameters in the state, in bytes."""
    place = 0
    for field in plan.state_fields():
        if field.name == "parameters":
            break
        place += field.size
    return place
