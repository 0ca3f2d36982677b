/* ska_forward.h - computes the layers of a network for a sample.
 *
 * ska.c alone includes this file.
 */
#ifndef SKA_FORWARD_H
#define SKA_FORWARD_H

#include "ska_accumulator.h"
#include "ska_const.h"
#include "ska_kernel.h"
#include "ska_parameters.h"
#include "ska_rule.h"
#include "ska_running.h"
#include "ska_tables.h"

/* Returns the inputs of a layer; `x` are the inputs of the network. */
static const ska_signal_t *layer_inputs(const ska_t *ska, uint8_t layer, const ska_signal_t *x) {
    return layer == 0 ? x : ska->signal + SKA_SIGNAL_INPUTS + ska_first_neuron[layer - 1];
}

/* z = requantize(W a + b), from the sum of W a. */
static inline ska_knowledge_fast_t knowledge_of(ska_sum_t sum, ska_weight_t bias,
                                                const ska_matrix_t *matrix) {
    return (ska_knowledge_fast_t)SKA_KNOWLEDGE_OF(SKA_ALIGN(sum, matrix->sum_align) +
                                                      SKA_ALIGN(bias, matrix->bias_align),
                                                  matrix->forward_shift);
}

/* Computes the sums of the next rows of a matrix, from `row` on; returns the number of rows. */
static inline uint16_t block_sums(const ska_t *ska, const ska_matrix_t *matrix, uint16_t row,
                                  const ska_lane_t *lanes, ska_sum_t sums[SKA_SUM_ROWS]) {
    const uint16_t left = (uint16_t)(matrix->outputs - row);
    (void)ska; /* unused if all weights are in flash */
    const ska_weight_t *weight = PARAMETER(ska, matrix->weight) + (uint32_t)row * matrix->inputs;
#if SKA_CONST_APART && SKA_FLASH_COUNT > 0
    if (IS_IN_FLASH(matrix->weight)) {
        ska_kernel_sums_flash(weight, matrix->inputs, left, lanes, sums);
        return left < SKA_SUM_ROWS ? left : SKA_SUM_ROWS;
    }
#endif
    ska_kernel_sums(weight, matrix->inputs, left, lanes, sums);
    return left < SKA_SUM_ROWS ? left : SKA_SUM_ROWS;
}

/* Returns the activation of a neuron. */
static inline int_fast16_t neuron_activation(ska_knowledge_fast_t knowledge,
                                             int_fast16_t decision) {
#if SKA_RELU
    (void)decision;
    return ska_rule_activation(knowledge);
#else
    (void)knowledge;
    return ska_rule_activation(decision);
#endif
}

/* Stores what is needed later: the activation if another layer reads it, otherwise the decision;
 * for learning also the knowledge, and the decision of every neuron. The outputs of a regression
 * have values instead of decisions. */
static inline void neuron_decide(ska_t *ska, uint8_t layer, uint16_t neuron,
                                 ska_knowledge_fast_t knowledge) {
#if SKA_REGRESSION
    const int_fast16_t decision =
        layer == OUTPUT_LAYER ? ska_rule_output_value(knowledge) : ska_rule_decision(knowledge);
#else
    const int_fast16_t decision = ska_rule_decision(knowledge);
#endif
#if SKA_INFERENCE_ONLY
    if (layer == OUTPUT_LAYER) {
        ska->decision[neuron - OUTPUTS] = (int16_t)decision;
    }
#else
    ska->knowledge[neuron] = (ska_knowledge_t)knowledge;
    ska->decision[neuron] = (int16_t)decision;
#endif
    if (layer != OUTPUT_LAYER) {
        ska->signal[SKA_SIGNAL_INPUTS + neuron] =
            (ska_signal_t)neuron_activation(knowledge, decision);
    }
}

SKA_LAYER_INLINE void layer_forward(ska_t *ska, uint8_t layer, const ska_signal_t *x) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const ska_lane_t *lanes = ska_kernel_lanes(ska, layer_inputs(ska, layer, x), matrix->inputs);
    const ska_weight_t *bias = PARAMETER(ska, matrix->bias);
    const bool in_flash = IS_IN_FLASH(matrix->bias);
    const uint16_t first = ska_first_neuron[layer];
    for (uint16_t row = 0; row < matrix->outputs; row = (uint16_t)(row + SKA_SUM_ROWS)) {
        ska_sum_t sums[SKA_SUM_ROWS];
        const uint16_t count = block_sums(ska, matrix, row, lanes, sums);
        SKA_SUM_UNROLL
        for (uint16_t i = 0; i < count; i++) {
            neuron_decide(ska, layer, (uint16_t)(first + row + i),
                          knowledge_of(sums[i], ska_weight_read(&bias[row + i], in_flash), matrix));
        }
    }
}

#if SKA_SPARES > 0

/* Tells whether a spare output is free: it is not a class, so it has no name. */
static inline bool is_free(const ska_t *ska, uint16_t spare) {
#if SKA_INFERENCE_ONLY
    (void)ska;
    return ska_const_u8(ska_initial_names[spare]) == 0u;
#else
    return ska->names[spare][0] == 0u;
#endif
}

/* Sets the decision of each free output to 0. Such an output is never the answer, and learns
 * nothing. */
static inline void spares_silence(ska_t *ska) {
    for (uint16_t spare = 0; spare < SKA_SPARES; spare++) {
        if (is_free(ska, spare)) {
#if SKA_INFERENCE_ONLY
            ska->decision[SKA_NAMED + spare] = 0;
#else
            ska->decision[OUTPUTS + SKA_NAMED + spare] = 0;
#endif
        }
    }
}

#endif

/* Computes all layers, from the input to the decisions of the output layer. */
static SKA_KEPT void layers_forward(ska_t *ska, const ska_signal_t *x) {
#if SKA_LAYER_CODE
#define FORWARD(layer) layer_forward(ska, layer, x);
    SKA_EACH_LAYER(FORWARD)
#undef FORWARD
#else
    for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
        layer_forward(ska, layer, x);
    }
#endif
#if SKA_SPARES > 0
    spares_silence(ska);
#endif
}

/* Computes all layers for a sample. If the inputs are normalized, or if the kernel reads beyond
 * their end, they are first copied to the array of signals, which has space after them. */
static inline void forward(ska_t *ska, const ska_signal_t *x) {
#if SKA_RUNNING_NORMALIZATION
    x = ska_running_normalized(ska, x);
#elif SKA_INPUTS % SKA_SIGNALS_AT_ONCE != 0
    ska_kernel_copy(ska->signal, x, SKA_INPUTS);
    x = ska->signal;
#endif
    layers_forward(ska, x);
}

#endif
