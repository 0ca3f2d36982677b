/* ska_plan.h - the constants of plan cf44f084ad521e38. Generated; do not edit.
 *
 * Network 4-3-3-2, rule local, precision w16a8.
 *
 * No sum leaves its accumulator, whatever the input and the weights are:
 *   layer 0, knowledge sum: [-17300992, 17301504], 32 bits
 *   layer 0, update sum: [-4194176, 4194816], 32 bits
 *   layer 0, projection sum: [-1073709056, 1073750016], 32 bits
 *   layer 0, readout sum: [-16776832, 16777216], 32 bits
 *   layer 0, readout update sum: [-4194176, 4198400], 32 bits
 *   layer 1, knowledge sum: [-16776832, 16777216], 32 bits
 *   layer 1, update sum: [-4194176, 4198400], 32 bits
 *   layer 1, projection sum: [-1073709056, 1073750016], 32 bits
 *   layer 2, knowledge sum: [-16776832, 16777216], 32 bits
 *   layer 2, update sum: [-4194176, 4198400], 32 bits
 */
#ifndef SKA_PLAN_H
#define SKA_PLAN_H

#define SKA_PLAN_DIGEST {0xcf, 0x44, 0xf0, 0x84, 0xad, 0x52, 0x1e, 0x38}

#define SKA_INPUTS 4
#define SKA_INPUT_FRAC 4 /* fractional bits of an input */
#define SKA_CLASSES 2
#define SKA_LAYERS 3
#define SKA_HEADS 1 /* hidden layers with a readout of their own */
#define SKA_NEURONS 8
#define SKA_PARAMETER_COUNT 43
#define SKA_PARAMETER_BYTES 86

#define SKA_SUPERVISED 1
#define SKA_ACCUMULATOR_BITS 32
#define SKA_TARGET 32767 /* the decision a sample's own class should have */

/* Rate = mantissa * 2^-15 * 2^-shift = 0.125 */
#define SKA_RATE_MANTISSA 32768
#define SKA_RATE_SHIFT 3

#endif
