/* ska_update.h - adds the update of one matrix to its weights and biases.
 *
 * ska.c alone includes this file.
 */
#ifndef SKA_UPDATE_H
#define SKA_UPDATE_H

#include "ska_kernel.h"
#include "ska_parameters.h"
#include "ska_rule.h"
#include "ska_tables.h"

#if !SKA_INFERENCE_ONLY

/* Adds the rate's shift to a shift. The checks of the plan keep the sum in [1, 31], or in [-31, 31]
 * for 32-bit weights. */
static int8_t with_rate(const ska_t *ska, int8_t shift) {
#if SKA_RATE_VARIES
    const uint8_t halvings = ska->halvings;
#else
    const uint8_t halvings = ska->rate_halvings;
#endif
    return (int8_t)((int16_t)shift + SKA_RATE_SHIFT + (int16_t)halvings);
}

#if SKA_SUPERVISED

static inline int_fast16_t neuron_delta(const ska_t *ska, uint16_t neuron) {
    return ska_rule_delta(ska->knowledge[neuron], ska->decision[neuron], ska->shift[neuron]);
}

/* The update of one matrix, row by row from the first: W += step a^T, b += step. The weights of a
 * row are skipped if none of them can change. */
typedef struct {
    const ska_change_t *change; /* shared by all rows */
    int_fast16_t least;         /* a smaller step changes no weight, whatever the inputs are */
    ska_weight_t *weight;       /* weights of the next row */
    ska_weight_t *bias;
    int8_t bias_shift;
#if SKA_HEADROOM
    int16_t *headroom;
#endif
} update_t;

/* `row` is the number of the matrix's first row among the rows of all matrices. A row of a layer
 * has the number of its neuron; the rows of readouts come after all neurons. */
SKA_LAYER_INLINE update_t update_start(ska_t *ska, const ska_matrix_t *matrix, uint16_t row,
                                       const ska_signal_t *inputs, ska_change_t *change) {
    update_t update;
    const int8_t shift = with_rate(ska, matrix->update_shift);
    *change = ska_kernel_change(ska, inputs, matrix->inputs, shift);
    update.change = change;
    update.least = ska_least_step(shift, SKA_INPUT_BITS);
    update.weight = LEARNED(ska, matrix->weight);
    update.bias = LEARNED(ska, matrix->bias);
    update.bias_shift = with_rate(ska, matrix->bias_update_shift);
#if SKA_HEADROOM
    update.headroom = ska->headroom + row;
#else
    (void)row;
#endif
    return update;
}

static inline void update_row(update_t *update, int_fast16_t delta) {
    const int_fast16_t step = ska_rule_step(delta, SKA_RATE_MANTISSA);
    *update->bias = SKA_BIAS_ADD(*update->bias, (int32_t)step, update->bias_shift);
    if (step >= update->least || step <= -update->least) {
#if SKA_HEADROOM
        ska_kernel_update(update->change, update->weight, step, update->headroom);
#else
        ska_kernel_update(update->change, update->weight, step);
#endif
    }
    update->bias++;
    update->weight += update->change->columns;
#if SKA_HEADROOM
    update->headroom++;
#endif
}

#endif

#endif

#endif
