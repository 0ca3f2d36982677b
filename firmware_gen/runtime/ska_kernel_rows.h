/* ska_kernel_rows.h - the update of a row, for cores without an instruction that adds and
 * saturates; see ska_kernel.h.
 *
 * The kernel first defines row_move(change, weight, step), the update of a row in which no weight
 * saturates. row_move is called only if the headroom of the row is large enough. The headroom is a
 * distance: every weight of the row is at least that far from both ends of its format. Each update
 * subtracts from the headroom the largest change that it can make. If the headroom is smaller than
 * this change, the headroom is measured again. A headroom of 0 is valid for every row.
 */
#ifndef SKA_KERNEL_ROWS_H
#define SKA_KERNEL_ROWS_H

#include <stdbool.h>

#include "ska_accumulator.h"

/* Updates one row, and saturates every weight. */
static SKA_NOINLINE void row_saturate(const ska_change_t *change, ska_weight_t *weight,
                                      int_fast16_t step) {
    const ska_lane_t *lanes = change->lanes;
    const int8_t shift = change->shift;
    for (const ska_lane_t *end = lanes + change->columns; lanes != end; lanes++) {
        *weight = SKA_WEIGHT_ADD(*weight, (int32_t)step * *lanes, shift);
        weight++;
    }
}

#if SKA_HEADROOM

static SKA_NOINLINE int32_t row_measure(const ska_weight_t *weight, uint16_t columns) {
    int32_t reach = 0;
    for (const ska_weight_t *end = weight + columns; weight != end; weight++) {
        const int32_t next = ska_reach_i16(*weight);
        reach = next > reach ? next : reach;
    }
    return INT16_MAX - reach;
}

/* Subtracts a change of at most `most` from a row's headroom; returns whether that is possible. */
static inline bool headroom_take(int16_t *headroom, int32_t most, const ska_weight_t *weight,
                                 uint16_t columns) {
    int32_t left = *headroom - most;
    if (left < 0) {
        left = row_measure(weight, columns) - most;
    }
    *headroom = (int16_t)(left < 0 ? 0 : left);
    return left >= 0;
}

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *weight,
                                     int_fast16_t step, int16_t *headroom) {
    const int32_t most = ska_most_change(step, change->shift, change->lane_bits);
    if (headroom_take(headroom, most, weight, change->columns)) {
        row_move(change, weight, step);
    } else {
        row_saturate(change, weight, step);
    }
}

#else

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *weight,
                                     int_fast16_t step) {
    row_saturate(change, weight, step);
}

#endif

#endif
