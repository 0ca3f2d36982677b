/* ska_plan.h - the constants of plan 7edbda36e8c43e69. Generated; do not edit.
 *
 * Network 3-2-2, rule published, precision w16a8.
 *
 * No sum leaves its accumulator, whatever the input and the weights are:
 *   layer 0, knowledge sum: [-16776832, 16777216], 32 bits
 *   layer 0, update sum: [-16776704, 16809984], 32 bits
 *   layer 1, knowledge sum: [-12582656, 12582912], 32 bits
 *   layer 1, update sum: [-16776704, 16809984], 32 bits
 */
#ifndef SKA_PLAN_H
#define SKA_PLAN_H

#define SKA_PLAN_DIGEST {0x7e, 0xdb, 0xda, 0x36, 0xe8, 0xc4, 0x3e, 0x69}

#define SKA_INPUTS 3
#define SKA_INPUT_FRAC 7 /* fractional bits of an input */
#define SKA_CLASSES 2
#define SKA_LAYERS 2
#define SKA_HEADS 0 /* hidden layers with a readout of their own */
#define SKA_NEURONS 4
#define SKA_PARAMETER_COUNT 14
#define SKA_PARAMETER_BYTES 28

#define SKA_SUPERVISED 0
#define SKA_ACCUMULATOR_BITS 32
#define SKA_TARGET 32767 /* the decision a sample's own class should have */

/* Rate = mantissa * 2^-15 * 2^-shift = 0.0100002289 */
#define SKA_RATE_MANTISSA 20972
#define SKA_RATE_SHIFT 6

/* Rules without labels learn from a held batch. */
#define SKA_BATCH 4
#define SKA_STEPS 5
#define SKA_WIDEST_INPUT 3

#endif
