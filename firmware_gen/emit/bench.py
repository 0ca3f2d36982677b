"""Writes headers for an image that measures itself: the network, samples, and float weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ska_edge.plan.plan import Plan


def emit_network(plan: Plan, samples: int, counter_bits: int) -> str:
    """Return the text of bench_data.h: the sizes of the network, and the counter's range."""
    weights = sum(layer.outputs * (layer.inputs + 1) for layer in plan.layers)
    scale = _real(2.0 ** -plan.layers[0].input.frac)
    return f"""\
/* bench_data.h - the sizes of the measured network. Generated; do not edit. */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#define BENCH_INPUTS {plan.inputs}
#define BENCH_CLASSES {plan.classes}
#define BENCH_LAYERS {len(plan.layers)}
#define BENCH_SIZES {{{", ".join(str(size) for size in plan.sizes)}}}
#define BENCH_WIDEST {max(plan.sizes)}
#define BENCH_NEURONS {sum(layer.outputs for layer in plan.layers)}
#define BENCH_WEIGHTS {weights} /* with the biases */
#define BENCH_RATE {_real(plan.rate.real)}
#define BENCH_INPUT_SCALE {scale} /* value of the integer 1 in a sample */

#define BENCH_SAMPLES {samples}
#define BENCH_COUNTER_MASK 0x{2**counter_bits - 1:08X}u

#endif
"""


def emit_samples(plan: Plan, inputs: NDArray[np.int64], labels: NDArray[np.int64]) -> str:
    """Return the text of bench_samples.h: inputs (n, d) and labels (n,), in program memory."""
    kind = f"int{plan.layers[0].input.bits}"
    short = kind.replace("int", "i")
    rows = ",\n".join(f"    {{{_lines(map(str, row))}}}" for row in inputs.tolist())
    return f"""\
/* bench_samples.h - the samples that are learned, in this order. Generated; do not edit. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdint.h>

#include "bench_data.h"
#include "ska_const.h"

static const {kind}_t bench_samples[BENCH_SAMPLES][BENCH_INPUTS] SKA_CONST = {{
{rows}
}};

static const int16_t bench_labels[BENCH_SAMPLES] SKA_CONST = {{
    {_lines(map(str, labels.tolist()))}
}};
#define BENCH_SAMPLE(number, i) ska_const_{short}(&bench_samples[number][i])
#define BENCH_LABEL(number) ((uint16_t)ska_const_i16(&bench_labels[number]))

#endif
"""


def emit_weights(tensors: Sequence[NDArray[np.float64]]) -> str:
    """Return the text of bench_weights.h: the initial weights in float, W and b of every layer."""
    values = np.concatenate([tensor.ravel() for tensor in tensors])
    return f"""\
/* bench_weights.h - the initial weights: for every layer W, row after row, then b. Generated. */
#ifndef BENCH_WEIGHTS_H
#define BENCH_WEIGHTS_H

#include "bench_data.h"

#if defined(__AVR__)
#include <avr/pgmspace.h>
#define BENCH_CONST PROGMEM
#define BENCH_WEIGHT(i) pgm_read_float(&bench_weights[i])
#else
#define BENCH_CONST
#define BENCH_WEIGHT(i) bench_weights[i]
#endif

static const float bench_weights[BENCH_WEIGHTS] BENCH_CONST = {{
    {_lines(map(_real, values.tolist()), 6)}
}};

#endif
"""


def _lines(values: Iterable[str], per_line: int = 16) -> str:
    texts = list(values)
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return ",\n    ".join(lines)


def _real(value: float) -> str:
    """Return the C literal of type float with the nearest value."""
    text = f"{value:.9g}"
    return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"
