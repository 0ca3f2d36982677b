"""Writes ska_weights.h: what a device starts with, such as its parameters and stored samples."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from firmware_gen.memory.residence import only_infers
from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan
from ska_edge.plan.spare import NAME_BYTES


def numbers(values: Iterable[int], per_line: int = 12) -> str:
    """Return numbers as the rows of a C array."""
    texts = [str(v) for v in values]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return ",\n    ".join(lines)


def spare_constants(plan: Plan) -> str:
    """Return the constants of the spare outputs."""
    if not plan.spares:
        return "#define SKA_SPARES 0 /* the last outputs, which can become classes later */\n"
    return f"""\
#define SKA_SPARES {plan.spares} /* the last outputs, which can become classes later */
#define SKA_NAMED {plan.named} /* classes of the plan */
#define SKA_NAME_BYTES {NAME_BYTES} /* of the name of an added class, at most */
"""


def _memory(plan: Plan, memory: Memory, in_flash: int) -> str:
    """Return the initial names, samples and averages for ska_weights.h; "" if there are none."""
    return _names(plan, memory) + _samples(plan, memory) + _averages(plan, memory, in_flash)


def _names(plan: Plan, memory: Memory) -> str:
    if not plan.spares:
        return ""
    rows = ",\n".join("    {" + ", ".join(map(str, name)) + "}" for name in memory.names.tolist())
    return f"""
/* The names of the classes that were added before this firmware was written. */
static const uint8_t ska_initial_names[SKA_SPARES][SKA_NAME_BYTES] SKA_CONST = {{
{rows}
}};
"""


def _samples(plan: Plan, memory: Memory) -> str:
    if not plan.replay.per_class:
        return ""
    text = (
        f"\n#define SKA_PREFILLED {memory.count} /* samples in the replay buffer at the start */\n"
    )
    if not memory.count:
        return text
    counts = ", ".join(str(len(samples)) for samples in memory.samples)
    rows = ",\n".join(
        "    {" + ", ".join(map(str, row)) + "}"
        for samples in memory.samples
        for row in samples.tolist()
    )
    return f"""{text}
/* How many samples each class has, and the samples, class by class. */
static const uint16_t ska_initial_seen[SKA_CLASSES] = {{{counts}}};
static const ska_signal_t ska_initial_samples[SKA_PREFILLED][SKA_INPUTS] SKA_CONST = {{
{rows}
}};
"""


def _averages(plan: Plan, memory: Memory, in_flash: int) -> str:
    if not plan.running_normalization:
        return ""
    text = f"""
#define SKA_INITIAL_AVERAGES {int(memory.moved)} /* 0 if a new state has averages of 0 */
"""
    if not memory.moved and not only_infers(plan, in_flash):
        return text
    return f"""{text}
/* The running averages of the inputs before this firmware was written. */
static const ska_mean_t ska_initial_mean[SKA_INPUTS] SKA_CONST = {{
    {numbers(memory.mean.tolist())}
}};
static const int16_t ska_initial_variance[SKA_INPUTS] SKA_CONST = {{
    {numbers(memory.variance.tolist())}
}};
"""


def initial_crc(plan: Plan, parameters: NDArray[np.integer], memory: Memory | None = None) -> int:
    """Return the CRC-32 of a device's initial `parameters`, (plan.parameter_count,), and memory."""
    crc = zlib.crc32(parameters.astype(f"<i{plan.formats.weight_bits // 8}").tobytes())
    for piece in memory.pieces(plan) if memory is not None else ():
        crc = zlib.crc32(piece, crc)
    return crc


def emit_weights(
    plan: Plan,
    parameters: NDArray[np.integer],
    in_flash: int = 0,
    memory: Memory | None = None,
) -> str:
    """Return the text of ska_weights.h: a device's initial parameters (plan.parameter_count,).

    `memory` is what else the device starts with. If some parameters stay in flash, the array is
    aligned, because kernels load several at once.
    """
    aligned = " SKA_ALIGNED" if in_flash else ""
    blocks = []
    for t in plan.tensors():
        values = parameters[t.offset : t.offset + t.size].tolist()
        shape = " x ".join(str(n) for n in t.shape)
        blocks.append(
            f"    /* layer {t.layer}, {t.name}, {shape}, {t.format.name} */\n    {numbers(values)}"
        )
    body = ",\n".join(blocks)
    return f"""\
/* ska_weights.h - the initial parameters for plan {plan.digest}. Generated; do not edit. */
#ifndef SKA_WEIGHTS_H
#define SKA_WEIGHTS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* CRC-32 of all initial data; ska_load loads no save with another CRC. */
#define SKA_INITIAL_CRC 0x{initial_crc(plan, parameters, memory):08x}u

static const ska_weight_t ska_initial_parameters[SKA_PARAMETER_COUNT] SKA_CONST{aligned} = {{
{body}
}};
{_memory(plan, memory or Memory.empty(plan), in_flash)}
#endif
"""
