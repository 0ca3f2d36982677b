/* ska_target.h - which kernels this core gets. All of them give the same bits; the portable ones
 * run everywhere, and are taken instead of the others where SKA_PORTABLE is defined.
 */
#ifndef SKA_TARGET_H
#define SKA_TARGET_H

#include "ska_plan.h"

#define SKA_KERNEL_DSP 0   /* two weights a register: Cortex-M4, M7 and M33 */
#define SKA_KERNEL_THUMB 0 /* Cortex-M0, M0+, M1, M23 */
#define SKA_KERNEL_AVR 0   /* 8-bit AVR with a multiplier */

/* Little-endian microcontrollers of Arm, whose instructions are Thumb. */
#if defined(__GNUC__) && defined(__thumb__) && defined(__ARM_ARCH_PROFILE) &&                      \
    !defined(__ARM_BIG_ENDIAN)
#if __ARM_ARCH_PROFILE == 'M'
#define SKA_CORTEX_M 1
#endif
#endif

#if !defined(SKA_PORTABLE) && SKA_WEIGHT_BITS == 16 && SKA_SIGNAL_BYTES == 1
#if defined(SKA_CORTEX_M) && defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32)
#undef SKA_KERNEL_DSP
#define SKA_KERNEL_DSP 1
#elif SKA_ACCUMULATOR_BITS == 32 && SKA_UPDATE_BITS == 32 && SKA_FORWARD_BITS == 16
#if defined(SKA_CORTEX_M) && __ARM_ARCH_ISA_THUMB == 1
#undef SKA_KERNEL_THUMB
#define SKA_KERNEL_THUMB 1
#elif defined(__AVR_HAVE_MUL__) && defined(__OPTIMIZE__) /* else gcc lacks registers */
#undef SKA_KERNEL_AVR
#define SKA_KERNEL_AVR 1
#endif
#endif
#endif

/* Whether the lowest byte of a number comes first in memory. Where a compiler does not say so, it
 * is taken to be; define SKA_LITTLE_ENDIAN as 0 where it is not. */
#ifndef SKA_LITTLE_ENDIAN
#if defined(__BYTE_ORDER__)
#define SKA_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#else
#define SKA_LITTLE_ENDIAN 1
#endif
#endif

/* How many bytes of a state follow each other in memory as they do in the state; see ska_state. */
#if SKA_LITTLE_ENDIAN
#define SKA_STATE_RUN SKA_STATE_BYTES
#else
#define SKA_STATE_RUN 1u
#endif

/* Loops that want all registers stand alone. Not every plan uses each. */
#if defined(__GNUC__)
#define SKA_NOINLINE __attribute__((noinline, unused))
#else
#define SKA_NOINLINE
#endif

/* Where speed counts more than size, each layer gets code of its own, in which its sizes and shifts
 * are constants; on AVR always, which has to shift bit by bit. */
#if defined(__GNUC__) &&                                                                           \
    ((defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)) || defined(__AVR__))
#define SKA_LAYER_CODE 1
#define SKA_LAYER_INLINE static inline __attribute__((always_inline))
#else
#define SKA_LAYER_CODE 0
#define SKA_LAYER_INLINE static inline
#endif

/* An input of a layer as the loops over its weights read it, and the room for those of one layer.
 * The DSP kernel reads and writes whole quads of them. */
#if SKA_KERNEL_DSP
typedef int16_t ska_lane_t;
#define SKA_LANES ((SKA_WIDEST_INPUT + 3) / 4 * 4)
#define SKA_SIGNALS (SKA_INPUTS + SKA_NEURONS + 3)
#elif SKA_KERNEL_THUMB
typedef int16_t ska_lane_t;
#define SKA_LANES SKA_WIDEST_INPUT
#define SKA_SIGNALS (SKA_INPUTS + SKA_NEURONS)
#else
typedef ska_signal_t ska_lane_t;
#define SKA_SIGNALS (SKA_INPUTS + SKA_NEURONS)
#endif

#endif
