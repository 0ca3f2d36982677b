"""Writes ska_plan.h and ska_tables.h: the constants of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_gen.emit.c_ops import register_type, stored_type
from firmware_gen.emit.comment import input_names
from firmware_gen.emit.front import front_constants, sensor_constants
from firmware_gen.emit.weights import numbers, spare_constants
from firmware_gen.memory.residence import (
    flash_bytes,
    only_infers,
    place_in_state,
    ram_fields,
)
from ska_edge.arithmetic import random_words
from ska_edge.arithmetic.fixedpoint import width
from ska_edge.plan.layer import Matrix
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.range_proof import accumulator_width, range_proof, square_width, update_width
from ska_edge.plan.replay import FIFO
from ska_edge.rules.neuron import mean_format
from ska_edge.rules.rule import CODE, PAST, READOUT, SIGNS


def emit_plan(
    plan: Plan,
    names: Sequence[str] | None = None,
    crc: int = 0,
    in_flash: int = 0,
    sensor: bool = False,
) -> str:
    """Return the text of ska_plan.h: the sizes and constants for all other files.

    `names` are the names of the inputs, for a comment. `crc` is the `initial_crc`; it distinguishes
    models with the same plan. The first `in_flash` parameters stay in flash. `sensor` tells whether
    the device takes samples of its own sensor.
    """
    model = f"{plan.digest}_{crc:08x}"
    digest = ", ".join(f"0x{plan.digest[i : i + 2]}" for i in range(0, 16, 2))
    readouts = sum(layer.readout is not None for layer in plan.layers)
    neurons = sum(layer.outputs for layer in plan.layers)
    target = plan.formats.decision.maximum
    knowledge = plan.formats.knowledge
    fast = register_type(knowledge.minimum, knowledge.maximum)
    weight, signal = plan.layers[0].matrix.weight, plan.layers[0].input
    rule, teacher = plan.rule_words, plan.rule_definition.teacher
    integers = plan.raw is not None and not plan.raw_float
    even = int(_even_rows(plan, in_flash))
    proof = "\n".join(
        f" *   layer {b.layer}, {b.quantity}: [{b.lo}, {b.hi}], {b.width} bits"
        for b in range_proof(plan)
    )
    if names is not None:
        proof += f"\n{input_names(names)}"
    own_sensor = sensor_constants(plan.front if sensor else None)
    return f"""\
/* ska_plan.h - the constants of plan {plan.digest}. Generated; do not edit.
 *
 * Network {"-".join(str(s) for s in plan.sizes)}, rule {rule}, precision {plan.precision}.
 *
 * No sum overflows its accumulator, for any input and any weights:
{proof}
 */
#ifndef SKA_PLAN_H
#define SKA_PLAN_H
#define SKA_MODEL_{model} 1

#include <stdint.h>

/* Objects of two models with this prefix do not link: each object refers to its model's symbol,
 * which ska.c defines. The reference is in a section that no device loads. */
#if defined(__GNUC__) && defined(__ELF__)
#define SKA_MODEL_SYMBOL "ska_all_objects_have_model_{model}"
__asm__(".pushsection .debug_ska_model,\\"\\",%progbits\\n"
        ".long " SKA_MODEL_SYMBOL "\\n"
        ".popsection");
#endif

typedef int{weight.bits}_t ska_weight_t; /* a stored weight */
typedef int{signal.bits}_t ska_signal_t; /* an input or an activation */
typedef {stored_type(knowledge.minimum, knowledge.maximum)} ska_knowledge_t; /* z */
typedef {fast} ska_knowledge_fast_t; /* z in computations */
#define SKA_KNOWLEDGE_MIN ({knowledge.minimum})
#define SKA_KNOWLEDGE_MAX {knowledge.maximum}
#define SKA_WEIGHT_BITS {weight.bits}
#define SKA_WEIGHT_MIN INT{weight.bits}_MIN
#define SKA_WEIGHT_MAX INT{weight.bits}_MAX
#define SKA_SIGNAL_BYTES {signal.bits // 8}

#define SKA_PLAN_DIGEST {{{digest}}}

