/* ska_kernel_lanes.h - lanes with more bits than the inputs, for kernels that need them; see
 * ska_kernel.h.
 *
 * The kernel first defines const ska_lane_t *lanes_make(ska, inputs, columns, exponent), which
 * fills ska->lanes with the inputs times 2^exponent.
 */
#ifndef SKA_KERNEL_LANES_H
#define SKA_KERNEL_LANES_H

#include "ska_fixed.h"

static inline const ska_lane_t *ska_kernel_lanes(ska_t *ska, const ska_signal_t *inputs,
                                                 uint16_t columns) {
    return lanes_make(ska, inputs, columns, 0);
}

/* The fast update scales the inputs so that the change is in the upper half of a word.
 */
static inline ska_change_t ska_kernel_change(ska_t *ska, const ska_signal_t *inputs,
                                             uint16_t columns, int8_t shift) {
    const uint8_t exponent = ska_has_fast_shift(shift) ? ska_fast_exponent(shift) : 0u;
    ska_change_t change;
    change.lanes = lanes_make(ska, inputs, columns, exponent);
    change.columns = columns;
    change.shift = (int8_t)(shift + (int8_t)exponent);
#if SKA_HEADROOM
    change.lane_bits = (uint8_t)(SKA_INPUT_BITS + exponent);
#endif
    return change;
}

#endif
