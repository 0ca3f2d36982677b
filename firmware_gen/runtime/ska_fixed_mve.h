/* ska_fixed_mve.h - the arithmetic of ska_fixed.h on vectors of eight 16-bit or four 32-bit
 * numbers, by the vector instructions of Armv8.1-M (MVE; Arm Architecture Reference Manual DDI
 * 0553, C2.4). It gives the same bits.
 */
#ifndef SKA_FIXED_MVE_H
#define SKA_FIXED_MVE_H

#include <arm_mve.h>
#include <stdint.h>

/* Returns the numbers times 2^exponent, which fit 16 bits. */
static inline int16x8_t ska_vector_scaled(int16x8_t numbers, uint8_t exponent) {
    return vshlq_r_s16(numbers, (int32_t)exponent);
}

/* Returns sum + the eight products of a and b. The plan's range proof bounds the sum. */
static inline int32_t ska_vector_dot(int16x8_t a, int16x8_t b, int32_t sum) {
    return vmladavaq_s16(sum, a, b);
}

/* Returns sums + numbers * factor. The plan's range proof bounds the sums. */
static inline int32x4_t ska_vector_times(int32x4_t numbers, int32_t factor, int32x4_t sums) {
    return vmlaq_n_s32(sums, numbers, factor);
}

/* Returns ska_weight_add_i32(weight, step * lane, 15) of eight weights. VQRDMLAH computes (2^16
 * weight + 2 step lane + 2^15) / 2^16 toward minus infinity, without overflow. This is weight +
 * (step lane + 2^14) / 2^15. Then it saturates to 16 bits. */
#define SKA_VECTOR_SHIFT 15u

static inline int16x8_t ska_vector_weight_add_15(int16x8_t weights, int16x8_t lanes, int16_t step) {
    return vqrdmlahq_n_s16(weights, lanes, step);
}

/* If the lanes are scaled by 2^exponent, the shift becomes 15. A scaled int8 fits 16 bits. */
static inline int ska_has_vector_shift(int8_t shift) { return shift >= 7 && shift <= 15; }

static inline uint8_t ska_vector_exponent(int8_t shift) {
    const uint8_t known = (uint8_t)shift;
    return (uint8_t)(SKA_VECTOR_SHIFT - known);
}

/* Returns ska_weight_add_i32(weight, step * lane, shift) for four weights of 32 bits. Each result
 * is in the lower half of its 32 bits; the upper half is 0. */
static inline int32x4_t ska_vector_weight_add(int32x4_t weights, int32x4_t lanes, int32_t step,
                                              int8_t shift) {
    const int32x4_t products = vmulq_n_s32(lanes, step);
    const int32x4_t changes = vrshlq_n_s32(products, -(int32_t)shift);
    const int16x8_t zeros = vdupq_n_s16(0);
    return vreinterpretq_s32_s16(vqmovnbq_s32(zeros, vaddq_s32(weights, changes)));
}

#endif
