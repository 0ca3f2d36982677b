/* ska_kernel_dsp.h - the loops over weights for cores with DSP instructions (Cortex-M4, M7, M33);
 * see ska_kernel.h.
 *
 * A lane is an input in 16 bits, so that a register holds two lanes, like two weights. Per 16-bit
 * weight, the sums take one instruction and the update three.
 */
#ifndef SKA_KERNEL_DSP_H
#define SKA_KERNEL_DSP_H

#include "ska.h"
#include "ska_accumulator.h"
#include "ska_fixed_dsp.h"
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

#define QUAD 4u     /* numbers loaded at once */
#define UNROLLED 8u /* columns per pass of a loop */

/* --- loads and stores ------------------------------------------------------------------------- */

typedef struct {
    ska_pair_t low; /* the first two */
    ska_pair_t high;
} quad_t;

typedef struct __attribute__((packed, may_alias)) {
    uint32_t word;
} loose_word_t;

/* Four numbers at a multiple of 4 bytes. This suffices for LDRD and STRD, but no C type expresses
 * it. */
static inline quad_t quad_load(const int16_t **place) {
    quad_t quad;
    __asm__ volatile("ldrd %0, %1, [%2], #8"
                     : "=&r"(quad.low), "=&r"(quad.high), "+&r"(*place)
                     :
                     : "memory");
    return quad;
}

static inline void quad_store(int16_t **place, quad_t quad) {
    __asm__ volatile("strd %1, %2, [%0], #8"
                     : "+&r"(*place)
                     : "r"(quad.low), "r"(quad.high)
                     : "memory");
}

/* Four bytes at any address. */
static inline uint32_t bytes_load(const int8_t *place) {
    return ((const loose_word_t *)(const void *)place)->word;
}

/* Four weights. Rows begin at a multiple of 4 bytes if all widths are even. Otherwise this uses two
 * loads, which these cores can do at any address. */
static inline quad_t weights_at(const int16_t *place) {
    quad_t quad;
#if SKA_EVEN_ROWS
    __asm__ volatile("ldrd %0, %1, [%2]"
                     : "=&r"(quad.low), "=&r"(quad.high)
                     : "r"(place)
                     : "memory");
#else
    const loose_word_t *words = (const loose_word_t *)(const void *)place;
    quad.low = words[0].word;
    quad.high = words[1].word;
#endif
    return quad;
}

static inline quad_t weights_load(const int16_t **place) {
#if SKA_EVEN_ROWS
    return quad_load(place);
#else
    const quad_t quad = weights_at(*place);
    *place += QUAD;
    return quad;
#endif
}

static inline void weights_store(int16_t **place, quad_t quad) {
#if SKA_EVEN_ROWS
    quad_store(place, quad);
#else
    loose_word_t *words = (loose_word_t *)(void *)*place;
    words[0].word = quad.low;
    words[1].word = quad.high;
    *place += QUAD;
#endif
}

/* --- lanes ------------------------------------------------------------------------------------ */

/* The inputs times 2^exponent in 16 bits; the buffer has room for whole quads. */
static inline const ska_lane_t *lanes_make(ska_t *ska, const ska_signal_t *inputs, uint16_t columns,
                                           uint8_t exponent) {
    const uint32_t mask = ska_pair_mask(exponent);
    int16_t *lane = ska->lanes;
    for (const int16_t *end = lane + columns; lane < end;) {
        quad_t quad;
        ska_pair_widen(bytes_load(inputs), &quad.low, &quad.high);
        quad.low = ska_pair_scaled(quad.low, exponent, mask);
        quad.high = ska_pair_scaled(quad.high, exponent, mask);
        quad_store(&lane, quad);
        inputs += QUAD;
    }
    return ska->lanes;
}

#include "ska_kernel_lanes.h"

/* Whole words first, at any address. */
static inline void ska_kernel_copy(ska_signal_t *to, const ska_signal_t *from, uint16_t count) {
    const ska_signal_t *end = from + (count - count % QUAD);
    while (from != end) {
        ((loose_word_t *)(void *)to)->word = bytes_load(from);
        to += QUAD;
        from += QUAD;
    }
    for (uint16_t i = 0; i < count % QUAD; i++) {
        to[i] = from[i];
    }
}

/* --- the loops -------------------------------------------------------------------------------- */

/* A pair of weights as used in sums: ska_rule_forward_weight of both. */
static inline ska_pair_t pair_forward(ska_pair_t pair) {
#if SKA_FORWARD_BITS == 16
    return pair;
#else
    return ska_pair_upper_i8(pair);
#endif
}

