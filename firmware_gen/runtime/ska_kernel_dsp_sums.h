/* ska_kernel_dsp_sums.h - W a for cores with DSP instructions; see ska_kernel_dsp.h, which includes
 * this file.
 */
#ifndef SKA_KERNEL_DSP_SUMS_H
#define SKA_KERNEL_DSP_SUMS_H

#include "ska_kernel_dsp_loads.h"

static inline ska_sum_t quad_dot(quad_t weights, quad_t inputs, ska_sum_t sum) {
    sum = PAIR_DOT(weights.low, inputs.low, sum);
    return PAIR_DOT(weights.high, inputs.high, sum);
}

#if SKA_ACCUMULATOR_BITS == 32

#define SKA_SUM_ROWS 2u
#define SKA_SUM_UNROLL SKA_UNROLL

/* Eight columns of two rows. Eight lanes, and eight weights of one row at a time, fill all
 * registers. */
#define DOT_EIGHT(sum)                                                                             \
    "smlad " sum ", r3, r8, " sum "\n\t"                                                           \
    "smlad " sum ", r4, r9, " sum "\n\t"                                                           \
    "smlad " sum ", r5, r10, " sum "\n\t"                                                          \
    "smlad " sum ", r6, r12, " sum "\n\t"

#define SUMS_OF_EIGHT                                                                              \
    LANES_LOAD("%[lanes]")                                                                         \
    WEIGHTS_LOAD("%[first]") DOT_EIGHT("%[a]") WEIGHTS_LOAD("%[second]") DOT_EIGHT("%[b]")

/* Repeats `columns` until the lanes end. `end` is in memory, because no register is left for it. */
#define SUMS_LOOP(columns)                                                                         \
    __asm__ volatile("1:\n\t" columns "ldr r8, %[end]\n\t"                                         \
                     "cmp %[lanes], r8\n\t"                                                        \
                     "bne 1b"                                                                      \
                     : [a] "+r"(a), [b] "+r"(b), [lanes] "+r"(lanes), [first] "+r"(first),         \
                       [second] "+r"(second)                                                       \
                     : [end] "m"(end)                                                              \
                     : BUSY, "cc", "memory");

static inline void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns, uint16_t left,
                                   const ska_lane_t *lanes, ska_sum_t sums[SKA_SUM_ROWS]) {
    const ska_weight_t *first = weight;
    const ska_weight_t *second = left > 1u ? weight + columns : weight;
    const ska_lane_t *const end = lanes + (columns - columns % EIGHT);
    int32_t a = 0;
    int32_t b = 0;
    if (columns % PASS >= EIGHT) {
        __asm__ volatile(SUMS_OF_EIGHT
                         : [a] "+r"(a), [b] "+r"(b), [lanes] "+r"(lanes), [first] "+r"(first),
                           [second] "+r"(second)
                         :
                         : BUSY, "memory");
    }
    if (__builtin_constant_p(columns) && columns % (2u * PASS) == 0u) {
        SUMS_LOOP(SUMS_OF_EIGHT SUMS_OF_EIGHT SUMS_OF_EIGHT SUMS_OF_EIGHT)
    } else if (columns >= PASS) {
        SUMS_LOOP(SUMS_OF_EIGHT SUMS_OF_EIGHT)
    }
    for (uint16_t i = 0; i < columns % EIGHT; i++) {
        const int32_t input = lanes[i];
        a += first[i] * input;
        b += second[i] * input;
    }
    sums[0] = a;
    sums[1] = b;
}

#else

#define SKA_SUM_ROWS 4u

static SKA_NOINLINE void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const ska_lane_t *lanes,
                                         ska_sum_t sums[SKA_SUM_ROWS]) {
    /* If fewer than four rows are left, the last row takes the place of each missing row. */
    const ska_weight_t *second = left > 1u ? weight + columns : weight;
    const ska_weight_t *third = left > 2u ? second + columns : second;
    const ska_weight_t *fourth = left > 3u ? third + columns : third;
    const ska_lane_t *end = lanes + (columns - columns % QUAD);
    ska_sum_t a = 0;
    ska_sum_t b = 0;
    ska_sum_t c = 0;
    ska_sum_t d = 0;
    /* The remaining columns at the end come first, so that the long loop has all registers. */
    for (uint16_t i = (uint16_t)(columns - columns % QUAD); i < columns; i++) {
        const int32_t input = lanes[i];
        a += (ska_sum_t)(ska_rule_forward_weight(weight[i]) * input);
        b += (ska_sum_t)(ska_rule_forward_weight(second[i]) * input);
        c += (ska_sum_t)(ska_rule_forward_weight(third[i]) * input);
        d += (ska_sum_t)(ska_rule_forward_weight(fourth[i]) * input);
    }
    SKA_UNROLL
    while (lanes != end) {
        const quad_t inputs = quad_load(&lanes);
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

#endif

#endif
