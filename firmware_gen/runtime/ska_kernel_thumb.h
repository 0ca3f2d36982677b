/* ska_kernel_thumb.h - the loops over weights for cores that have only the 16-bit Thumb
 * instructions (Cortex-M0, M0+, M1, M23); see ska_kernel.h.
 *
 * These cores have eight registers for arithmetic, and no multiply-accumulate. The address of a
 * signed 16-bit load must be the sum of two registers, so a lane is an input in 32 bits.
 * Compilers generate slower loops, so these are in assembly. Per weight, the sums take 3.75
 * instructions and the update takes 6. */
#ifndef SKA_KERNEL_THUMB_H
#define SKA_KERNEL_THUMB_H

#include "ska_accumulator.h"
#include "ska_kernel_back.h"
#include "ska_kernel_copy.h"
#include "ska_rule.h"

#define WEIGHT_BYTES 2
#define EIGHT 8u /* columns per pass of the update */

/* --- lanes ------------------------------------------------------------------------------------ */

/* Makes lanes: the inputs times 2^exponent. */
static SKA_NOINLINE const ska_lane_t *lanes_make(ska_t *ska, const ska_signal_t *inputs,
                                                 uint16_t columns, uint8_t exponent) {
    ska_lane_t *lane = ska->lanes;
    for (uint32_t i = 0; i < columns; i++) {
        *lane = (ska_lane_t)ska_align_i32(inputs[i], exponent);
        lane++;
    }
    return ska->lanes;
}

#include "ska_kernel_lanes.h"

/* --- the loops -------------------------------------------------------------------------------- */

#define SKA_SUM_ROWS 4u

#define SUM_ONE(row, sum)                                                                          \
    "ldrsh %[product], [" row ", %[offset]]\n\t"                                                   \
    "muls %[product], %[input], %[product]\n\t"                                                    \
    "add " sum ", " sum ", %[product]\n\t"

/* The offset is relative to the ends of the rows, and counts up to 0. If fewer than four rows
 * are left, the last row takes the place of each missing row. */
static SKA_NOINLINE void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const ska_lane_t *lanes,
                                         ska_sum_t sums[SKA_SUM_ROWS]) {
    const ska_weight_t *first = weight + columns;
    const ska_weight_t *second = left > 1u ? first + columns : first;
    const ska_weight_t *third = left > 2u ? second + columns : second;
    const ska_weight_t *fourth = left > 3u ? third + columns : third;
    int32_t offset = -WEIGHT_BYTES * (int32_t)columns;
    register int32_t a __asm__("r8") = 0; /* the other operands need all low registers */
    register int32_t b __asm__("r9") = 0;
    register int32_t c __asm__("r10") = 0;
    register int32_t d __asm__("r12") = 0;
    int32_t input;
    int32_t product;
    __asm__ volatile(
        ".syntax unified\n"
        "1:\n\t"
        "ldmia %[lanes]!, {%[input]}\n\t" SUM_ONE("%[first]", "%[a]") SUM_ONE("%[second]", "%[b]")
            SUM_ONE("%[third]", "%[c]") SUM_ONE("%[fourth]", "%[d]") "adds %[offset], #2\n\t"
                                                                     "bne 1b"
        : [lanes] "+l"(lanes), [offset] "+l"(offset), [a] "+r"(a), [b] "+r"(b), [c] "+r"(c),
          [d] "+r"(d), [input] "=&l"(input), [product] "=&l"(product)
        : [first] "l"(first), [second] "l"(second), [third] "l"(third), [fourth] "l"(fourth)
        : "cc", "memory");
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* ASRS leaves the highest bit that it discards in the carry. This bit is the rounding: ADCS adds it
 * together with the weight. */
#define MOVE_ONE(lane, place)                                                                      \
    "muls " lane ", %[step], " lane "\n\t"                                                         \
    "asrs " lane ", " lane ", #16\n\t"                                                             \
    "ldrh %[moved], [%[weight], #" place "]\n\t"                                                   \
    "adcs " lane ", %[moved]\n\t"                                                                  \
    "strh " lane ", [%[weight], #" place "]\n\t"

#define MOVE_TWO(one, other)                                                                       \
    "ldmia %[lanes]!, {r4, r5}\n\t" MOVE_ONE("r4", one) MOVE_ONE("r5", other)

/* Updates eight weights per pass, with a shift of SKA_FAST_SHIFT. */
static SKA_NOINLINE void eights_move(const ska_lane_t *lanes, const ska_lane_t *end,
                                     ska_weight_t *weight, int32_t step) {
    int32_t moved;
    while (lanes != end) {
        __asm__ volatile(".syntax unified\n"
                         "1:\n\t" MOVE_TWO("0", "2") MOVE_TWO("4", "6") MOVE_TWO("8", "10")
                             MOVE_TWO("12", "14") "adds %[weight], #16\n\t"
                                                  "cmp %[lanes], %[end]\n\t"
                                                  "bne 1b"
                         : [lanes] "+l"(lanes), [weight] "+l"(weight), [moved] "=&l"(moved)
                         : [end] "r"(end), [step] "l"(step)
                         : "r4", "r5", "cc", "memory");
    }
}

static inline void row_move(const ska_change_t *change, ska_weight_t *weight, int_fast16_t step) {
    const ska_lane_t *lanes = change->lanes;
    uint16_t done = 0;
    if (change->shift == (int8_t)SKA_FAST_SHIFT) {
        done = (uint16_t)(change->columns - change->columns % EIGHT);
        eights_move(lanes, lanes + done, weight, step);
    }
    for (; done < change->columns; done++) {
        weight[done] =
            ska_weight_move_i32(weight[done], (int32_t)step * lanes[done], change->shift);
    }
}

#include "ska_kernel_rows.h"

#endif
