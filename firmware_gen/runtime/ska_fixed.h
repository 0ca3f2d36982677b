/* ska_fixed.h - the fixed-point arithmetic of ska-edge in C: shifts, roundings and saturations.
 *
 * It mirrors ska_edge/arithmetic/fixedpoint.py operation by operation; agreement tests compare
 * every bit. Callers stay inside the proven intervals of the plan (see ska_rule.h and ska_plan.h),
 * so no operation here can overflow.
 */
#ifndef SKA_FIXED_H
#define SKA_FIXED_H

#include <limits.h>
#include <stdint.h>

/* The code assumes properties that the C standard does not guarantee: 8-bit bytes, two's
 * complement, a right shift of a negative number that keeps its sign, a conversion to a narrower
 * signed type that keeps the low bits, and 64-bit integers. The code does not compile for a
 * platform without them. */
#if CHAR_BIT != 8 || !defined(INT64_MAX)
#error "ska-edge needs 8-bit bytes and int64_t"
#endif
typedef char ska_assert_two_complement[(-1 & 3) == 3 ? 1 : -1];
typedef char ska_assert_arithmetic_shift[((int32_t)-3 >> 1) == -2 ? 1 : -1];
typedef char ska_assert_arithmetic_shift_64[((int64_t)-3 >> 1) == -2 ? 1 : -1];
typedef char ska_assert_conversion_16[(int16_t)0xFFFEu == -2 ? 1 : -1];
typedef char ska_assert_conversion_32[(int32_t)0xFFFFFFFEuL == -2 ? 1 : -1];

/* --- rounding --------------------------------------------------------------------------------- */

/* Shifts to the right by any number of bits. AVR shifts bit by bit but can move whole bytes, so
 * whole bytes come first. The empty assembly statement keeps the compiler from merging the two
 * shifts. */
static inline int32_t ska_shift_right_i32(int32_t x, uint8_t shift) {
#if defined(__AVR__)
    if (shift >= 16) {
        return (int16_t)(x >> 16) >> (shift - 16);
    }
    if (shift >= 8) {
        x >>= 8;
        __asm__("" : "+r"(x));
        shift = (uint8_t)(shift - 8);
    }
#endif
    return x >> shift;
}

/* Shifts x, which has three spare bits, to the right. On AVR, a shift that is a few bits short
 * of whole bytes becomes a shift by whole bytes. */
static inline int32_t ska_shift_right_spare_i32(int32_t x, uint8_t shift) {
#if defined(__AVR__)
    if (shift % 8 > 4) {
        const uint8_t missing = (uint8_t)(8u - shift % 8u);
        x *= (int32_t)1 << missing;
        __asm__("" : "+r"(x));
        shift = (uint8_t)(shift + missing);
    }
#endif
    return ska_shift_right_i32(x, shift);
}

/* Rounds half up: (x + 2^(shift-1)) / 2^shift, toward minus infinity. 1 <= shift <= 31; x plus the
 * half fits the type by proof. */
static inline int32_t ska_round_shift_i32(int32_t x, uint8_t shift) {
    return ska_shift_right_i32(x + ((int32_t)1 << (shift - 1)), shift);
}

static inline int32_t ska_round_shift_spare_i32(int32_t x, uint8_t shift) {
    return ska_shift_right_spare_i32(x + ((int32_t)1 << (shift - 1)), shift);
}

static inline int64_t ska_round_shift_i64(int64_t x, uint8_t shift) {
    return (x + ((int64_t)1 << (shift - 1))) >> shift;
}

/* --- products --------------------------------------------------------------------------------- */

/* Without optimization, gcc has too few registers for the assembly below. */
#if defined(__AVR_HAVE_MUL__) && defined(__OPTIMIZE__)
#define SKA_AVR_MUL 1
#else
#define SKA_AVR_MUL 0
#endif

#if SKA_AVR_MUL
/* These functions compute a product of two 16-bit numbers from four products of bytes. The compiler
 * would instead call a library function, which takes twice as long. MULSU and MULS leave the sign
 * of their product in the carry. */
