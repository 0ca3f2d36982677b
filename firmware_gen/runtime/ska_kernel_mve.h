/* ska_kernel_mve.h - the loops over weights for cores with vector instructions (MVE, also called
 * Helium: Cortex-M55); see ska_kernel.h.
 *
 * A lane is an input in 16 bits, so that a vector register holds eight lanes, like eight weights.
 * Per 16-bit weight, the sums take 0.31 instructions and the update 0.56. Columns beyond the last
 * whole vector take one more vector. A predicate selects its elements; the others are not read.
 *
 * The loops are functions of their own, with one address per row, because gcc then advances every
 * address within a load or store, and counts with the instruction LE.
 */
#ifndef SKA_KERNEL_MVE_H
#define SKA_KERNEL_MVE_H

#include "ska.h"
#include "ska_accumulator.h"
#include "ska_fixed_mve.h"

#define FOUR 4u     /* numbers of 32 bits in a vector */
#define EIGHT 8u    /* numbers of 16 bits */
#define SIXTEEN 16u /* numbers of 8 bits */

/* --- lanes ------------------------------------------------------------------------------------ */

/* Makes lanes: the inputs times 2^exponent, in 16 bits. The buffers hold a multiple of eight
 * numbers. */
static inline const ska_lane_t *lanes_make(ska_t *ska, const ska_signal_t *inputs, uint16_t columns,
                                           uint8_t exponent) {
    for (uint32_t i = 0; i < columns; i += EIGHT) {
        vstrhq_s16(&ska->lanes[i], ska_vector_scaled(vldrbq_s16(&inputs[i]), exponent));
    }
    return ska->lanes;
}

static inline const ska_lane_t *ska_kernel_lanes(ska_t *ska, const ska_signal_t *inputs,
                                                 uint16_t columns) {
    return lanes_make(ska, inputs, columns, 0);
}

/* The fast update scales the inputs so that one instruction updates eight weights. */
static inline ska_change_t ska_kernel_change(ska_t *ska, const ska_signal_t *inputs,
                                             uint16_t columns, int8_t shift) {
    const uint8_t exponent = ska_has_vector_shift(shift) ? ska_vector_exponent(shift) : 0u;
    ska_change_t change;
    change.lanes = lanes_make(ska, inputs, columns, exponent);
    change.columns = columns;
    change.shift = (int8_t)(shift + (int8_t)exponent);
    return change;
}

static inline void ska_kernel_copy(ska_signal_t *to, const ska_signal_t *from, uint16_t count) {
    const ska_signal_t *end = from + (count - count % SIXTEEN);
    for (; from != end; from += SIXTEEN) {
        vstrbq_s8(to, vldrbq_s8(from));
        to += SIXTEEN;
    }
    if (count % SIXTEEN != 0u) {
        const mve_pred16_t rest = vctp8q(count % SIXTEEN);
        vstrbq_p_s8(to, vldrbq_z_s8(from, rest), rest);
    }
}

/* --- sums ------------------------------------------------------------------------------------- */

#define SKA_SUM_ROWS 32u

/* Computes the sums of the whole vectors of some rows. Four rows at once share each vector of
 * lanes; the last rows follow one by one. */
static SKA_NOINLINE void whole_sums(const ska_weight_t *weight, uint32_t columns, uint32_t rows,
                                    const ska_lane_t *lanes, ska_sum_t *sums) {
    const uint32_t vectors = columns / EIGHT;
    const uint32_t rest = columns % EIGHT;
    for (; rows >= FOUR; rows -= FOUR) {
        const ska_weight_t *second = weight + columns;
        const ska_weight_t *third = second + columns;
        const ska_weight_t *fourth = third + columns;
        const ska_lane_t *lane = lanes;
        int32_t a = 0;
        int32_t b = 0;
        int32_t c = 0;
        int32_t d = 0;
        for (uint32_t left = vectors; left > 0u; left--) {
            const int16x8_t inputs = vldrhq_s16(lane);
            a = ska_vector_dot(vldrhq_s16(weight), inputs, a);
            b = ska_vector_dot(vldrhq_s16(second), inputs, b);
            c = ska_vector_dot(vldrhq_s16(third), inputs, c);
            d = ska_vector_dot(vldrhq_s16(fourth), inputs, d);
            lane += EIGHT;
            weight += EIGHT;
            second += EIGHT;
            third += EIGHT;
            fourth += EIGHT;
        }
        sums[0] = a;
        sums[1] = b;
        sums[2] = c;
        sums[3] = d;
        sums += FOUR;
        weight = fourth + rest;
    }
    for (; rows > 0u; rows--) {
        const ska_lane_t *lane = lanes;
        int32_t sum = 0;
        for (uint32_t left = vectors; left > 0u; left--) {
            sum = ska_vector_dot(vldrhq_s16(weight), vldrhq_s16(lane), sum);
            lane += EIGHT;
            weight += EIGHT;
        }
        *sums = sum;
        sums++;
        weight += rest;
    }
}

/* Adds the products of the columns beyond the last whole vector. */
static SKA_NOINLINE void rest_sums(const ska_weight_t *weight, uint32_t columns, uint32_t rows,
                                   const ska_lane_t *lanes, ska_sum_t *sums) {
    const mve_pred16_t rest = vctp16q(columns % EIGHT);
    const int16x8_t inputs = vldrhq_s16(lanes);
    for (; rows > 0u; rows--) {
        *sums = ska_vector_dot(vldrhq_z_s16(weight, rest), inputs, *sums);
        sums++;
        weight += columns;
    }
}