#define SKA_INPUTS {plan.inputs}
#define SKA_INPUT_BYTES {plan.inputs * signal.bits // 8}
#define SKA_INPUT_FRAC {plan.layers[0].input.frac} /* fractional bits of an input */
#define SKA_CLASSES {plan.classes}
{spare_constants(plan)}#define SKA_LAYERS {len(plan.layers)}
#define SKA_EACH_LAYER(DO) {_each(0, plan)}
#define SKA_EACH_LEARNED(DO) {_each(plan.first_learned, plan)}
#define SKA_READOUTS {readouts} /* hidden layers with a readout of their own */
#define SKA_NEURONS {neurons}
#define SKA_ROWS {neurons + readouts * plan.classes} /* rows of all matrices, readouts included */
#define SKA_PARAMETER_COUNT {plan.parameter_count}
#define SKA_PARAMETER_BYTES {plan.parameter_bytes}
#define SKA_STATE_BYTES {plan.state_bytes} /* counters, parameters, ...; see ska_state */
#define SKA_STATE_PARAMETERS {place_in_state(plan)}u /* offset of the parameters in the state */
#define SKA_STATE_RUNS(DO) {_runs(plan, in_flash)} /* DO(end in RAM, width of a number) */
#define SKA_FLASH_COUNT {in_flash} /* the first parameters never change and stay in flash */
#define SKA_FLASH_BYTES {flash_bytes(plan, in_flash)}
#define SKA_RAM_COUNT (SKA_PARAMETER_COUNT - SKA_FLASH_COUNT)
#define SKA_SAVED_BYTES (SKA_STATE_BYTES - SKA_FLASH_BYTES) /* the part of the state in RAM */
#define SKA_INFERENCE_ONLY {int(only_infers(plan, in_flash))} /* 1 if the network only classifies */
#define SKA_WIDEST_INPUT {max(layer.inputs for layer in plan.layers)}
#define SKA_EVEN_ROWS {even} /* 1 if each row of weights has an even offset */

#define SKA_SUPERVISED {int(teacher != PAST)}
#define SKA_ACCUMULATOR_BITS {accumulator_width(plan)}
#define SKA_SUM_SPARE {int(_sums_have_spare_bits(plan))} /* 1 if the sums leave three bits unused */
#define SKA_UPDATE_BITS {update_width(plan)}
#define SKA_TARGET {target} /* the target decision for the sample's class */
#define SKA_REGRESSION {int(plan.regression)} /* 1 if the outputs are values, not decisions */
#define SKA_FIRST_LEARNED {plan.first_learned} /* the lowest layer that learns */
#define SKA_MARGIN {plan.margin} /* a sample whose errors are all smaller changes no weight */
#define SKA_RELU {int(plan.rule_definition.relu)} /* 1 if hidden layers pass on max(0, z) */
#define SKA_LEAST_CONFIDENCE {plan.least_confidence} /* below it, the class is unknown; 0: never */
#define SKA_NORMALIZED {int(plan.normalized)} /* 1 if a large input lowers the rate of its sample */
#define SKA_DECAY_TIMES {plan.decay.times} /* how many times the rate halves by itself */
#define SKA_DECAY_SAMPLES {plan.decay.samples}u /* from one of these halvings to the next */
#define SKA_RATE_VARIES {int(plan.rate_varies)} /* 1 if a step's rate is not that of the state */
#define SKA_RUNNING_NORMALIZATION {int(plan.running_normalization)} /* 1: averages scale inputs */
#define SKA_RAW_INPUT {int(integers)} /* 1 if raw integers can be standardized */
#define SKA_RAW_FLOAT {int(plan.raw_float)} /* 1 if raw floats can be standardized */

/* What determines the shift of a hidden layer. */
#define SKA_TEACHER_READOUT {int(teacher == READOUT)}
#define SKA_TEACHER_SIGNS {int(teacher == SIGNS)}
#define SKA_TEACHER_CODE {int(teacher == CODE)}
{_draws(plan)}{_targets(plan)}
#define SKA_REPLAY_SLOTS {plan.replay.per_class} /* samples in the replay buffer per class */
#define SKA_REPLAY_FIFO {int(plan.replay.kind == FIFO)} /* 1 if the buffer keeps the last samples */
#define SKA_REPLAYS {plan.replay.per_sample} /* stored samples learned with each new sample */

