/* ska_state.h - the memory of plan 532d71bbe3dc9b7b. Generated; do not edit. */
#ifndef SKA_STATE_H
#define SKA_STATE_H

#include <stdint.h>

#include "ska_plan.h"
#include "ska_target.h"

/* A network. The fields are for reading, in a debugger or a test.
 *
 * The members that learning changes come first, larger elements before smaller ones, so that no
 * core puts padding between them. These SKA_SAVED_BYTES bytes are the state, without the parameters
 * in flash: a host compares them and a save contains them (see ska_state). Forward passes and
 * updates compute the other members. The headroom, if there is one, is kept from update to update;
 * in a new state it is 0. Neurons are numbered through all layers, the output layer last.
 */
typedef struct {
    /* State. */
    uint32_t step; /* updates since ska_init */
    uint32_t samples; /* samples that ska_learn has accepted since ska_init */
    int16_t parameters[SKA_PARAMETER_COUNT]; /* in the order of the plan; see ska_tables.h */
    uint16_t held; /* samples in the batch so far */
    int8_t batch[SKA_BATCH][SKA_INPUTS]; /* the held batch */
    uint8_t rate_halvings; /* rate = SKA_RATE_MANTISSA * 2^-15 * 2^-(SKA_RATE_SHIFT + this) */

#ifdef SKA_LANES
    /* Inputs of a layer. */
    uint8_t align[1]; /* padding, because lanes are read by words */
    ska_lane_t lanes[SKA_LANES]; /* scratch: the inputs of one layer */
#endif

    /* Input and activations. */
    int8_t signal[SKA_SIGNALS]; /* the input, then every layer's activations */

    /* Knowledge and decisions. */
    int16_t knowledge[SKA_NEURONS]; /* z */
    int16_t decision[SKA_NEURONS]; /* D = sigmoid(z) */

    /* Passes of a batch. */
    uint8_t pass; /* index of the newer of the two passes below */
    int16_t passes[2][SKA_BATCH][SKA_NEURONS]; /* knowledge of this pass and of the previous one */
    int8_t below[SKA_BATCH][SKA_WIDEST_INPUT]; /* scratch: the input to a layer's update */
    int16_t steps[SKA_BATCH]; /* scratch: one neuron's steps */
} ska_t;

#endif
