/* ska_fixed.h - the arithmetic of ska-edge in C: the only place with shifts, roundings and
 * saturations.
 *
 * It mirrors ska_edge/fixedpoint.py operation by operation; agreement tests compare every bit.
 * Callers stay inside the intervals that were proven when the plan was made (see ska_rule.h and
 * ska_plan.h), so nothing here can overflow.
 */
#ifndef SKA_FIXED_H
#define SKA_FIXED_H

#include <limits.h>
#include <stdint.h>

/* What the C leans on and the standard leaves open: 8-bit bytes, two's complement, a right shift of
 * a negative number that keeps its sign, a conversion to a narrower signed type that keeps the low
 * bits, and 64-bit integers. A platform without them does not compile. */
#if CHAR_BIT != 8 || !defined(INT64_MAX)
#error "ska-edge needs 8-bit bytes and int64_t"
#endif
typedef char ska_assert_two_complement[(-1 & 3) == 3 ? 1 : -1];
typedef char ska_assert_arithmetic_shift[((int32_t)-3 >> 1) == -2 ? 1 : -1];
typedef char ska_assert_arithmetic_shift_64[((int64_t)-3 >> 1) == -2 ? 1 : -1];
typedef char ska_assert_conversion_16[(int16_t)0xFFFEu == -2 ? 1 : -1];
typedef char ska_assert_conversion_32[(int32_t)0xFFFFFFFEuL == -2 ? 1 : -1];

/* --- rounding --------------------------------------------------------------------------------- */

/* Round half up: (x + 2^(shift-1)) / 2^shift, toward minus infinity. 1 <= shift <= 31; x plus the
 * half fits the type by proof. */
static inline int32_t ska_round_shift_i32(int32_t x, uint8_t shift) {
    return (x + ((int32_t)1 << (shift - 1))) >> shift;
}

static inline int64_t ska_round_shift_i64(int64_t x, uint8_t shift) {
    return (x + ((int64_t)1 << (shift - 1))) >> shift;
}

/* --- narrowing -------------------------------------------------------------------------------- */

static inline int32_t ska_saturate_i32(int32_t x, int32_t lo, int32_t hi) {
    return x < lo ? lo : (x > hi ? hi : x);
}

static inline int64_t ska_saturate_i64(int64_t x, int64_t lo, int64_t hi) {
    return x < lo ? lo : (x > hi ? hi : x);
}

/* To the range of a signed number of so many bits, a constant: one instruction where the core has
 * it. (The macro __ssat of gcc's arm_acle.h warns of its own conversion.) */
#if defined(__ARM_FEATURE_SAT)
#define ska_saturate_bits_i32(x, bits) ((int32_t)__builtin_arm_ssat((x), (bits)))
#else
static inline int32_t ska_saturate_bits_i32(int32_t x, uint8_t bits) {
    const int32_t limit = (int32_t)1 << (bits - 1);
    return ska_saturate_i32(x, -limit, limit - 1);
}
#endif

/* --- taking a non-negative number apart ------------------------------------------------------- */

static inline int32_t ska_high_bits(int32_t x, uint8_t shift) { return x >> shift; }

static inline int32_t ska_low_bits(int32_t x, uint8_t shift) {
    return x & (((int32_t)1 << shift) - 1);
}

/* --- 16 bits, the type of knowledge and projections ------------------------------------------ */

/* A sum narrowed to 16 bits: rounded, then saturated. */
static inline int32_t ska_requantize_i32(int32_t sum, uint8_t shift) {
    return ska_saturate_bits_i32(ska_round_shift_i32(sum, shift), 16);
}

static inline int32_t ska_requantize_i64(int64_t sum, uint8_t shift) {
    return (int32_t)ska_saturate_i64(ska_round_shift_i64(sum, shift), INT16_MIN, INT16_MAX);
}

/* A sum narrowed to a format that lies inside int32: rounded, then saturated to its ends. */
static inline int32_t ska_narrow_i32(int32_t sum, uint8_t shift, int32_t lo, int32_t hi) {
    return ska_saturate_i32(ska_round_shift_i32(sum, shift), lo, hi);
}

static inline int32_t ska_narrow_i64(int64_t sum, uint8_t shift, int32_t lo, int32_t hi) {
    return (int32_t)ska_saturate_i64(ska_round_shift_i64(sum, shift), lo, hi);
}

/* --- weights ---------------------------------------------------------------------------------- */

/* How much a weight changes: a product rounded to the weight's fraction. */
static inline int32_t ska_change_i32(int32_t product, int8_t shift) {
    return ska_round_shift_i32(product, (uint8_t)shift);
}

/* Wide weights may have more fractional bits than the product: then the shift is negative, and the
 * change exact. 16-bit steps keep it inside 47 bits. */
static inline int64_t ska_change_i64(int64_t product, int8_t shift) {
    return shift > 0 ? ska_round_shift_i64(product, (uint8_t)shift)
                     : product * ((int64_t)1 << -shift);
}

/* A changed weight, saturated: the sum fits by the proof of "changed weight" in ska_plan.h. */
static inline int16_t ska_weight_add_i32(int32_t weight, int32_t product, int8_t shift) {
    return (int16_t)ska_saturate_bits_i32(weight + ska_change_i32(product, shift), 16);
}

static inline int16_t ska_weight_add_i64(int16_t weight, int64_t product, int8_t shift) {
    return (int16_t)ska_saturate_i64(weight + ska_change_i64(product, shift), INT16_MIN, INT16_MAX);
}

static inline int32_t ska_wide_weight_add(int32_t weight, int64_t product, int8_t shift) {
    return (int32_t)ska_saturate_i64(weight + ska_change_i64(product, shift), INT32_MIN, INT32_MAX);
}

/* The smallest step that can change a weight: a product of step and an input of so many bits rounds
 * to 0 while |step| 2^(bits-1) is less than half of 2^shift. Only where that is more than 1: a step
 * of 0 changes nothing. */
static inline int32_t ska_least_step(int8_t shift, uint8_t bits) {
    return shift > (int8_t)bits ? (int32_t)1 << (shift - (int8_t)bits) : 1;
}

/* --- accumulators ----------------------------------------------------------------------------- */

/* A term in the fraction of the sum it joins: exact. */
static inline int32_t ska_align_i32(int32_t value, uint8_t shift) {
    return value * ((int32_t)1 << shift);
}

static inline int64_t ska_align_i64(int64_t value, uint8_t shift) {
    return value * ((int64_t)1 << shift);
}

#endif
