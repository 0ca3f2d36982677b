/* ska_kernel_portable.h - the loops over weights for any core and any widths; see ska_kernel.h. */
#ifndef SKA_KERNEL_PORTABLE_H
#define SKA_KERNEL_PORTABLE_H

#include "ska.h"
#include "ska_accumulator.h"
#include "ska_kernel_back.h"
#include "ska_kernel_copy.h"
#include "ska_rule.h"

/* The lanes are the inputs themselves. */
static inline const ska_lane_t *ska_kernel_lanes(ska_t *ska, const ska_signal_t *inputs,
                                                 uint16_t columns) {
    (void)ska;
    (void)columns;
    return inputs;
}

static inline ska_change_t ska_kernel_change(ska_t *ska, const ska_signal_t *inputs,
                                             uint16_t columns, int8_t shift) {
    const ska_change_t change = {ska_kernel_lanes(ska, inputs, columns), columns, shift};
    return change;
}

#define SKA_SUM_ROWS 2u

/* Two rows at once: each input is read once for both. */
static inline void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns, uint16_t left,
                                   const ska_lane_t *lanes, ska_sum_t sums[SKA_SUM_ROWS]) {
    const ska_weight_t *next = left > 1u ? weight + columns : weight;
    ska_sum_t a = 0;
    ska_sum_t b = 0;
    for (const ska_lane_t *end = lanes + columns; lanes != end; lanes++) {
        const int32_t input = *lanes;
        a += (ska_sum_t)(ska_rule_forward_weight(*weight) * input);
        b += (ska_sum_t)(ska_rule_forward_weight(*next) * input);
        weight++;
        next++;
    }
    sums[0] = a;
    sums[1] = b;
}

static inline void row_change(const ska_change_t *change, ska_weight_t *weight, int_fast16_t step) {
    const ska_lane_t *lanes = change->lanes;
    const int8_t shift = change->shift;
    for (const ska_lane_t *end = lanes + change->columns; lanes != end; lanes++) {
        *weight = SKA_WEIGHT_ADD(*weight, (int32_t)step * *lanes, shift);
        weight++;
    }
}

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *first,
                                     ska_weight_t *second, int_fast16_t first_step,
                                     int_fast16_t second_step) {
    row_change(change, first, first_step);
    if (second_step != 0) {
        row_change(change, second, second_step);
    }
}

#endif