static inline int32_t ska_product_bytes_i16(int16_t a, int16_t b) {
    int32_t product;
    uint8_t zero;
    __asm__("muls %B[a], %B[b]\n\t"
            "movw %C[product], r0\n\t"
            "mul %A[a], %A[b]\n\t"
            "movw %A[product], r0\n\t"
            "clr %[zero]\n\t"
            "mulsu %B[a], %A[b]\n\t"
            "sbc %D[product], %[zero]\n\t"
            "add %B[product], r0\n\t"
            "adc %C[product], r1\n\t"
            "adc %D[product], %[zero]\n\t"
            "mulsu %B[b], %A[a]\n\t"
            "sbc %D[product], %[zero]\n\t"
            "add %B[product], r0\n\t"
            "adc %C[product], r1\n\t"
            "adc %D[product], %[zero]\n\t"
            "clr r1"
            : [product] "=&r"(product), [zero] "=&r"(zero)
            : [a] "a"(a), [b] "a"(b)
            : "r0");
    return product;
}

static inline int32_t ska_product_bytes_u16(int16_t a, uint16_t b) {
    int32_t product;
    uint8_t zero;
    __asm__("mulsu %B[a], %B[b]\n\t"
            "movw %C[product], r0\n\t"
            "mul %A[a], %A[b]\n\t"
            "movw %A[product], r0\n\t"
            "clr %[zero]\n\t"
            "mulsu %B[a], %A[b]\n\t"
            "sbc %D[product], %[zero]\n\t"
            "add %B[product], r0\n\t"
            "adc %C[product], r1\n\t"
            "adc %D[product], %[zero]\n\t"
            "mul %B[b], %A[a]\n\t"
            "add %B[product], r0\n\t"
            "adc %C[product], r1\n\t"
            "adc %D[product], %[zero]\n\t"
            "clr r1"
            : [product] "=&r"(product), [zero] "=&r"(zero)
            : [a] "a"(a), [b] "a"(b)
            : "r0");
    return product;
}
#endif

/* The product of two numbers that fit 16 bits. AVR multiplies 16-bit numbers in a third of the time
 * that it needs for 32-bit numbers. */
static inline int32_t ska_product_i16(int32_t a, int32_t b) {
#if SKA_AVR_MUL
    return ska_product_bytes_i16((int16_t)a, (int16_t)b);
#else
    return a * b;
#endif
}

/* The product of a number that fits 16 bits and a number in 0..65535. */
static inline int32_t ska_product_u16(int32_t a, int32_t b) {
#if SKA_AVR_MUL
    if (__builtin_constant_p(b == 32768) && b == 32768) {
        return a * 32768; /* a rate that is a power of two */
    }
    return ska_product_bytes_u16((int16_t)a, (uint16_t)b);
#else
    return a * b;
#endif
}

/* --- narrowing -------------------------------------------------------------------------------- */

static inline int32_t ska_saturate_i32(int32_t x, int32_t lo, int32_t hi) {
    return x < lo ? lo : (x > hi ? hi : x);
}

static inline int64_t ska_saturate_i64(int64_t x, int64_t lo, int64_t hi) {
    return x < lo ? lo : (x > hi ? hi : x);
}

/* Saturates to the range of a signed number of `bits` bits; `bits` is a constant. Some cores
 * have one instruction for it. (The macro __ssat of gcc's arm_acle.h causes a conversion
 * warning.) */
#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
#define ska_saturate_bits_i32(x, bits) ((int32_t)__builtin_arm_ssat((x), (bits)))
#else
static inline int32_t ska_saturate_bits_i32(int32_t x, uint8_t bits) {
    const int32_t limit = (int32_t)1 << (bits - 1);
#if defined(__AVR__)
    if (bits == 16) { /* a fast test: the upper half is only the sign */
        return x == (int16_t)x ? x : (x < 0 ? -limit : limit - 1);
    }
#endif
    return ska_saturate_i32(x, -limit, limit - 1);
}
#endif

/* --- taking a non-negative number apart ------------------------------------------------------- */

static inline int32_t ska_high_bits(int32_t x, uint8_t shift) {
    return ska_shift_right_i32(x, shift);
}

/* ska_high_bits for a number that fits 16 bits. */
static inline int32_t ska_high_bits_spare(int32_t x, uint8_t shift) {
    return ska_shift_right_spare_i32(x, shift);
}

static inline int32_t ska_low_bits(int32_t x, uint8_t shift) {
    return x & (((int32_t)1 << shift) - 1);
}

/* Returns byte number `place` of a number; 0 is the lowest. */
static inline uint8_t ska_byte(int32_t x, uint8_t place) {
    return (uint8_t)((uint32_t)x >> (8 * place));
}

/* --- floats of a caller, without float arithmetic --------------------------------------------- */

/* Returns the bits of an IEEE-754 binary32 number. The bytes are copied one by one, so that no
 * register of an FPU is used, and the number may be unaligned. */
