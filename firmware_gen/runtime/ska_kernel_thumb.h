/* ska_kernel_thumb.h - the loops over weights for cores with the 16-bit Thumb instructions alone
 * (Cortex-M0, M0+, M1, M23); see ska_kernel.h.
 *
 * These cores have eight registers that can compute, no multiply-accumulate, and load signed
 * numbers only by two registers. The loops fit that when all numbers have 16 bits, so that one
 * offset serves inputs and weights; compilers do not find it, so they are written out. Sums
 * take 4.5 instructions a weight, the update 11.
 */
#ifndef SKA_KERNEL_THUMB_H
#define SKA_KERNEL_THUMB_H

#include "ska_accumulator.h"
#include "ska_kernel_back.h"
#include "ska_kernel_copy.h"
#include "ska_rule.h"

#define UPDATE_SHIFT 16 /* the shift of the fast update: the change is the upper half of a word */
#define LANE_BYTES 2

/* --- lanes ------------------------------------------------------------------------------------ */

/* The inputs times 2^exponent, in 16 bits. */
static inline const ska_lane_t *lanes_make(ska_t *ska, const ska_signal_t *inputs, uint16_t columns,
                                           uint8_t exponent) {
    for (uint16_t i = 0; i < columns; i++) {
        ska->lanes[i] = (ska_lane_t)ska_align_i32(inputs[i], exponent);
    }
    return ska->lanes;
}

static inline const ska_lane_t *ska_kernel_lanes(ska_t *ska, const ska_signal_t *inputs,
                                                 uint16_t columns) {
    return lanes_make(ska, inputs, columns, 0);
}

/* Inputs are scaled so that the change ends in the upper half of a word, where they stay inside 16
 * bits: with a shift of 8 to 16. */
static inline ska_change_t ska_kernel_change(ska_t *ska, const ska_signal_t *inputs,
                                             uint16_t columns, int8_t shift) {
    const uint8_t exponent =
        shift >= UPDATE_SHIFT - 8 && shift <= UPDATE_SHIFT ? (uint8_t)(UPDATE_SHIFT - shift) : 0u;
    const ska_change_t change = {lanes_make(ska, inputs, columns, exponent), columns,
                                 (int8_t)(shift + (int8_t)exponent)};
    return change;
}

/* --- the loops -------------------------------------------------------------------------------- */

#define SKA_SUM_ROWS 2u

static SKA_NOINLINE void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const ska_lane_t *lanes,
                                         ska_sum_t sums[SKA_SUM_ROWS]) {
    const ska_weight_t *next = left > 1u ? weight + columns : weight;
    int32_t offset = LANE_BYTES * (int32_t)columns - LANE_BYTES; /* from the last column down */
    int32_t a = 0;
    int32_t b = 0;
    int32_t input;
    int32_t product;
    __asm__ volatile(".syntax unified\n"
                     "1:\n\t"
                     "ldrsh %[input], [%[lanes], %[offset]]\n\t"
                     "ldrsh %[product], [%[weight], %[offset]]\n\t"
                     "muls %[product], %[input], %[product]\n\t"
                     "add %[a], %[a], %[product]\n\t"
                     "ldrsh %[product], [%[next], %[offset]]\n\t"
                     "muls %[product], %[input], %[product]\n\t"
                     "add %[b], %[b], %[product]\n\t"
                     "subs %[offset], #2\n\t"
                     "bpl 1b"
                     : [offset] "+l"(offset), [a] "+r"(a), [b] "+r"(b), [input] "=&l"(input),
                       [product] "=&l"(product)
                     : [lanes] "l"(lanes), [weight] "l"(weight), [next] "l"(next)
                     : "cc", "memory");
    sums[0] = a;
    sums[1] = b;
}

/* One row, its change in the upper half of a word: the sum of weight and change is formed up there,
 * so that the overflow flag tells where to saturate. */
static SKA_NOINLINE void row_change(const ska_change_t *change, ska_weight_t *weight,
                                    int_fast16_t step) {
    int32_t offset = LANE_BYTES * (int32_t)change->columns - LANE_BYTES;
    const int32_t factor = step;
    const int32_t half = 0x8000;
    int32_t product;
    int32_t sum;
    __asm__ volatile(
        ".syntax unified\n"
        "1:\n\t"
        "ldrsh %[product], [%[lanes], %[offset]]\n\t"
        "muls %[product], %[step], %[product]\n\t"
        "add %[product], %[product], %[half]\n\t"
        "ldrh %[sum], [%[weight], %[offset]]\n\t"
        "lsls %[sum], %[sum], #16\n\t"
        "adds %[sum], %[sum], %[product]\n\t"
        "bvs 3f\n"
        "2:\n\t"
        "lsrs %[sum], %[sum], #16\n\t"
        "strh %[sum], [%[weight], %[offset]]\n\t"
        "subs %[offset], #2\n\t"
        "bpl 1b\n\t"
        "b 4f\n"
        "3:\n\t" /* the sum has the wrong sign: take the end on the other side */
        "asrs %[sum], %[sum], #31\n\t"
        "movs %[product], #1\n\t"
        "lsls %[product], %[product], #31\n\t"
        "eors %[sum], %[product]\n\t"
        "b 2b\n"
        "4:"
        : [offset] "+l"(offset), [product] "=&l"(product), [sum] "=&l"(sum)
        : [lanes] "l"(change->lanes), [weight] "l"(weight), [step] "l"(factor), [half] "r"(half)
        : "cc", "memory");
}

/* The same with any shift. */
static SKA_NOINLINE void row_change_any(const ska_change_t *change, ska_weight_t *weight,
                                        int_fast16_t step) {
    for (uint16_t i = 0; i < change->columns; i++) {
        weight[i] = SKA_WEIGHT_ADD(weight[i], (int32_t)step * change->lanes[i], change->shift);
    }
}

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *first,
                                     ska_weight_t *second, int_fast16_t first_step,
                                     int_fast16_t second_step) {
    if (change->shift != UPDATE_SHIFT) {
        row_change_any(change, first, first_step);
        row_change_any(change, second, second_step);
        return;
    }
    row_change(change, first, first_step);
    if (second_step != 0) {
        row_change(change, second, second_step);
    }
}

#endif
