/* ska_target.h - selects the kernels for this core. All kernels give the same bits. The portable
 * kernels run everywhere; define SKA_PORTABLE to use them on any core.
 */
#ifndef SKA_TARGET_H
#define SKA_TARGET_H

#include "ska_plan.h"

#define SKA_KERNEL_MVE 0   /* eight weights per register: Cortex-M55 */
#define SKA_KERNEL_DSP 0   /* two weights per register: Cortex-M4, M7 and M33 */
#define SKA_KERNEL_THUMB 0 /* Cortex-M0, M0+, M1, M23 */
#define SKA_KERNEL_AVR 0   /* 8-bit AVR with a multiplier */

/* Little-endian Arm microcontrollers with Thumb instructions. */
#if defined(__GNUC__) && defined(__thumb__) && defined(__ARM_ARCH_PROFILE) &&                      \
    !defined(__ARM_BIG_ENDIAN)
#if __ARM_ARCH_PROFILE == 'M'
#define SKA_CORTEX_M 1
#endif
#endif

#if !defined(SKA_PORTABLE) && SKA_WEIGHT_BITS == 16 && SKA_SIGNAL_BYTES == 1
#if defined(SKA_CORTEX_M) && defined(__ARM_FEATURE_MVE) && SKA_ACCUMULATOR_BITS == 32 &&           \
    SKA_UPDATE_BITS == 32
#undef SKA_KERNEL_MVE
#define SKA_KERNEL_MVE 1
#elif defined(SKA_CORTEX_M) && defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32)
#undef SKA_KERNEL_DSP
#define SKA_KERNEL_DSP 1
#elif SKA_ACCUMULATOR_BITS == 32 && SKA_UPDATE_BITS == 32
#if defined(SKA_CORTEX_M) && __ARM_ARCH_ISA_THUMB == 1 &&                                          \
    defined(__OPTIMIZE__) /* otherwise gcc has too few registers */
#undef SKA_KERNEL_THUMB
#define SKA_KERNEL_THUMB 1
#elif defined(__AVR_HAVE_MUL__) && defined(__OPTIMIZE__) /* otherwise gcc has too few registers */
#undef SKA_KERNEL_AVR
#define SKA_KERNEL_AVR 1
#endif
#endif
#endif

/* Tells whether each row of weights has a headroom; see ska_kernel_rows.h. It takes 2 bytes of RAM
 * per row, and an update then need not saturate each weight. The kernels for DSP and MVE
 * instructions and for AVR have no headroom, because they saturate at little cost. Define
 * SKA_HEADROOM as 0 if RAM matters more than speed. */
#define SKA_INPUT_BITS (8u * SKA_SIGNAL_BYTES)
#ifndef SKA_HEADROOM
#if SKA_SUPERVISED && !SKA_INFERENCE_ONLY && SKA_WEIGHT_BITS == 16 && SKA_SIGNAL_BYTES == 1 &&     \
    SKA_UPDATE_BITS == 32 && !SKA_KERNEL_DSP && !SKA_KERNEL_MVE && !defined(__AVR__)
#define SKA_HEADROOM 1
#else
#define SKA_HEADROOM 0
#endif
#endif

/* Tells whether the lowest byte of a number comes first in memory. If the compiler does not define
 * this, the default is yes. Define SKA_LITTLE_ENDIAN as 0 on a big-endian core. */
#ifndef SKA_LITTLE_ENDIAN
#if defined(__BYTE_ORDER__)
#define SKA_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#else
#define SKA_LITTLE_ENDIAN 1
#endif
#endif

/* The number of bytes of a state that are consecutive in memory; see ska_state and ska_saved. */
#if SKA_LITTLE_ENDIAN
#define SKA_SAVED_RUN SKA_SAVED_BYTES
#else
#define SKA_SAVED_RUN 1u
#endif
#if SKA_FLASH_COUNT > 0
#define SKA_STATE_RUN 1u
#else
#define SKA_STATE_RUN SKA_SAVED_RUN
#endif

/* Keeps a function out of its callers: for a loop that needs all registers, or for functions that
 * use the same stack one after the other. Not every plan uses each of these functions. */
#if defined(__GNUC__)
#define SKA_NOINLINE __attribute__((noinline, unused))
#else
#define SKA_NOINLINE
#endif

/* A function whose calls gcc must not remove. gcc 12 sometimes computes an address from 0, and
 * then mistakes an access there for an access to address 0, which would end the program. If all
 * stores of a function come after such an access, gcc assumes that the function has no effect. */
#if defined(__GNUC__) && __GNUC__ >= 8 && !defined(__clang__)
#define SKA_KEPT __attribute__((noipa, unused))
#else
#define SKA_KEPT SKA_NOINLINE
#endif

/* If speed matters more than size, each layer gets its own code, with its sizes and shifts as
 * constants. AVR always does this, because it shifts bit by bit. */
#if defined(__GNUC__) &&                                                                           \
    ((defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)) || defined(__AVR__))
#define SKA_LAYER_CODE 1
#define SKA_LAYER_INLINE static inline __attribute__((always_inline))
#else
#define SKA_LAYER_CODE 0
#define SKA_LAYER_INLINE static inline
#endif

/* SKA_UNROLL precedes a loop whose body the compiler may repeat four times per pass. */
#if !SKA_LAYER_CODE || defined(__AVR__)
#define SKA_UNROLL
#elif defined(__clang__)
#define SKA_UNROLL _Pragma("clang loop unroll_count(4)")
#elif __GNUC__ >= 8
#define SKA_UNROLL _Pragma("GCC unroll 4")
#else
#define SKA_UNROLL
#endif

/* The form of a layer's inputs in the loops over its weights, and the space for one layer. The DSP
 * and MVE kernels read and write SKA_SIGNALS_AT_ONCE inputs at a time. */
#if SKA_KERNEL_DSP || SKA_KERNEL_MVE
#define SKA_SIGNALS_AT_ONCE 8
typedef int16_t ska_lane_t;
#define SKA_LANES ((SKA_WIDEST_INPUT + 7) / 8 * 8)
#elif SKA_KERNEL_THUMB
#define SKA_SIGNALS_AT_ONCE 1
typedef int32_t ska_lane_t;
#define SKA_LANES SKA_WIDEST_INPUT
#else
#define SKA_SIGNALS_AT_ONCE 1
typedef ska_signal_t ska_lane_t;
#endif

/* The array of signals: a copy of the network's input, the activations, and what a kernel may read
 * beyond them. A network that only classifies reads its input in place, unless the input is
 * normalized or the kernel would read beyond its end. */
#if SKA_INFERENCE_ONLY && SKA_INPUTS % SKA_SIGNALS_AT_ONCE == 0 && !SKA_RUNNING_NORMALIZATION
#define SKA_SIGNAL_INPUTS 0
#else
#define SKA_SIGNAL_INPUTS SKA_INPUTS
#endif
#define SKA_SIGNALS_NEEDED (SKA_SIGNAL_INPUTS + SKA_NEURONS - SKA_CLASSES + SKA_SIGNALS_AT_ONCE - 1)
#if SKA_SIGNALS_NEEDED > 0
#define SKA_SIGNALS SKA_SIGNALS_NEEDED
#else
#define SKA_SIGNALS 1 /* C has no empty array */
#endif

#endif