static inline uint32_t ska_float32_bits(const float *number) {
    const uint8_t *from = (const uint8_t *)number;
    uint32_t bits = 0;
    uint8_t *to = (uint8_t *)&bits;
    for (uint8_t i = 0; i < sizeof bits; i++) {
        to[i] = from[i];
    }
    return bits;
}

static inline int ska_float32_is_nan(uint32_t bits) { return (bits & 0x7FFFFFFFu) > 0x7F800000u; }

/* Converts a number, given by its bits, to the integer number * 2^point, rounded half up and
 * saturated. An infinite number saturates, too. The number is not NaN; -200 <= point <= 200. */
static inline int32_t ska_float32_integer(uint32_t bits, int16_t point) {
    const uint32_t field = (bits >> 23) & 0xFFu;
    const uint32_t fraction = bits & 0x7FFFFFu;
    const uint32_t size = field == 0 ? fraction : fraction + 0x800000u;
    const int32_t mantissa = (bits >> 31) != 0 ? -(int32_t)size : (int32_t)size;
    /* The number is mantissa * 2^(exponent - 150). */
    const int32_t exponent = field == 0 ? 1 : (int32_t)field;
    const int32_t shift = 150 - exponent - point;
    if (field == 0xFF || shift < -31) {
        return mantissa == 0 ? 0 : (mantissa < 0 ? INT32_MIN : INT32_MAX);
    }
    if (shift > 0) {
        return ska_round_shift_i32(mantissa, (uint8_t)(shift > 31 ? 31 : shift));
    }
    const int64_t integer = mantissa * ((int64_t)1 << -shift);
    return (int32_t)ska_saturate_i64(integer, INT32_MIN, INT32_MAX);
}

/* --- square roots and logarithms -------------------------------------------------------------- */

/* Returns the largest integer whose square is at most x. Each turn decides one bit of the root. */
static inline uint32_t ska_square_root_u32(uint32_t x) {
    uint32_t root = 0;
    for (uint32_t bit = (uint32_t)1 << 30; bit != 0u; bit >>= 2) {
        const uint32_t trial = root + bit;
        root >>= 1;
        if (x >= trial) {
            x -= trial;
            root += bit;
        }
    }
    return root;
}

/* The same for 64 bits. */
static inline uint32_t ska_square_root_u64(uint64_t x) {
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 62; bit != 0u; bit >>= 2) {
        const uint64_t trial = root + bit;
        root >>= 1;
        if (x >= trial) {
            x -= trial;
            root += bit;
        }
    }
    return (uint32_t)root;
}

/* Returns log2(x), x >= 1, with `frac` fractional bits, linear between powers of two. */
static inline int32_t ska_logarithm_u64(uint64_t x, uint8_t frac) {
    uint8_t power = 63;
    if (x <= UINT32_MAX) { /* without this step, cores of 32 bits or fewer take twice as long */
        x <<= 32;
        power = 31;
    }
    for (; x <= UINT64_MAX / 2u; power--) {
        x *= 2u;
    }
    const int32_t mantissa = (int32_t)(x >> (63 - frac)); /* from 1 to below 2 */
    return ((int32_t)power - 1) * ((int32_t)1 << frac) + mantissa;
}

/* --- 16 bits, the type of knowledge and projections ------------------------------------------ */

/* Narrows a sum to 16 bits: rounds, then saturates. */
static inline int32_t ska_requantize_i32(int32_t sum, uint8_t shift) {
    return ska_saturate_bits_i32(ska_round_shift_i32(sum, shift), 16);
}

/* ska_requantize_i32 for a sum with three spare bits. */
static inline int32_t ska_requantize_spare_i32(int32_t sum, uint8_t shift) {
    return ska_saturate_bits_i32(ska_round_shift_spare_i32(sum, shift), 16);
}

static inline int32_t ska_requantize_i64(int64_t sum, uint8_t shift) {
    return (int32_t)ska_saturate_i64(ska_round_shift_i64(sum, shift), INT16_MIN, INT16_MAX);
}

/* Narrows a sum to a format inside int32: rounds, then saturates to its limits. */
static inline int32_t ska_narrow_i32(int32_t sum, uint8_t shift, int32_t lo, int32_t hi) {
    return ska_saturate_i32(ska_round_shift_i32(sum, shift), lo, hi);
}

static inline int32_t ska_narrow_i64(int64_t sum, uint8_t shift, int32_t lo, int32_t hi) {
    return (int32_t)ska_saturate_i64(ska_round_shift_i64(sum, shift), lo, hi);
}

