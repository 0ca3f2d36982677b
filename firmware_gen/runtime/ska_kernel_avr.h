/* ska_kernel_avr.h - the loops over weights for 8-bit AVRs with a multiplier; see ska_kernel.h.
 *
 * The multiplier takes two bytes and gives 16 bits in r1:r0. C has no product of 16 and 8 bits, and
 * no sum that discards some bytes, so the inner loops are in assembly. Per weight, the sums take 20
 * cycles, or 22 if the weights are in flash, and the update 33.
 */
#ifndef SKA_KERNEL_AVR_H
#define SKA_KERNEL_AVR_H

#include "ska_accumulator.h"
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
    ska_change_t change = {ska_kernel_lanes(ska, inputs, columns), columns, shift, 0};
    if (ska_has_fast_shift(shift)) {
        change.scale = (int16_t)ska_align_i32(1, ska_fast_exponent(shift));
    }
    return change;
}

/* A pass handles several weights. If the last pass would not be whole, the first pass begins in
 * the middle instead. The assembly leaves the compiler few registers, so each loop uses as few
 * as possible. A branch instruction can jump over two updates, but not over four. */
#define LOOP_OF_TWO(one, two)                                                                      \
    "sbrc %[count], 0\n\t"                                                                         \
    "rjmp 2f\n"                                                                                    \
    "1:\n\t" one "2:\n\t" two LOOP_END

#define LOOP_OF_FOUR(one)                                                                          \
    "sbrc %[count], 1\n\t"                                                                         \
    "rjmp 2f\n\t"                                                                                  \
    "sbrc %[count], 0\n\t"                                                                         \
    "rjmp 5f\n\t"                                                                                  \
    "rjmp 1f\n"                                                                                    \
    "2:\n\t"                                                                                       \
    "sbrc %[count], 0\n\t"                                                                         \
    "rjmp 3f\n\t"                                                                                  \
    "rjmp 4f\n"                                                                                    \
    "1:\n\t" one "3:\n\t" one "4:\n\t" one "5:\n\t" one LOOP_END

#define LOOP_END "cp r26, %A[end]\n\t" LOOP_HIGH "brne 1b\n\t"

/* A loop over at most 256 bytes finds its end by the lower byte of the address. */
#define HIGH_BYTE "cpc r27, %B[end]\n\t"
#if SKA_WIDEST_INPUT <= 256
#define LOOP_HIGH
#else
#define LOOP_HIGH HIGH_BYTE
#endif
#if SKA_CLASSES <= 128
#define BACK_HIGH
#else
#define BACK_HIGH HIGH_BYTE
#endif

/* MULSU and MULS leave the sign of their product in the carry, so an SBC of a register from itself
 * gives the bytes above the product. `load` is LD for weights in RAM, and LPM for weights in flash.
 */
#define SUM_ONE(load)                                                                              \
    "ld %[input], X+\n\t" load " %[low], Z+\n\t" load " %[high], Z+\n\t"                           \
    "mulsu %[input], %[low]\n\t"                                                                   \
    "sbc %[sign], %[sign]\n\t"                                                                     \
    "add %A[sum], r0\n\t"                                                                          \
    "adc %B[sum], r1\n\t"                                                                          \
    "adc %C[sum], %[sign]\n\t"                                                                     \
    "adc %D[sum], %[sign]\n\t"                                                                     \
    "muls %[input], %[high]\n\t"                                                                   \
    "sbc %[sign], %[sign]\n\t"                                                                     \
    "add %B[sum], r0\n\t"                                                                          \
    "adc %C[sum], r1\n\t"                                                                          \
    "adc %D[sum], %[sign]\n\t"

#define SKA_SUM_ROWS 1u

