/* ska_kernel_rows.h - the update of two rows one by one, for kernels that gain nothing from doing
 * both at once; see ska_kernel.h.
 *
 * The kernel first defines row_change(change, weight, step), the fast update of a row, and
 * change_is_fast(change), whether the shift allows it.
 */
#ifndef SKA_KERNEL_ROWS_H
#define SKA_KERNEL_ROWS_H

#include "ska_accumulator.h"

/* One row, with any shift. */
static SKA_NOINLINE void row_change_any(const ska_change_t *change, ska_weight_t *weight,
                                        int_fast16_t step) {
    for (uint16_t i = 0; i < change->columns; i++) {
        weight[i] = SKA_WEIGHT_ADD(weight[i], (int32_t)step * change->lanes[i], change->shift);
    }
}

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *first,
                                     ska_weight_t *second, int_fast16_t first_step,
                                     int_fast16_t second_step) {
    if (!change_is_fast(change)) {
        row_change_any(change, first, first_step);
        if (second_step != 0) {
            row_change_any(change, second, second_step);
        }
        return;
    }
    row_change(change, first, first_step);
    if (second_step != 0) {
        row_change(change, second, second_step);
    }
}

#endif