/* Rate = mantissa * 2^-15 * 2^-shift = {plan.rate.real:.9g} */
#define SKA_RATE_MANTISSA {plan.rate.mantissa}
#define SKA_RATE_SHIFT {f"({plan.rate.shift})" if plan.rate.shift < 0 else plan.rate.shift}
#define SKA_RATE_HALVINGS_MAX {plan.rate_halvings_max} /* with more, a shift would exceed 31 */
{_square(plan)}{_mean(plan)}{_batch(plan)}{front_constants(plan.front)}{own_sensor}
#elif !defined(SKA_MODEL_{model})
#error "two models have the prefix ska_ here; write the firmware of one with another name"
#endif
"""


def _each(first: int, plan: Plan) -> str:
    """Return "DO(layer)" for every layer from `first` on; each DO has its layer as a constant."""
    return " ".join(f"DO({layer})" for layer in range(first, len(plan.layers)))


def _runs(plan: Plan, in_flash: int) -> str:
    """Return "DO(end, width)" for each run of the state in RAM with numbers of one width."""
    ends: dict[int, int] = {}
    end = 0
    for field in ram_fields(plan, in_flash):
        end += field.size
        ends[field.width] = end
    return " ".join(f"DO({end}u, {width}u)" for width, end in ends.items())


def _even_rows(plan: Plan, in_flash: int) -> bool:
    """Tell whether every row has an even offset, so that kernels can load two weights at once.

    The offsets count from the beginning of the memory that the row is in.
    """
    weights = [t for t in plan.tensors() if t.name.endswith("weight")]
    offsets = [t.offset if t.offset < in_flash else t.offset - in_flash for t in weights]
    return all(offset % 2 == 0 for offset in offsets) and all(t.shape[1] % 2 == 0 for t in weights)


def _sums_have_spare_bits(plan: Plan) -> bool:
    """Tell whether the sums of all layers, after alignment and with rounding, fit 29 bits."""
    sums = [bound for bound in range_proof(plan) if bound.quantity.endswith("knowledge sum")]
    return all(width(8 * bound.lo, 8 * bound.hi) == 32 for bound in sums)


def _draws(plan: Plan) -> str:
    """Return the constants for the random words that the plan needs (see ska_draw.h)."""
    keys = {}
    if plan.rule_definition.teacher == SIGNS:
        keys["SIGNS"] = random_words.SIGNS
    if plan.rule_definition.teacher == CODE:
        keys["CODE_PRESENCE"] = random_words.CODE_PRESENCE
        keys["CODE_SIGNS"] = random_words.CODE_SIGNS
    if plan.replay.per_class:
        keys["REPLAY"] = random_words.REPLAY
    lines = [
        f"#define SKA_{name}_KEY 0x{random_words.key(plan.seed, stream):08X}u"
        for name, stream in keys.items()
    ]
    if "SIGNS" in keys:
        lines.append(
            f"#define SKA_SIGNS_SHIFT {plan.signs_shift} /* from the sum to a projection */"
        )
    if "REPLAY" in keys:
        after = plan.replay.after_most_seen
        lines.append(
            f"#define SKA_MOST_SEEN {plan.replay.most_seen} /* the largest count of a class */"
        )
        lines.append(
            f"#define SKA_AFTER_MOST_SEEN {after} /* the count that follows the largest */"
        )
    return "".join(f"{line}\n" for line in lines)


def _targets(plan: Plan) -> str:
    """Return the constants of a regression."""
    if plan.output is None:
        return ""
    return f"""
/* A regression has SKA_TARGETS targets, and a value of each. Both are integers of 16 bits. In the
 * unit of the training data, a value is integer * 2^-SKA_TARGET_FRAC * scale + mean; the file
 * ska-project.json of the project has target_scale and target_mean of each target. */
#define SKA_TARGETS SKA_CLASSES
#define SKA_TARGET_BYTES {2 * plan.classes}
#define SKA_TARGET_FRAC {plan.output.frac} /* fractional bits of a target and of a value */
"""


def _square(plan: Plan) -> str:
    """Return the type of the sum of the squares of an input, if the step is normalized."""
    if not plan.normalized:
        return ""
    return f"""
typedef int{square_width(plan)}_t ska_square_t; /* the sum of the squares of an input */
"""


def _mean(plan: Plan) -> str:
    """Return the type of the running mean of an input, if inputs are normalized by it."""
    if not plan.running_normalization:
        return ""
    mean = mean_format(plan.layers[0].input)
    return f"""
typedef int{mean.bits}_t ska_mean_t; /* the running mean of an input */
"""


def _batch(plan: Plan) -> str:
    """Return the constants of rules without labels; these rules learn from a held batch."""
    if plan.rule_definition.supervised:
        return ""
    return f"""
