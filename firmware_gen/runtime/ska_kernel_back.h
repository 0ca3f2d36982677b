/* ska_kernel_back.h - W^T e in plain C, for cores that gain nothing from assembly; see
 * ska_kernel.h. */
#ifndef SKA_KERNEL_BACK_H
#define SKA_KERNEL_BACK_H

#include "ska_accumulator.h"
#include "ska_rule.h"

#define SKA_BACK_COLUMNS 2u

/* Computes the sum of weight * error over all rows for each of the next columns, at most
 * SKA_BACK_COLUMNS. `weight` points to the first of these columns in the first row. */
static SKA_NOINLINE void ska_kernel_back(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const int16_t *errors, uint16_t rows,
                                         ska_sum_t sums[SKA_BACK_COLUMNS]) {
    const uint16_t next = left > 1u ? 1u : 0u;
    ska_sum_t a = 0;
    ska_sum_t b = 0;
    for (uint16_t row = 0; row < rows; row++) {
        const ska_weight_t *place = weight + (uint32_t)row * columns;
        const int32_t error = errors[row];
        a += (ska_sum_t)(ska_rule_forward_weight(place[0]) * error);
        b += (ska_sum_t)(ska_rule_forward_weight(place[next]) * error);
    }
    sums[0] = a;
    sums[1] = b;
}

#endif