static inline ska_sum_t quad_dot(quad_t weights, quad_t inputs, ska_sum_t sum) {
    sum = PAIR_DOT(pair_forward(weights.low), inputs.low, sum);
    return PAIR_DOT(pair_forward(weights.high), inputs.high, sum);
}

#define SKA_SUM_ROWS 4u

static SKA_NOINLINE void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const ska_lane_t *lanes,
                                         ska_sum_t sums[SKA_SUM_ROWS]) {
    /* Missing rows repeat the previous one. */
    const ska_weight_t *second = left > 1u ? weight + columns : weight;
    const ska_weight_t *third = left > 2u ? second + columns : second;
    const ska_weight_t *fourth = left > 3u ? third + columns : third;
    const ska_lane_t *end = lanes + (columns - columns % UNROLLED);
    ska_sum_t a = 0;
    ska_sum_t b = 0;
    ska_sum_t c = 0;
    ska_sum_t d = 0;
    /* The remaining columns at the end come first, so that the long loop has all registers. */
    for (uint16_t i = (uint16_t)(columns - columns % UNROLLED); i < columns; i++) {
        const int32_t input = lanes[i];
        a += (ska_sum_t)(ska_rule_forward_weight(weight[i]) * input);
        b += (ska_sum_t)(ska_rule_forward_weight(second[i]) * input);
        c += (ska_sum_t)(ska_rule_forward_weight(third[i]) * input);
        d += (ska_sum_t)(ska_rule_forward_weight(fourth[i]) * input);
    }
    while (lanes != end) {
        quad_t inputs = quad_load(&lanes);
        a = quad_dot(weights_load(&weight), inputs, a);
        b = quad_dot(weights_load(&second), inputs, b);
        c = quad_dot(weights_load(&third), inputs, c);
        d = quad_dot(weights_load(&fourth), inputs, d);
        inputs = quad_load(&lanes);
        a = quad_dot(weights_load(&weight), inputs, a);
        b = quad_dot(weights_load(&second), inputs, b);
        c = quad_dot(weights_load(&third), inputs, c);
        d = quad_dot(weights_load(&fourth), inputs, d);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

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
        const ska_pair_t first = pair_forward(quad.low);
        const ska_pair_t second = pair_forward(quad.high);
        const int32_t error = errors[row];
        a = FIRST_TIMES(first, error, a);
        b = SECOND_TIMES(first, error, b);
        c = FIRST_TIMES(second, error, c);
        d = SECOND_TIMES(second, error, d);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* Updates weights of two rows with the same lanes. The second row is stored first, because a row
 * may be its own second row, with a second step of 0. */
static inline void quads_change(ska_weight_t **first, ska_weight_t **second,
                                const ska_lane_t **lanes, ska_pair_t steps) {
    const quad_t inputs = quad_load(lanes);
    quad_t a = weights_at(*first);
    quad_t b = weights_at(*second);
    a.low = ska_pair_add(a.low, ska_pair_change_16(steps, inputs.low));
    a.high = ska_pair_add(a.high, ska_pair_change_16(steps, inputs.high));
    b.low = ska_pair_add(b.low, ska_pair_change_16_by_second(steps, inputs.low));
    b.high = ska_pair_add(b.high, ska_pair_change_16_by_second(steps, inputs.high));
    weights_store(second, b);
    weights_store(first, a);
}

/* The columns from `column` on, one by one. */
static SKA_NOINLINE void columns_change(const ska_change_t *change, uint16_t column,
                                        ska_weight_t *weight, int_fast16_t step) {
    for (; column < change->columns; column++) {
        weight[column] =
            SKA_WEIGHT_ADD(weight[column], (int32_t)step * change->lanes[column], change->shift);
    }
}

static SKA_NOINLINE void ska_kernel_update(const ska_change_t *change, ska_weight_t *first,
                                           ska_weight_t *second, int_fast16_t first_step,
                                           int_fast16_t second_step) {
    const uint16_t columns = change->columns;
    const uint16_t fast =
        change->shift == (int8_t)SKA_FAST_SHIFT ? (uint16_t)(columns - columns % UNROLLED) : 0u;
    if (fast != columns) {
        columns_change(change, fast, first, first_step);
        if (second_step != 0) {
            columns_change(change, fast, second, second_step);
        }
    }
    const ska_pair_t steps = ska_pair_lower((uint32_t)first_step, (uint32_t)second_step);
    const ska_lane_t *lanes = change->lanes;
    for (const ska_lane_t *end = lanes + fast; lanes != end;) {
        quads_change(&first, &second, &lanes, steps);
        quads_change(&first, &second, &lanes, steps);
    }
}

#endif