#define SUM_LOOP(load)                                                                             \
    int32_t sum = 0;                                                                               \
    uint8_t input;                                                                                 \
    uint8_t low;                                                                                   \
    uint8_t high;                                                                                  \
    uint8_t sign;                                                                                  \
    (void)left;                                                                                    \
    __asm__ volatile(LOOP_OF_FOUR(SUM_ONE(load)) "clr r1"                                          \
                     : [sum] "+&r"(sum), [input] "=&a"(input), [low] "=&a"(low),                   \
                       [high] "=&d"(high), [sign] "=&r"(sign), "+x"(lanes), "+z"(weight)           \
                     : [count] "r"((uint8_t)columns), [end] "r"(lanes + columns)                   \
                     : "r0", "memory");                                                            \
    sums[0] = sum

static SKA_NOINLINE void ska_kernel_sums(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const ska_lane_t *lanes,
                                         ska_sum_t sums[SKA_SUM_ROWS]) {
    SUM_LOOP("ld");
}

static SKA_NOINLINE void ska_kernel_sums_flash(const ska_weight_t *weight, uint16_t columns,
                                               uint16_t left, const ska_lane_t *lanes,
                                               ska_sum_t sums[SKA_SUM_ROWS]) {
    SUM_LOOP("lpm");
}

#define SKA_BACK_COLUMNS 1u

/* Computes sum += weight * error, from row to row, by four products of bytes. */
static SKA_NOINLINE void ska_kernel_back(const ska_weight_t *weight, uint16_t columns,
                                         uint16_t left, const int16_t *errors, uint16_t rows,
                                         ska_sum_t sums[SKA_BACK_COLUMNS]) {
    int32_t sum = 0;
    uint8_t weight_low;
    uint8_t weight_high;
    uint8_t error_low;
    uint8_t error_high;
    uint8_t sign;
    const uint8_t zero = 0;
    (void)left;
    __asm__ volatile(
        "1:\n\t"
        "ld %[weight_low], Z\n\t"
        "ldd %[weight_high], Z+1\n\t"
        "add r30, %A[stride]\n\t"
        "adc r31, %B[stride]\n\t"
        "ld %[error_low], X+\n\t"
        "ld %[error_high], X+\n\t"
        "mul %[weight_low], %[error_low]\n\t"
        "add %A[sum], r0\n\t"
        "adc %B[sum], r1\n\t"
        "adc %C[sum], %[zero]\n\t"
        "adc %D[sum], %[zero]\n\t"
        "mulsu %[weight_high], %[error_low]\n\t"
        "sbc %[sign], %[sign]\n\t"
        "add %B[sum], r0\n\t"
        "adc %C[sum], r1\n\t"
        "adc %D[sum], %[sign]\n\t"
        "mulsu %[error_high], %[weight_low]\n\t"
        "sbc %[sign], %[sign]\n\t"
        "add %B[sum], r0\n\t"
        "adc %C[sum], r1\n\t"
        "adc %D[sum], %[sign]\n\t"
        "muls %[weight_high], %[error_high]\n\t"
        "add %C[sum], r0\n\t"
        "adc %D[sum], r1\n\t"
        "cp r26, %A[end]\n\t" BACK_HIGH "brne 1b\n\t"
        "clr r1"
        : [sum] "+&r"(sum), [weight_low] "=&a"(weight_low), [weight_high] "=&a"(weight_high),
          [error_low] "=&a"(error_low), [error_high] "=&a"(error_high), [sign] "=&r"(sign),
          "+x"(errors), "+z"(weight)
        : [stride] "r"(2u * columns), [end] "r"(errors + rows), [zero] "r"(zero)
        : "r0", "memory");
    sums[0] = sum;
}

/* The step is scaled so that the change is the upper half of step * input + 2^15; the lowest byte
 * of the product is not computed. LSL moves the rounding, which is the highest bit of the lower
 * half, to the carry. An input of 0 is skipped. */
