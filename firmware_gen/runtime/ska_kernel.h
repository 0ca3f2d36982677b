/* ska_kernel.h - the three loops over weights, which take nearly all of the time:
 *
 *     sums     W a, SKA_SUM_ROWS rows at a time
 *     back     W^T e, SKA_BACK_COLUMNS columns at a time
 *     update   W += step a^T, one row at a time
 *
 * Each loop has variants for several cores, in separate files. All variants compute the same bits.
 * A kernel may use a different form of the inputs, its lanes (see ska_target.h). It computes them
 * from a layer's inputs once for all rows.
 */
#ifndef SKA_KERNEL_H
#define SKA_KERNEL_H

#include <stdbool.h>

#include "ska.h"
#include "ska_const.h"

#if SKA_WEIGHT_BITS == 16
#define SKA_WEIGHT_CONST ska_const_i16
#else
#define SKA_WEIGHT_CONST ska_const_i32
#endif

#if SKA_SIGNAL_BYTES == 1
#define SKA_SIGNAL_CONST ska_const_i8
#else
#define SKA_SIGNAL_CONST ska_const_i16
#endif

/* Reads a weight in RAM or in flash. Most cores read both in the same way. For others, a kernel has
 * a function ska_kernel_sums_flash beside ska_kernel_sums. */
static inline ska_weight_t ska_weight_read(const ska_weight_t *place, bool in_flash) {
#if SKA_CONST_APART && SKA_FLASH_COUNT > 0
    return in_flash ? SKA_WEIGHT_CONST(place) : *place;
#else
    (void)in_flash;
    return *place;
#endif
}

/* The values that all rows of a matrix share in an update: W += round(step * lane * 2^-shift). */
typedef struct {
    const ska_lane_t *lanes;
    uint16_t columns;
    int8_t shift;
#if SKA_HEADROOM
    uint8_t lane_bits; /* bits of a lane, with its sign */
#endif
#if SKA_KERNEL_AVR
    int16_t scale; /* factor of a step in the fast update; 0 if the shift does not allow it */
#endif
} ska_change_t;

#if SKA_KERNEL_MVE
#include "ska_kernel_mve.h"
#elif SKA_KERNEL_DSP
#include "ska_kernel_dsp.h"
#elif SKA_KERNEL_THUMB
#include "ska_kernel_thumb.h"
#elif SKA_KERNEL_AVR
#include "ska_kernel_avr.h"
#else
#include "ska_kernel_portable.h"
#endif

/* SKA_SUM_UNROLL precedes a loop over the rows of one call of ska_kernel_sums. A kernel that
 * handles only two rows per call defines SKA_SUM_UNROLL to unroll this loop. */
#ifndef SKA_SUM_UNROLL
#define SKA_SUM_UNROLL
#endif

#endif
