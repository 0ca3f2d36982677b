/* ska_shift.h - computes the shifts of neurons from the truth about a sample.
 *
 * ska.c alone includes this file.
 */
#ifndef SKA_SHIFT_H
#define SKA_SHIFT_H

#include "ska_draw.h"
#include "ska_forward.h"
#include "ska_update.h"

#if !SKA_INFERENCE_ONLY && SKA_SUPERVISED

#if SKA_REGRESSION

typedef const int16_t *truth_t; /* a target of each output */

/* Computes the errors of the output layer. */
static inline void output_errors(ska_t *ska, truth_t truth) {
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        ska->shift[OUTPUTS + c] =
            (int16_t)ska_rule_output_shift(truth[c], ska->decision[OUTPUTS + c]);
    }
}

#else

typedef uint16_t truth_t; /* the class of the sample */

static inline void output_errors(ska_t *ska, truth_t truth) {
    for (uint16_t neuron = OUTPUTS; neuron < SKA_NEURONS; neuron++) {
        ska->shift[neuron] = (int16_t)ska_rule_output_shift(0, ska->decision[neuron]);
    }
    ska->shift[OUTPUTS + truth] =
        (int16_t)ska_rule_output_shift(SKA_TARGET, ska->decision[OUTPUTS + truth]);
}

#endif

/* --- shifts of a hidden layer ----------------------------------------------------------------- */

#if SKA_FIRST_LEARNED < SKA_LAYERS - 1

#if !SKA_TEACHER_CODE
/* Returns the shift of a hidden neuron from a projected error. */
static inline int16_t projected_shift(const ska_t *ska, uint16_t neuron, int_fast16_t projection) {
#if SKA_RELU
    return (int16_t)ska_rule_hidden_shift(projection, ska->knowledge[neuron]);
#else
    return (int16_t)ska_rule_hidden_shift(projection, ska->decision[neuron]);
#endif
}
#endif

#if SKA_TEACHER_READOUT

/* Computes the shifts of a hidden layer: projects the errors of its readout back through the
 * readout. */
static void readout_shifts(ska_t *ska, uint8_t layer, const ska_matrix_t *readout,
                           const int16_t *errors) {
    const uint16_t first = ska_first_neuron[layer];
    const uint16_t width = readout->inputs;
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        ska->error[c] = (int16_t)ska_rule_error(errors[c]);
    }
    for (uint16_t column = 0; column < width; column = (uint16_t)(column + SKA_BACK_COLUMNS)) {
        ska_sum_t sums[SKA_BACK_COLUMNS];
        ska_kernel_back(LEARNED(ska, readout->weight) + column, width, (uint16_t)(width - column),
                        ska->error, SKA_CLASSES, sums);
        for (uint16_t i = 0; i < SKA_BACK_COLUMNS && column + i < width; i++) {
            const uint16_t neuron = (uint16_t)(first + column + i);
            const int_fast16_t projection =
                (int_fast16_t)SKA_REQUANTIZE(sums[i], (uint8_t)readout->projection_shift);
            ska->shift[neuron] = projected_shift(ska, neuron, projection);
        }
    }
}

#if SKA_READOUTS > 0
/* Returns the error of a readout's output from its knowledge. */
static inline int_fast16_t readout_error(truth_t truth, uint16_t output,
                                         ska_knowledge_fast_t knowledge) {
#if SKA_REGRESSION
    return ska_rule_output_shift(truth[output], ska_rule_output_value(knowledge));
#else
    const int_fast16_t target = output == truth ? SKA_TARGET : 0;
    return ska_rule_output_shift(target, ska_rule_decision(knowledge));
#endif
}

/* Computes the errors of a layer's own readout. They set the layer's shifts, and then the readout
 * learns from them. */