#define CHANGE_ONE(next, zero_input, overflow, store)                                              \
    "ld %[input], X+\n\t"                                                                          \
    "tst %[input]\n\t"                                                                             \
    "breq " zero_input "f\n\t"                                                                     \
    "mulsu %[input], %[step_low]\n\t"                                                              \
    "sbc %[low], %[low]\n\t"                                                                       \
    "mov %[high], %[low]\n\t"                                                                      \
    "mov %[middle], r1\n\t"                                                                        \
    "mulsu %[input], %[step_middle]\n\t"                                                           \
    "sbc %[sign], %[sign]\n\t"                                                                     \
    "add %[middle], r0\n\t"                                                                        \
    "adc %[low], r1\n\t"                                                                           \
    "adc %[high], %[sign]\n\t"                                                                     \
    "muls %[input], %[step_high]\n\t"                                                              \
    "add %[low], r0\n\t"                                                                           \
    "adc %[high], r1\n\t"                                                                          \
    "ld %[weight_low], Z\n\t"                                                                      \
    "ldd %[weight_high], Z+1\n\t"                                                                  \
    "lsl %[middle]\n\t"                                                                            \
    "adc %[weight_low], %[low]\n\t"                                                                \
    "adc %[weight_high], %[high]\n\t"                                                              \
    "brvs " overflow "f\n" store ":\n\t"                                                           \
    "st Z+, %[weight_low]\n\t"                                                                     \
    "st Z+, %[weight_high]\n" next ":\n\t"

/* The rare paths of CHANGE_ONE: an input of 0, and a sum with the wrong sign, which is replaced by
 * the limit on the other side. */
#define CHANGE_RARE(next, zero_input, overflow, store)                                             \
    zero_input ":\n\t"                                                                             \
               "adiw r30, 2\n\t"                                                                   \
               "rjmp " next "b\n" overflow ":\n\t"                                                 \
               "ldi %[weight_low], 0xff\n\t"                                                       \
               "ldi %[weight_high], 0x7f\n\t"                                                      \
               "brmi " store "b\n\t"                                                               \
               "ldi %[weight_low], 0x00\n\t"                                                       \
               "ldi %[weight_high], 0x80\n\t"                                                      \
               "rjmp " store "b\n"

static SKA_NOINLINE void row_change(const ska_change_t *change, ska_weight_t *weight,
                                    int_fast16_t step) {
    const int32_t scaled = ska_product_i16(step, change->scale); /* fits 24 bits */
    const ska_lane_t *lanes = change->lanes;
    uint8_t input;
    uint8_t sign;
    uint8_t middle;
    uint8_t low;
    uint8_t high;
    uint8_t weight_low;
    uint8_t weight_high;
    __asm__ volatile(
        LOOP_OF_TWO(CHANGE_ONE("6", "3", "4", "5"),
                    CHANGE_ONE("11", "7", "8", "9")) "rjmp 10f\n" CHANGE_RARE("6", "3", "4", "5")
            CHANGE_RARE("11", "7", "8", "9") "10:\n\t"
                                             "clr r1"
        : [input] "=&a"(input), [sign] "=&r"(sign), [middle] "=&d"(middle), [low] "=&d"(low),
          [high] "=&d"(high), [weight_low] "=&d"(weight_low), [weight_high] "=&d"(weight_high),
          "+x"(lanes), "+z"(weight)
        : [step_low] "a"(ska_byte(scaled, 0)), [step_middle] "a"(ska_byte(scaled, 1)),
          [step_high] "d"(ska_byte(scaled, 2)), [count] "r"((uint8_t)change->columns),
          [end] "r"(lanes + change->columns)
        : "r0", "memory");
}

/* Updates one row, with any shift. */
static SKA_NOINLINE void row_change_any(const ska_change_t *change, ska_weight_t *weight,
                                        int_fast16_t step) {
    for (uint16_t i = 0; i < change->columns; i++) {
        weight[i] = SKA_WEIGHT_ADD(weight[i], (int32_t)step * change->lanes[i], change->shift);
    }
}

static inline void ska_kernel_update(const ska_change_t *change, ska_weight_t *weight,
                                     int_fast16_t step) {
    if (change->scale != 0) {
        row_change(change, weight, step);
    } else {
        row_change_any(change, weight, step);
    }
}

#endif
