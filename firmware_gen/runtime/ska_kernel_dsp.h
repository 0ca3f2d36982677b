/* ska_kernel_dsp.h - the loops over weights for cores with DSP instructions (Cortex-M4, M7, M33);
 * see ska_kernel.h.
 *
 * A lane is an input in 16 bits, so that a register holds two lanes, like two weights. Per 16-bit
 * weight, the sums take 0.7 to 0.8 instructions and the update 2.5.
 */
#ifndef SKA_KERNEL_DSP_H
#define SKA_KERNEL_DSP_H

#include "ska.h"
#include "ska_accumulator.h"
#include "ska_fixed_dsp.h"
#include "ska_kernel_dsp_loads.h"
#include "ska_rule.h"

#if SKA_ACCUMULATOR_BITS == 32
#define PAIR_DOT ska_pair_dot_i32
#define FIRST_TIMES ska_pair_first_times_i32
#define SECOND_TIMES ska_pair_second_times_i32
#else
#define PAIR_DOT ska_pair_dot_i64
#define FIRST_TIMES ska_pair_first_times_i64
#define SECOND_TIMES ska_pair_second_times_i64
#endif

/* --- lanes ------------------------------------------------------------------------------------ */

static inline void quad_make(int16_t **lane, const ska_signal_t *inputs, uint8_t exponent,
                             uint32_t mask) {
    quad_t quad;
    ska_pair_widen(bytes_load(inputs), &quad.low, &quad.high);
    quad.low = ska_pair_scaled(quad.low, exponent, mask);
    quad.high = ska_pair_scaled(quad.high, exponent, mask);
    quad_store(lane, quad);
}

/* Makes lanes: the inputs times 2^exponent, in 16 bits. The buffers hold a multiple of eight
 * numbers. */
static inline const ska_lane_t *lanes_make(ska_t *ska, const ska_signal_t *inputs, uint16_t columns,
                                           uint8_t exponent) {
    const uint32_t mask = ska_pair_mask(exponent);
    int16_t *lane = ska->lanes;
    for (const ska_signal_t *end = inputs + columns; inputs < end; inputs += EIGHT) {
        quad_make(&lane, inputs, exponent, mask);
        quad_make(&lane, inputs + QUAD, exponent, mask);
    }
    return ska->lanes;
}

#include "ska_kernel_lanes.h"

/* Copies words, at any addresses, and then the last bytes one by one. */
static inline void ska_kernel_copy(ska_signal_t *to, const ska_signal_t *from, uint16_t count) {
    const ska_signal_t *end = from + (count - count % EIGHT);
    for (; from != end; from += EIGHT) {
        bytes_store(to, bytes_load(from));
        bytes_store(to + QUAD, bytes_load(from + QUAD));
        to += EIGHT;
    }
    for (uint16_t i = 0; i < count % EIGHT; i++) {
        to[i] = from[i];
    }
}

/* --- the loops -------------------------------------------------------------------------------- */

#include "ska_kernel_dsp_sums.h"

#define SKA_BACK_COLUMNS 4u

static SKA_NOINLINE void ska_kernel_back(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const int16_t *errors, uint16_t rows,
                                         ska_sum_t sums[SKA_BACK_COLUMNS]) {
    if (left < SKA_BACK_COLUMNS) {
        for (uint16_t i = 0; i < left; i++) {
            sums[i] = 0;
            for (uint16_t row = 0; row < rows; row++) {
                const int32_t error = errors[row];
                const ska_weight_t entry = weight[(uint32_t)row * columns + i];
                sums[i] += (ska_sum_t)(ska_rule_forward_weight(entry) * error);
            }
        }
        return;
    }
    ska_sum_t a = 0;
    ska_sum_t b = 0;
    ska_sum_t c = 0;
    ska_sum_t d = 0;
    for (uint16_t row = 0; row < rows; row++) {
        const quad_t quad = weights_at(&weight[(uint32_t)row * columns]);
        const int32_t error = errors[row];
        a = FIRST_TIMES(quad.low, error, a);
        b = SECOND_TIMES(quad.low, error, b);
        c = FIRST_TIMES(quad.high, error, c);
        d = SECOND_TIMES(quad.high, error, d);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* Updates the columns from `column` on, one by one. */
static SKA_NOINLINE void columns_change(const ska_change_t *change, uint16_t column,
                                        ska_weight_t *weight, int_fast16_t step) {
    for (; column < change->columns; column++) {
        weight[column] =
            SKA_WEIGHT_ADD(weight[column], (int32_t)step * change->lanes[column], change->shift);
    }
}

/* Updates two weights: ska_pair_add(weights, ska_pair_change_16(step, lanes)). */
#define CHANGE_PAIR(lanes, weights)                                                                \
    "smlabb lr, " lanes ", %[step], %[half]\n\t"                                                   \
    "smlatb " lanes ", " lanes ", %[step], %[half]\n\t"                                            \
    "pkhtb " lanes ", " lanes ", lr, asr #16\n\t"                                                  \
    "qadd16 " weights ", " weights ", " lanes "\n\t"

#define CHANGE_EIGHT                                                                               \
    LANES_LOAD("%[lanes]")                                                                         \
    WEIGHTS_LOAD_HERE("%[weight]")                                                                 \
    CHANGE_PAIR("r3", "r8")                                                                        \
    CHANGE_PAIR("r4", "r9")                                                                        \
    CHANGE_PAIR("r5", "r10") CHANGE_PAIR("r6", "r12") WEIGHTS_STORE("%[weight]")

/* Updates the columns of a row in whole passes, with a shift of SKA_FAST_SHIFT. The lower half of
 * `step` is the step. The upper half counts the passes, because no other register is left; its
 * subtraction borrows in the last pass. */
static SKA_NOINLINE void passes_change(ska_weight_t *weight, const ska_lane_t *lanes,
                                       ska_pair_t step) {
    const int32_t half = 0x8000;
    __asm__ volatile("1:\n\t" CHANGE_EIGHT CHANGE_EIGHT "subs %[step], #0x10000\n\t"
                     "bcs 1b"
                     : [lanes] "+r"(lanes), [weight] "+r"(weight), [step] "+r"(step)
                     : [half] "r"(half)
                     : BUSY, "lr", "cc", "memory");
}

static SKA_NOINLINE void eight_change(ska_weight_t *weight, const ska_lane_t *lanes,
                                      int_fast16_t step) {
    const int32_t half = 0x8000;
    __asm__ volatile(CHANGE_EIGHT
                     : [lanes] "+r"(lanes), [weight] "+r"(weight)
                     : [step] "r"(step), [half] "r"(half)
                     : BUSY, "lr", "memory");
}

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *weight,
                                     int_fast16_t step) {
    const uint16_t columns = change->columns;
    const uint16_t passes = columns / PASS;
    uint16_t done = 0;
    if (change->shift == (int8_t)SKA_FAST_SHIFT) {
        if (passes > 0u) {
            passes_change(weight, change->lanes, ska_pair_lower((uint32_t)step, passes - 1u));
        }
        done = (uint16_t)(passes * PASS);
        if (columns % PASS >= EIGHT) {
            eight_change(weight + done, change->lanes + done, step);
            done = (uint16_t)(done + EIGHT);
        }
    }
    if (done != columns) {
        columns_change(change, done, weight, step);
    }
}

#endif