static void readout_learn(ska_t *ska, uint8_t layer, truth_t truth) {
    const ska_matrix_t *readout = &ska_readouts[layer];
    const ska_signal_t *inputs = layer_inputs(ska, (uint8_t)(layer + 1), ska->signal);
    const ska_lane_t *lanes = ska_kernel_lanes(ska, inputs, readout->inputs);
    const ska_weight_t *bias = LEARNED(ska, readout->bias);
    for (uint16_t row = 0; row < SKA_CLASSES; row = (uint16_t)(row + SKA_SUM_ROWS)) {
        ska_sum_t sums[SKA_SUM_ROWS];
        const uint16_t count = block_sums(ska, readout, row, lanes, sums);
        for (uint16_t i = 0; i < count; i++) {
            const uint16_t c = (uint16_t)(row + i);
            ska->readout_error[c] =
                (int16_t)readout_error(truth, c, knowledge_of(sums[i], bias[c], readout));
#if SKA_SPARES > 0
            if (c >= SKA_NAMED && is_free(ska, (uint16_t)(c - SKA_NAMED))) {
                ska->readout_error[c] = 0;
            }
#endif
        }
    }
    readout_shifts(ska, layer, readout, ska->readout_error);
    ska_change_t change;
    const uint16_t first = (uint16_t)(SKA_NEURONS + layer * SKA_CLASSES);
    update_t update = update_start(ska, readout, first, inputs, &change);
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        update_row(&update, ska->readout_error[c]);
    }
}
#endif

/* Computes the shifts of a hidden layer. The top hidden layer uses the output layer as its readout;
 * lower layers have readouts of their own. */
static void hidden_shifts(ska_t *ska, uint8_t layer, truth_t truth) {
#if SKA_READOUTS > 0
    if (layer < SKA_READOUTS) {
        readout_learn(ska, layer, truth);
        return;
    }
#else
    (void)truth;
#endif
    readout_shifts(ska, layer, &ska_layers[OUTPUT_LAYER], ska->shift + OUTPUTS);
}

#else /* fixed random codes: bit c of a neuron's words belongs to class c */

static uint32_t code_word(uint32_t key, uint16_t neuron, uint16_t class_index) {
    const uint32_t words = (SKA_CLASSES + 31u) / 32u;
    return ska_draw_word(key, neuron * words + class_index / 32u);
}

#if SKA_TEACHER_SIGNS

/* Returns the shift of a neuron from the output layer's errors, projected by random signs. The
 * signs are not stored; every step computes them. */
static int16_t signs_shift(const ska_t *ska, uint16_t neuron) {
    ska_sum_t sum = 0;
    uint32_t word = 0;
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        if (c % 32 == 0) {
            word = code_word(SKA_SIGNS_KEY, neuron, c);
        }
        const int32_t error = ska->shift[OUTPUTS + c];
        sum += ska_draw_bit(word, (uint8_t)(c % 32)) ? -error : error;
    }
    const int_fast16_t projection = (int_fast16_t)SKA_REQUANTIZE(sum, SKA_SIGNS_SHIFT);
    return projected_shift(ska, neuron, projection);
}

#else /* SKA_TEACHER_CODE */

/* Returns a neuron's shift: toward the code of the class, or 0 if the class has no code for this
 * neuron. */
static int_fast16_t code_shift(const ska_t *ska, uint16_t neuron, uint16_t label) {
    const uint8_t place = (uint8_t)(label % 32);
    const uint32_t presence = code_word(SKA_CODE_PRESENCE_KEY, neuron, label);
    const uint32_t signs = code_word(SKA_CODE_SIGNS_KEY, neuron, label);
    const int_fast16_t target = ska_draw_bit(signs, place) ? 0 : SKA_TARGET;
    return ska_rule_hidden_shift(ska_draw_bit(presence, place), target, ska->decision[neuron]);
}

#endif

static void hidden_shifts(ska_t *ska, uint8_t layer, truth_t truth) {
    const uint16_t first = ska_first_neuron[layer];
    for (uint16_t i = 0; i < ska_layers[layer].outputs; i++) {
        const uint16_t neuron = (uint16_t)(first + i);
#if SKA_TEACHER_SIGNS
        (void)truth;
        ska->shift[neuron] = signs_shift(ska, neuron);
#else
        ska->shift[neuron] = (int16_t)code_shift(ska, neuron, truth);
#endif
    }
}

#endif
#endif

#endif

#endif