/* --- weights ---------------------------------------------------------------------------------- */

/* Returns the change of a weight: a product, rounded to the weight's fraction. */
static inline int32_t ska_change_i32(int32_t product, int8_t shift) {
    return ska_round_shift_i32(product, (uint8_t)shift);
}

/* Wide weights may have more fractional bits than the product. The shift is then negative, and
 * the change is exact. */
static inline int64_t ska_change_i64(int64_t product, int8_t shift) {
    return shift > 0 ? ska_round_shift_i64(product, (uint8_t)shift)
                     : product * ((int64_t)1 << -shift);
}

/* Returns a changed weight, saturated. The sum fits by the proof of "changed weight" in ska_plan.h.
 * */
static inline int16_t ska_weight_add_i32(int32_t weight, int32_t product, int8_t shift) {
    return (int16_t)ska_saturate_bits_i32(weight + ska_change_i32(product, shift), 16);
}

/* ska_weight_add_i32 for a product that fits 16 bits. AVR shifts bit by bit, but has a multiplier.
 * So it multiplies first, and then shifts by two whole bytes. */
static inline int16_t ska_weight_add_i16(int32_t weight, int32_t product, int8_t shift) {
#if defined(__AVR__)
    if (shift <= 16) {
        const int32_t scaled = ska_product_u16(product, (int32_t)1 << (16 - shift));
        return (int16_t)ska_saturate_bits_i32(weight + ska_round_shift_i32(scaled, 16), 16);
    }
#endif
    return ska_weight_add_i32(weight, product, shift);
}

static inline int16_t ska_weight_add_i64(int16_t weight, int64_t product, int8_t shift) {
    return (int16_t)ska_saturate_i64(weight + ska_change_i64(product, shift), INT16_MIN, INT16_MAX);
}

static inline int32_t ska_wide_weight_add(int32_t weight, int64_t product, int8_t shift) {
    return (int32_t)ska_saturate_i64(weight + ska_change_i64(product, shift), INT32_MIN, INT32_MAX);
}

/* Returns a changed weight. Its row has headroom for the change (see ska_kernel_rows.h), so the sum
 * fits. */
static inline int16_t ska_weight_move_i32(int32_t weight, int32_t product, int8_t shift) {
    const int32_t sum = weight + ska_change_i32(product, shift);
    return (int16_t)sum;
}

/* Returns the distance of a 16-bit number from 0; a negative x counts as -1 - x, because there is
 * one more negative number. 32767 minus this distance is the headroom in both directions. */
static inline int32_t ska_reach_i16(int32_t x) { return x < 0 ? -1 - x : x; }

/* Returns the largest change that a step can make with inputs of `bits` bits: |step * input| is at
 * most |step| 2^(bits-1). */
static inline int32_t ska_most_change(int_fast16_t step, int8_t shift, uint8_t bits) {
    const int32_t size = step < 0 ? -(int32_t)step : (int32_t)step;
    return ska_change_i32(size * ((int32_t)1 << (bits - 1)), shift);
}

/* Returns the smallest size of a step that can change a weight. The product of a step and an input
 * of `bits` bits rounds to 0 while |step| 2^(bits-1) is less than half of 2^shift. A step of 0
 * never changes a weight. A result that does not fit 16 bits becomes the largest value. */
static inline int_fast16_t ska_least_step(int8_t shift, uint8_t bits) {
    const int8_t exponent = (int8_t)(shift - (int8_t)bits);
    return (int_fast16_t)(exponent <= 0 ? 1 : (exponent < 15 ? 1L << exponent : INT16_MAX));
}

/* The fast update: if the step or the input is scaled by 2^exponent, the shift becomes 16 and the
 * change is the upper half of 32 bits. A scaled int8 fits 16 bits, and a scaled step 24 bits.
 */
#define SKA_FAST_SHIFT 16u

static inline int ska_has_fast_shift(int8_t shift) { return shift >= 8 && shift <= 16; }

static inline uint8_t ska_fast_exponent(int8_t shift) {
    const uint8_t known = (uint8_t)shift;
    return (uint8_t)(SKA_FAST_SHIFT - known);
}

/* --- accumulators ----------------------------------------------------------------------------- */

/* Converts a term exactly to the fraction of its sum. */
static inline int32_t ska_align_i32(int32_t value, uint8_t shift) {
    return value * ((int32_t)1 << shift);
}

static inline int64_t ska_align_i64(int64_t value, uint8_t shift) {
    return value * ((int64_t)1 << shift);
}

#endif
