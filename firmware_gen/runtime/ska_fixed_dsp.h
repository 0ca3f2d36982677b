/* ska_fixed_dsp.h - the arithmetic of ska_fixed.h on two 16-bit numbers in one register, by the DSP
 * instructions of Armv7E-M and Armv8-M (ACLE, Arm IHI 0053, section 9). It gives the same bits.
 */
#ifndef SKA_FIXED_DSP_H
#define SKA_FIXED_DSP_H

#include <arm_acle.h>
#include <stdint.h>

/* Two int16, the first in the lower half. */
typedef uint32_t ska_pair_t;

/* The compilers have no intrinsic for PKHBT and PKHTB, and generate them from C only sometimes. */
static inline ska_pair_t ska_pair_lower(uint32_t first, uint32_t second) {
    ska_pair_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(first), "r"(second));
    return pair;
}

static inline ska_pair_t ska_pair_upper(uint32_t first, uint32_t second) {
    ska_pair_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(second), "r"(first));
    return pair;
}

/* The first and the third of four bytes, as a pair. Compilers differ in the type of __uxtb16. */
static inline ska_pair_t ska_pair_even_i8(uint32_t bytes) {
    return (ska_pair_t)__sxtb16((int8x4_t)bytes);
}

static inline ska_pair_t ska_pair_even_u8(uint32_t bytes) {
    ska_pair_t pair;
    __asm__("uxtb16 %0, %1" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* The second and the fourth of four bytes, as a pair. The intrinsics cannot rotate. */
static inline ska_pair_t ska_pair_odd_i8(uint32_t bytes) {
    ska_pair_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

static inline ska_pair_t ska_pair_odd_u8(uint32_t bytes) {
    ska_pair_t pair;
    __asm__("uxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* Four int8 as two pairs. */
static inline void ska_pair_widen(uint32_t bytes, ska_pair_t *first, ska_pair_t *second) {
    const uint32_t even = ska_pair_even_i8(bytes);
    const uint32_t odd = ska_pair_odd_i8(bytes);
    *first = ska_pair_lower(even, odd);
    *second = ska_pair_upper(even, odd);
}

/* ska_pair_scaled returns both numbers times 2^exponent; the results fit 16 bits. The mask clears
 * the bits that the shift moves from the first number into the second. */
static inline uint32_t ska_pair_mask(uint8_t exponent) {
    return ~((((uint32_t)1 << exponent) - 1u) << 16);
}

static inline ska_pair_t ska_pair_scaled(ska_pair_t pair, uint8_t exponent, uint32_t mask) {
    return (pair << exponent) & mask;
}

/* Returns sum + (first of a) * (first of b) + (second of a) * (second of b). It is exact, because
 * the sum fits by proof. */
static inline int32_t ska_pair_dot_i32(ska_pair_t a, ska_pair_t b, int32_t sum) {
    return __smlad((int16x2_t)a, (int16x2_t)b, sum);
}

static inline int64_t ska_pair_dot_i64(ska_pair_t a, ska_pair_t b, int64_t sum) {
    return __smlald((int16x2_t)a, (int16x2_t)b, sum);
}

/* Computes sum + first * factor and sum + second * factor; the factor is an int16. */
static inline int32_t ska_pair_first_times_i32(ska_pair_t pair, int32_t factor, int32_t sum) {
    return __smlabb((int32_t)pair, factor, sum);
}

static inline int32_t ska_pair_second_times_i32(ska_pair_t pair, int32_t factor, int32_t sum) {
    return __smlatb((int32_t)pair, factor, sum);
}

static inline int64_t ska_pair_first_times_i64(ska_pair_t pair, int32_t factor, int64_t sum) {
    return sum + __smlabb((int32_t)pair, factor, 0);
}

static inline int64_t ska_pair_second_times_i64(ska_pair_t pair, int32_t factor, int64_t sum) {
    return sum + __smlatb((int32_t)pair, factor, 0);
}

/* Returns ska_change_i32(step * number, 16) of both numbers, with the step in the lower half of
 * `step`: |step * number| <= 2^30, so the sum with the half fits, and its upper 16 bits are the
 * change. */
static inline ska_pair_t ska_pair_change_16(int32_t step, ska_pair_t pair) {
    const int32_t half = 0x8000;
    return ska_pair_upper((uint32_t)__smlabb((int32_t)pair, step, half),
                          (uint32_t)__smlatb((int32_t)pair, step, half));
}

/* Adds the numbers of two pairs, each sum saturated. */
static inline ska_pair_t ska_pair_add(ska_pair_t a, ska_pair_t b) {
    return (ska_pair_t)__qadd16((int16x2_t)a, (int16x2_t)b);
}

#endif
