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
    ska_change_t change;
    change.lanes = ska_kernel_lanes(ska, inputs, columns);
    change.columns = columns;
    change.shift = shift;
#if SKA_HEADROOM
    change.lane_bits = SKA_INPUT_BITS;
#endif
    return change;
}

#define SKA_SUM_ROWS 4u

/* Computes the sums of the next rows. Four rows at once share each read of an input. */
SKA_LAYER_INLINE void sums_from(bool in_flash, const ska_weight_t *weight, uint16_t columns,
                                uint16_t left, const ska_lane_t *lanes,
                                ska_sum_t sums[SKA_SUM_ROWS]) {
    if (left < SKA_SUM_ROWS) {
        for (uint16_t row = 0; row < left; row++) {
            ska_sum_t sum = 0;
            SKA_UNROLL
            for (uint16_t i = 0; i < columns; i++) {
                const int32_t input = lanes[i];
                sum += (ska_sum_t)(ska_rule_forward_weight(ska_weight_read(&weight[i], in_flash)) *
                                   input);
            }
            sums[row] = sum;
            weight += columns;
        }
        return;
    }
    const ska_weight_t *second = weight + columns;
    const ska_weight_t *third = second + columns;
    const ska_weight_t *fourth = third + columns;
    ska_sum_t a = 0;
    ska_sum_t b = 0;
    ska_sum_t c = 0;
    ska_sum_t d = 0;
    SKA_UNROLL
    for (uint16_t i = 0; i < columns; i++) {
        const int32_t input = lanes[i];
        a += (ska_sum_t)(ska_rule_forward_weight(ska_weight_read(&weight[i], in_flash)) * input);
        b += (ska_sum_t)(ska_rule_forward_weight(ska_weight_read(&second[i], in_flash)) * input);
        c += (ska_sum_t)(ska_rule_forward_weight(ska_weight_read(&third[i], in_flash)) * input);
        d += (ska_sum_t)(ska_rule_forward_weight(ska_weight_read(&fourth[i], in_flash)) * input);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

static inline void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns, uint16_t left,
                                   const ska_lane_t *lanes, ska_sum_t sums[SKA_SUM_ROWS]) {
    sums_from(false, weight, columns, left, lanes, sums);
}

static inline void ska_kernel_sums_flash(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const ska_lane_t *lanes,
                                         ska_sum_t sums[SKA_SUM_ROWS]) {
    sums_from(true, weight, columns, left, lanes, sums);
}

#if SKA_HEADROOM
static inline void row_move(const ska_change_t *change, ska_weight_t *weight, int_fast16_t step) {
    const ska_lane_t *lanes = change->lanes;
    const int8_t shift = change->shift;
    SKA_UNROLL
    for (uint16_t i = 0; i < change->columns; i++) {
        weight[i] = ska_weight_move_i32(weight[i], (int32_t)step * lanes[i], shift);
    }
}
#endif

#include "ska_kernel_rows.h"

#endif
