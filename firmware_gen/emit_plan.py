"""ska_plan.h, ska_tables.h and ska_weights.h: a plan's constants and a model's integers as C."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ska_edge.plan import LayerPlan, Plan, accumulator_width, range_proof


def _numbers(values: Iterable[int], per_line: int = 12) -> str:
    texts = [str(v) for v in values]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return ",\n    ".join(lines)


def emit_plan(plan: Plan) -> str:
    """The text of ska_plan.h: the sizes and constants that every other file needs."""
    digest = ", ".join(f"0x{plan.digest[i : i + 2]}" for i in range(0, 16, 2))
    heads = sum(layer.head for layer in plan.layers)
    target = plan.formats.decision.maximum
    proof = "\n".join(
        f" *   layer {b.layer}, {b.quantity}: [{b.lo}, {b.hi}], {b.width} bits"
        for b in range_proof(plan)
    )
    batch = (
        ""
        if plan.rule_definition.supervised
        else f"""
/* Rules without labels learn from a held batch. */
#define SKA_BATCH {plan.batch}
#define SKA_STEPS {plan.steps}
#define SKA_WIDEST_INPUT {max(layer.inputs for layer in plan.layers)}
"""
    )
    return f"""\
/* ska_plan.h - the constants of plan {plan.digest}. Generated; do not edit.
 *
 * Network {"-".join(str(s) for s in plan.sizes)}, rule {plan.rule}, precision {plan.precision}.
 *
 * No sum leaves its accumulator, whatever the input and the weights are:
{proof}
 */
#ifndef SKA_PLAN_H
#define SKA_PLAN_H

#define SKA_PLAN_DIGEST {{{digest}}}

#define SKA_INPUTS {plan.inputs}
#define SKA_INPUT_FRAC {plan.layers[0].input.frac} /* fractional bits of an input */
#define SKA_CLASSES {plan.classes}
#define SKA_LAYERS {len(plan.layers)}
#define SKA_HEADS {heads} /* hidden layers with a readout of their own */
#define SKA_NEURONS {sum(layer.outputs for layer in plan.layers)}
#define SKA_PARAMETER_COUNT {plan.parameter_count}
#define SKA_PARAMETER_BYTES {plan.parameter_bytes}

#define SKA_SUPERVISED {int(plan.rule_definition.supervised)}
#define SKA_ACCUMULATOR_BITS {accumulator_width(plan)}
#define SKA_TARGET {target} /* the decision a sample's own class should have */

/* Rate = mantissa * 2^-15 * 2^-shift = {plan.rate.real:.9g} */
#define SKA_RATE_MANTISSA {plan.rate.mantissa}
#define SKA_RATE_SHIFT {f"({plan.rate.shift})" if plan.rate.shift < 0 else plan.rate.shift}
{batch}
#endif
"""


def _matrix(plan: Plan, index: int, layer: LayerPlan, head: bool) -> str:
    """One row of the matrix tables; the device adds the rate's shift, which may change there."""
    offsets = {(t.layer, t.name): t.offset for t in plan.tensors()}
    kind = "head_" if head else ""
    rate = plan.rate.shift
    inputs, outputs = (layer.outputs, plan.classes) if head else (layer.inputs, layer.outputs)
    fraction = plan.formats.activation.frac if head else layer.input.frac
    forward = plan.head_forward_shift(layer) if head else plan.forward_shift(layer)
    update = plan.head_update_shift(layer) if head else plan.update_shift(layer)
    row = (
        offsets[index, f"{kind}weight"],
        offsets[index, f"{kind}bias"],
        inputs,
        outputs,
        fraction,
        forward,
        update - rate,
        plan.bias_update_shift(layer) - rate,
        plan.projection_shift(layer),
    )
    return "    {" + ", ".join(str(v) for v in row) + "},"


def emit_tables(plan: Plan) -> str:
    """The text of ska_tables.h: the decision table and one row of numbers a matrix."""
    first, total = [], 0
    for layer in plan.layers:
        first.append(total)
        total += layer.outputs
    layers = "\n".join(_matrix(plan, i, layer, False) for i, layer in enumerate(plan.layers))
    head_rows = [_matrix(plan, i, layer, True) for i, layer in enumerate(plan.layers) if layer.head]
    heads = ""
    if head_rows:
        rows = "\n".join(head_rows)
        heads = f"""
/* The readouts of hidden layers; the top hidden layer's is the output layer. */
static const ska_matrix_t ska_heads[SKA_HEADS] = {{
{rows}
}};
"""
    table = plan.decision_table
    return f"""\
/* ska_tables.h - the tables of plan {plan.digest}. Generated; do not edit. */
#ifndef SKA_TABLES_H
#define SKA_TABLES_H

#include <stdint.h>

#include "ska_plan.h"

/* sigmoid(z) at z = -8, -8 + 1/16, ..., 8 in {table.format.name}. */
static const int16_t ska_decision_table[{len(table.values)}] = {{
    {_numbers(table.values)}
}};

/* One matrix with its bias: where it stands in the parameters, its shape, and its shifts. */
typedef struct {{
    uint32_t weight;           /* offset of W, row-major */
    uint32_t bias;             /* offset of b */
    uint16_t inputs;           /* columns */
    uint16_t outputs;          /* rows */
    uint8_t bias_align;        /* W a has this many more fractional bits than b */
    uint8_t forward_shift;     /* from W a + b to the knowledge */
    uint8_t update_shift;      /* from step * a to a change of W, before the rate's shift */
    uint8_t bias_update_shift; /* from step to a change of b, before the rate's shift */
    uint8_t projection_shift;  /* from W^T e to the projection */
}} ska_matrix_t;

static const ska_matrix_t ska_layers[SKA_LAYERS] = {{
{layers}
}};
{heads}
/* Number of each layer's first neuron. */
static const uint16_t ska_first_neuron[SKA_LAYERS] = {{{", ".join(str(f) for f in first)}}};

#endif
"""


def emit_weights(plan: Plan, parameters: NDArray[np.integer]) -> str:
    """The text of ska_weights.h: the parameters (plan.parameter_count,) a device starts from."""
    blocks = []
    for t in plan.tensors():
        values = parameters[t.offset : t.offset + t.size].tolist()
        shape = " x ".join(str(n) for n in t.shape)
        blocks.append(
            f"    /* layer {t.layer}, {t.name}, {shape}, {t.format.name} */\n    {_numbers(values)}"
        )
    body = ",\n".join(blocks)
    return f"""\
/* ska_weights.h - the initial parameters for plan {plan.digest}. Generated; do not edit. */
#ifndef SKA_WEIGHTS_H
#define SKA_WEIGHTS_H

#include <stdint.h>

#include "ska_plan.h"

static const int16_t ska_initial_parameters[SKA_PARAMETER_COUNT] = {{
{body}
}};

#endif
"""
