/* ska_sample.h - learns one sample with its label or targets.
 *
 * ska.c alone includes this file.
 */
#ifndef SKA_SAMPLE_H
#define SKA_SAMPLE_H

#include "ska_shift.h"

#if !SKA_INFERENCE_ONLY && SKA_SUPERVISED

SKA_LAYER_INLINE void layer_learn(ska_t *ska, uint8_t layer) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const uint16_t first = ska_first_neuron[layer];
    ska_change_t change;
    update_t update =
        update_start(ska, matrix, first, layer_inputs(ska, layer, ska->signal), &change);
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        update_row(&update, neuron_delta(ska, (uint16_t)(first + row)));
    }
}

#if SKA_MARGIN > 0
/* Tells whether all errors of the output layer are below the margin; such a sample changes no
 * weight. */
static inline int is_within_margin(const ska_t *ska) {
    for (uint16_t neuron = OUTPUTS; neuron < SKA_NEURONS; neuron++) {
        if (ska->shift[neuron] >= SKA_MARGIN || ska->shift[neuron] <= -SKA_MARGIN) {
            return 0;
        }
    }
    return 1;
}
#endif

#if SKA_NORMALIZED
/* Returns the sum of the squares of the inputs. ska_plan.h proves that it fits ("square sum"). */
static ska_square_t square_sum(const ska_signal_t *x) {
    ska_square_t sum = 0;
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        sum += ska_product_i16(x[i], x[i]);
    }
    return sum;
}
#endif

#if SKA_RATE_VARIES
/* Returns how many times the rate is halved for the next sample, before a normalized step. */
static inline uint8_t halvings_now(const ska_t *ska) {
#if SKA_DECAY_TIMES > 0
    const uint32_t passed = ska->samples / SKA_DECAY_SAMPLES;
    const uint8_t times = passed < SKA_DECAY_TIMES ? (uint8_t)passed : SKA_DECAY_TIMES;
    const uint8_t halvings = (uint8_t)(ska->rate_halvings + times);
    return halvings < SKA_RATE_HALVINGS_MAX ? halvings : SKA_RATE_HALVINGS_MAX;
#else
    return ska->rate_halvings;
#endif
}
#endif

/* Learns one sample, whose inputs are as the first layer gets them. */
static void sample_learn(ska_t *ska, const ska_signal_t *x, truth_t truth) {
#if !SKA_RUNNING_NORMALIZATION
    ska_kernel_copy(ska->signal, x, SKA_INPUTS); /* the update and the metrics need them later */
#elif SKA_REPLAY_SLOTS > 0
    if (x != ska->signal) { /* a stored sample; a new one is there already */
        ska_kernel_copy(ska->signal, x, SKA_INPUTS);
    }
#else
    (void)x; /* it is ska->signal */
#endif
    layers_forward(ska, ska->signal);
    output_errors(ska, truth);
#if SKA_MARGIN > 0
    if (is_within_margin(ska) != 0) {
        ska->step++;
        return;
    }
#endif
#if SKA_NORMALIZED
    ska->halvings = (uint8_t)ska_rule_halvings(square_sum(ska->signal), halvings_now(ska));
#elif SKA_RATE_VARIES
    ska->halvings = halvings_now(ska);
#endif
#if SKA_FIRST_LEARNED < SKA_LAYERS - 1
    for (uint8_t layer = SKA_FIRST_LEARNED; layer < OUTPUT_LAYER; layer++) {
        hidden_shifts(ska, layer, truth);
    }
#endif
    /* All shifts were computed with the weights that the layers had before this step. These weights
     * change only now. */
#if SKA_LAYER_CODE
#define LEARN(layer) layer_learn(ska, layer);
    SKA_EACH_LEARNED(LEARN)
#undef LEARN
#else
    for (uint8_t layer = SKA_FIRST_LEARNED; layer < SKA_LAYERS; layer++) {
        layer_learn(ska, layer);
    }
#endif
    ska->step++;
}

/* Returns the shift of a neuron in the last step; it is 0 if the sample was within the margin. */
static inline int_fast16_t last_shift(const ska_t *ska, uint16_t neuron) {
#if SKA_MARGIN > 0
    if (is_within_margin(ska) != 0) {
        return 0;
    }
#endif
    return ska->shift[neuron];
}

#endif

#endif
