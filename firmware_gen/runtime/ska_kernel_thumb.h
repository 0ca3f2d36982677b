/* ska_kernel_thumb.h - the loops over weights for cores that have only the 16-bit Thumb
 * instructions (Cortex-M0, M0+, M1, M23); see ska_kernel.h.
 *
 * These cores have eight registers for arithmetic and no multiply-accumulate, and they load signed
 * numbers only with two registers as the address. With 16 bits for all numbers, one offset works
 * for inputs and weights, and the loops fit. Compilers do not find this form, so the loops are in
 * assembly. Sums take 4.5 instructions per weight, the update 11.
 */
#ifndef SKA_KERNEL_THUMB_H
#define SKA_KERNEL_THUMB_H

#include "ska_accumulator.h"
#include "ska_kernel_back.h"
#include "ska_kernel_copy.h"
#include "ska_rule.h"

#define LANE_BYTES 2

/* --- lanes ------------------------------------------------------------------------------------ */

/* The inputs times 2^exponent, in 16 bits. */
static SKA_NOINLINE const ska_lane_t *lanes_make(ska_t *ska, const ska_signal_t *inputs,
                                                 uint16_t columns, uint8_t exponent) {
    ska_lane_t *lane = ska->lanes;
    for (const ska_signal_t *end = inputs + columns; inputs != end; inputs++) {
        *lane = (ska_lane_t)ska_align_i32(*inputs, exponent);
        lane++;
    }
    return ska->lanes;
}

#include "ska_kernel_lanes.h"

/* --- the loops -------------------------------------------------------------------------------- */

#define SKA_SUM_ROWS 2u

static SKA_NOINLINE void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const ska_lane_t *lanes,
                                         ska_sum_t sums[SKA_SUM_ROWS]) {
    const ska_weight_t *next = left > 1u ? weight + columns : weight;
    int32_t offset = LANE_BYTES * (int32_t)columns - LANE_BYTES; /* of the last column */
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
                     : [offset] "+&l"(offset), [a] "+&r"(a), [b] "+&r"(b), [input] "=&l"(input),
                       [product] "=&l"(product)
                     : [lanes] "l"(lanes), [weight] "l"(weight), [next] "l"(next)
                     : "cc", "memory");
    sums[0] = a;
    sums[1] = b;
}

/* One row. The change is in the upper half of a word, and the weight is added there, so that the
 * overflow flag shows when to saturate. */
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
        "3:\n\t" /* the sum has the wrong sign: use the limit on the other side */
        "asrs %[sum], %[sum], #31\n\t"
        "movs %[product], #1\n\t"
        "lsls %[product], %[product], #31\n\t"
        "eors %[sum], %[product]\n\t"
        "b 2b\n"
        "4:"
        : [offset] "+&l"(offset), [product] "=&l"(product), [sum] "=&l"(sum)
        : [lanes] "l"(change->lanes), [weight] "l"(weight), [step] "l"(factor), [half] "r"(half)
        : "cc", "memory");
}

static inline int change_is_fast(const ska_change_t *change) {
    return change->shift == (int8_t)SKA_FAST_SHIFT;
}

#include "ska_kernel_rows.h"

#endif