/* Rules without labels learn from a held batch. */
#define SKA_BATCH {plan.batch}
#define SKA_STEPS {plan.steps}
"""


def _matrix(plan: Plan, index: int, kind: str, matrix: Matrix) -> str:
    """Return one row of the matrix tables: offsets, sizes and shifts."""
    offsets = {(t.layer, t.name): t.offset for t in plan.tensors()}
    row = (
        offsets[index, f"{kind}weight"],
        offsets[index, f"{kind}bias"],
        matrix.inputs,
        matrix.outputs,
        plan.sum_align(matrix),
        plan.bias_align(matrix),
        plan.forward_shift(matrix),
        plan.update_shift(matrix),
        plan.bias_update_shift(matrix),
        plan.projection_shift(matrix),
    )
    return "    {" + ", ".join(str(v) for v in row) + "},"


def _raw_tables(plan: Plan) -> str:
    """Return the integers that standardize raw features."""
    if plan.raw is None:
        return ""
    raw = plan.raw
    multiplier = stored_type(0, max(raw.multipliers))
    offset = stored_type(min(raw.offsets), max(raw.offsets))
    return f"""
/* A raw feature becomes round(raw * multiplier + offset); both have {raw.frac}
 * fractional bits. */
static const {multiplier} ska_raw_multiplier[SKA_INPUTS] SKA_CONST = {{
    {numbers(raw.multipliers, 8)}
}};
static const {offset} ska_raw_offset[SKA_INPUTS] SKA_CONST = {{
    {numbers(raw.offsets, 6)}
}};
#define SKA_RAW_MULTIPLIER(i) {_reader(multiplier)}(&ska_raw_multiplier[i])
#define SKA_RAW_OFFSET(i) {_reader(offset)}(&ska_raw_offset[i])
{_point_table(raw.points)}"""


def _point_table(points: tuple[int, ...] | None) -> str:
    """Return the exponents that make integers of raw floats; "" if raw features are integers."""
    if points is None:
        return ""
    return f"""
/* A raw float is first multiplied by 2^point and rounded to an integer. */
static const int16_t ska_raw_point[SKA_INPUTS] SKA_CONST = {{
    {numbers(points)}
}};
#define SKA_RAW_POINT(i) ska_const_i16(&ska_raw_point[i])
"""


def _reader(kind: str) -> str:
    """Return the function of ska_const.h that reads a constant of a C type such as int16_t."""
    return f"ska_const_i{kind.removeprefix('int').removesuffix('_t')}"


def emit_tables(plan: Plan) -> str:
    """Return the text of ska_tables.h: tables of decisions, of matrices, and for raw features."""
    first = [plan.first_neuron(layer) for layer in range(len(plan.layers))]
    layers = "\n".join(_matrix(plan, i, "", layer.matrix) for i, layer in enumerate(plan.layers))
    readout_rows = [
        _matrix(plan, i, "readout_", layer.readout)
        for i, layer in enumerate(plan.layers)
        if layer.readout is not None
    ]
    readouts = ""
    if readout_rows:
        rows = "\n".join(readout_rows)
        readouts = f"""
/* The readouts of the hidden layers, except the top one, which uses the output layer. */
static const ska_matrix_t ska_readouts[SKA_READOUTS] = {{
{rows}
}};
"""
    table = plan.decision_table
    limit = PRECISIONS[plan.precision].table_limit
    return f"""\
/* ska_tables.h - the tables of plan {plan.digest}. Generated; do not edit. */
#ifndef SKA_TABLES_H
#define SKA_TABLES_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* sigmoid(z) at z = -{limit}, -{limit} + 1/16, ..., {limit} in {table.format.name}. */
static const int16_t ska_decision_table[{len(table.values)}] SKA_CONST = {{
    {numbers(table.values)}
}};

/* One matrix with its bias: its position in the parameters, its shape, and its shifts. */
typedef struct {{
    uint32_t weight;           /* offset of W, row-major */
    uint32_t bias;             /* offset of b */
    uint16_t inputs;           /* columns */
    uint16_t outputs;          /* rows */
    uint8_t sum_align;         /* the sum has this many more fractional bits than W a */
    uint8_t bias_align;        /* the sum has this many more fractional bits than b */
    uint8_t forward_shift;     /* from the sum to the knowledge */
    int8_t update_shift;       /* from step * a to a change of W, before the rate's shift */
    int8_t bias_update_shift;  /* from step to a change of b, before the rate's shift */
    int8_t projection_shift;   /* from W^T e to the projection, if the rule has one */
}} ska_matrix_t;

static const ska_matrix_t ska_layers[SKA_LAYERS] = {{
{layers}
}};
{readouts}
/* Number of each layer's first neuron. */
static const uint16_t ska_first_neuron[SKA_LAYERS] = {{{", ".join(str(f) for f in first)}}};
{_raw_tables(plan)}
#endif
"""
