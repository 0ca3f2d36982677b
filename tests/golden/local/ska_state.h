/* ska_state.h - the memory of plan efc630b4af7a4376. Generated; do not edit. */
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

    /* Shifts and errors. */
    int16_t shift[SKA_NEURONS]; /* the shift of each neuron in the last step */
    int16_t error[SKA_CLASSES]; /* scratch: the errors of the readout in use, narrowed */
    int16_t readout_error[SKA_CLASSES]; /* scratch: the errors of a layer's own readout */

#if SKA_HEADROOM
    /* Headroom of each row. */
    int16_t headroom[SKA_ROWS]; /* no weight of the row is nearer than this to an end of its format */
#endif
} ska_t;

#endif
