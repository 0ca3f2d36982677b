/* ska_batch.h - learns from a held batch without labels, in SKA_STEPS passes.
 *
 * ska.c alone includes this file.
 */
#ifndef SKA_BATCH_H
#define SKA_BATCH_H

#include "ska_forward.h"
#include "ska_update.h"

#if !SKA_INFERENCE_ONLY && !SKA_SUPERVISED

/* Returns the step of one neuron for one sample of the batch, from this and the previous pass. */
static int_fast16_t batch_step(const ska_t *ska, uint16_t sample, uint16_t neuron) {
    const ska_knowledge_t knowledge = ska->passes[ska->pass][sample][neuron];
    const ska_knowledge_t before = ska->passes[1 - ska->pass][sample][neuron];
    const int_fast16_t decision = ska_rule_decision(knowledge);
    const int_fast16_t shift = ska_rule_shift(decision, ska_rule_decision(before));
    return ska_rule_step(ska_rule_delta(knowledge, decision, shift), SKA_RATE_MANTISSA);
}

/* Returns one input to a layer's update: an input of the network, or an activation of the layer
 * below in the previous pass. */
static int_fast16_t batch_below(const ska_t *ska, uint8_t layer, uint16_t sample, uint16_t column) {
    if (layer == 0) {
        return ska->batch[sample][column];
    }
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer - 1] + column);
    return ska_rule_activation(ska_rule_decision(ska->passes[1 - ska->pass][sample][neuron]));
}

/* Returns the sum over the batch that changes one weight. */
static ska_update_t batch_product(const int16_t *steps, const ska_t *ska, uint16_t column) {
    ska_update_t sum = 0;
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        sum += (ska_update_t)((int32_t)steps[sample] * ska->below[sample][column]);
    }
    return sum;
}

static void batch_update(ska_t *ska, uint8_t layer) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const int8_t shift = with_rate(ska, matrix->update_shift);
    const int8_t bias_shift = with_rate(ska, matrix->bias_update_shift);
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        for (uint16_t column = 0; column < matrix->inputs; column++) {
            ska->below[sample][column] = (ska_signal_t)batch_below(ska, layer, sample, column);
        }
    }
    ska_weight_t *weight = LEARNED(ska, matrix->weight);
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        ska_update_t sum = 0;
        for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
            const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
            ska->steps[sample] = (int16_t)batch_step(ska, sample, neuron);
            sum += ska->steps[sample];
        }
        for (uint16_t column = 0; column < matrix->inputs; column++) {
            *weight = SKA_WEIGHT_ADD(*weight, batch_product(ska->steps, ska, column), shift);
            weight++;
        }
        ska_weight_t *bias = LEARNED(ska, matrix->bias) + row;
        *bias = SKA_WEIGHT_ADD(*bias, sum, bias_shift);
    }
}

/* The first pass only records. Every later pass updates the weights from the differences
 * between its decisions and the decisions of the previous pass. */
static void batch_learn(ska_t *ska) {
    for (uint16_t number = 0; number < SKA_STEPS; number++) {
        ska->pass = (uint8_t)(1 - ska->pass);
        for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
            forward(ska, ska->batch[sample]);
            for (uint16_t neuron = 0; neuron < SKA_NEURONS; neuron++) {
                ska->passes[ska->pass][sample][neuron] = ska->knowledge[neuron];
            }
        }
        if (number > 0) {
            for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
                batch_update(ska, layer);
            }
            ska->step++;
        }
    }
}

#endif

#endif