static inline void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns, uint16_t left,
                                   const ska_lane_t *lanes, ska_sum_t sums[SKA_SUM_ROWS]) {
    const uint32_t rows = left < SKA_SUM_ROWS ? left : SKA_SUM_ROWS;
    const uint32_t whole = columns - columns % EIGHT;
    whole_sums(weight, columns, rows, lanes, sums);
    if (whole != columns) {
        rest_sums(weight + whole, columns, rows, lanes + whole, sums);
    }
}

/* --- back ------------------------------------------------------------------------------------- */

#define SKA_BACK_COLUMNS 16u

/* Computes the sums of sixteen columns, in four vectors. */
static inline void sixteen_back(const ska_weight_t *weight, uint16_t columns, const int16_t *errors,
                                uint16_t rows, ska_sum_t *sums) {
    int32x4_t a = vdupq_n_s32(0);
    int32x4_t b = a;
    int32x4_t c = a;
    int32x4_t d = a;
    for (uint16_t row = 0; row < rows; row++) {
        const int32_t error = errors[row];
        a = ska_vector_times(vldrhq_s32(weight), error, a);
        b = ska_vector_times(vldrhq_s32(weight + FOUR), error, b);
        c = ska_vector_times(vldrhq_s32(weight + 2u * FOUR), error, c);
        d = ska_vector_times(vldrhq_s32(weight + 3u * FOUR), error, d);
        weight += columns;
    }
    vstrwq_s32(sums, a);
    vstrwq_s32(sums + FOUR, b);
    vstrwq_s32(sums + 2u * FOUR, c);
    vstrwq_s32(sums + 3u * FOUR, d);
}

/* Computes the sums of the next four columns, or of `left` columns if fewer are left. */
static inline void four_back(const ska_weight_t *weight, uint16_t columns, uint32_t left,
                             const int16_t *errors, uint16_t rows, ska_sum_t *sums) {
    const mve_pred16_t rest = vctp32q(left);
    int32x4_t a = vdupq_n_s32(0);
    for (uint16_t row = 0; row < rows; row++) {
        a = ska_vector_times(vldrhq_z_s32(weight, rest), errors[row], a);
        weight += columns;
    }
    vstrwq_s32(sums, a);
}

static SKA_NOINLINE void ska_kernel_back(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const int16_t *errors, uint16_t rows,
                                         ska_sum_t sums[SKA_BACK_COLUMNS]) {
    if (left >= SKA_BACK_COLUMNS) {
        sixteen_back(weight, columns, errors, rows, sums);
        return;
    }
    for (uint32_t i = 0; i < left; i += FOUR) {
        four_back(weight + i, columns, left - i, errors, rows, sums + i);
    }
}

/* --- update ----------------------------------------------------------------------------------- */

static inline void eight_change(ska_weight_t *weight, const ska_lane_t *lanes, int16_t step) {
    vstrhq_s16(weight, ska_vector_weight_add_15(vldrhq_s16(weight), vldrhq_s16(lanes), step));
}

/* Updates 2 * `vectors` vectors of a row: two per pass, one in each half. */
static SKA_NOINLINE void halves_change(ska_weight_t *weight, const ska_lane_t *lanes,
                                       uint32_t vectors, int16_t step) {
    ska_weight_t *second = weight + EIGHT * vectors;
    const ska_lane_t *second_lanes = lanes + EIGHT * vectors;
    do {
        eight_change(weight, lanes, step);
        eight_change(second, second_lanes, step);
        weight += EIGHT;
        lanes += EIGHT;
        second += EIGHT;
        second_lanes += EIGHT;
        vectors--;
    } while (vectors > 0u);
}

/* Updates the columns that are left over. */
static SKA_NOINLINE void rest_change(ska_weight_t *weight, const ska_lane_t *lanes,
                                     uint32_t columns, int16_t step) {
    for (uint32_t i = 0; i < columns; i += EIGHT) {
        const mve_pred16_t rest = vctp16q(columns - i);
        const int16x8_t before = vldrhq_z_s16(&weight[i], rest);
        const int16x8_t after = ska_vector_weight_add_15(before, vldrhq_s16(&lanes[i]), step);
        vstrhq_p_s16(&weight[i], after, rest);
    }
}

/* Updates a row with a shift of SKA_VECTOR_SHIFT. */
static inline void fast_change(const ska_change_t *change, ska_weight_t *weight, int16_t step) {
    const uint32_t vectors = change->columns / (2u * EIGHT);
    const uint32_t done = vectors * (2u * EIGHT);
    if (vectors > 0u) {
        halves_change(weight, change->lanes, vectors, step);
    }
    if (done != change->columns) {
        rest_change(weight + done, change->lanes + done, change->columns - done, step);
    }
}

/* Updates a row with any shift, four weights at a time. */
static SKA_NOINLINE void any_change(const ska_change_t *change, ska_weight_t *weight,
                                    int_fast16_t step) {
    for (uint32_t i = 0; i < change->columns; i += FOUR) {
        const mve_pred16_t rest = vctp32q(change->columns - i);
        const int32x4_t before = vldrhq_z_s32(&weight[i], rest);
        const int32x4_t lanes = vldrhq_s32(&change->lanes[i]);
        const int32x4_t after = ska_vector_weight_add(before, lanes, (int32_t)step, change->shift);
        vstrhq_p_s32(&weight[i], after, rest);
    }
}

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *weight,
                                     int_fast16_t step) {
    if (change->shift == (int8_t)SKA_VECTOR_SHIFT) {
        fast_change(change, weight, (int16_t)step);
    } else {
        any_change(change, weight, step);
    }
}

#endif
