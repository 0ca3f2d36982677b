/* ska_library.c - see ska_library.h. It includes ska.c, so that the compiler sees the loops over
 * rows together with the network. */
#include "ska_library.h"

#include <string.h>

#include "ska.c"
#if SKA_FRONT_AXES > 0
#include "ska_front.c"
#include "ska_front_part.c"
#endif

uint32_t ska_library_bytes(void) { return (uint32_t)sizeof(ska_t); }

static void add_metrics(const ska_t *ska, ska_metrics_t metrics[SKA_LAYERS]) {
    for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
        ska_metrics(ska, layer, &metrics[layer]);
    }
}

#if SKA_REGRESSION

static bool row_learn(ska_t *ska, const ska_signal_t *x, const int16_t *truth, uint32_t row) {
    ska_learn_values(ska, x, truth + (size_t)row * SKA_TARGETS);
    return true;
}

/* For the output layer, ska->decision has values, so a decision is computed again from the
 * knowledge. */
static int_fast16_t decision_of(const ska_t *ska, uint16_t neuron) {
    return ska_rule_decision(ska->knowledge[neuron]);
}

#else

static bool row_learn(ska_t *ska, const ska_signal_t *x, const uint16_t *truth, uint32_t row) {
    return ska_learn(ska, x, truth[row]) == SKA_OK;
}

static int_fast16_t decision_of(const ska_t *ska, uint16_t neuron) { return ska->decision[neuron]; }

#endif

uint32_t ska_library_learn(ska_t *ska, const ska_signal_t *x, const ska_library_truth_t *truth,
                           uint32_t count, int16_t *decisions, uint32_t *steps,
                           ska_metrics_t *metrics) {
    for (uint32_t row = 0; row < count; row++) {
        if (!row_learn(ska, x + (size_t)row * SKA_INPUTS, truth, row)) {
            return row;
        }
        if (decisions != NULL) {
            memcpy(decisions + (size_t)row * SKA_CLASSES, outputs(ska),
                   SKA_CLASSES * sizeof *decisions);
        }
        if (steps != NULL) {
            steps[row] = ska_step(ska);
        }
        if (metrics != NULL) {
            add_metrics(ska, metrics + (size_t)row * SKA_LAYERS);
        }
    }
    return count;
}

void ska_library_forward(ska_t *ska, const ska_signal_t *x, uint32_t count,
                         ska_knowledge_t *knowledge, int16_t *decisions,
                         ska_signal_t *activations) {
    for (uint32_t row = 0; row < count; row++) {
        const size_t place = (size_t)row * SKA_NEURONS;
        forward(ska, x + (size_t)row * SKA_INPUTS);
        if (knowledge != NULL) {
            memcpy(knowledge + place, ska->knowledge, SKA_NEURONS * sizeof *knowledge);
        }
        if (decisions != NULL) {
            memcpy(decisions + place, ska->decision, SKA_NEURONS * sizeof *decisions);
        }
        if (activations != NULL) {
            for (uint16_t neuron = 0; neuron < SKA_NEURONS; neuron++) {
                activations[place + neuron] = (ska_signal_t)neuron_activation(
                    ska->knowledge[neuron], decision_of(ska, neuron));
            }
        }
    }
}

void ska_library_infer(ska_t *ska, const ska_signal_t *x, uint32_t count, int16_t *decisions) {
    for (uint32_t row = 0; row < count; row++) {
        forward(ska, x + (size_t)row * SKA_INPUTS);
        memcpy(decisions + (size_t)row * SKA_CLASSES, outputs(ska),
               SKA_CLASSES * sizeof *decisions);
    }
}

#if SKA_SUPERVISED

void ska_library_shifts(const ska_t *ska, int16_t *shifts) {
    for (uint16_t neuron = 0; neuron < SKA_NEURONS; neuron++) {
        shifts[neuron] = (int16_t)last_shift(ska, neuron);
    }
}

#else

void ska_library_shifts(const ska_t *ska, int16_t *shifts) {
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        for (uint16_t neuron = 0; neuron < SKA_NEURONS; neuron++) {
            const ska_knowledge_t knowledge = ska->passes[ska->pass][sample][neuron];
            const ska_knowledge_t before = ska->passes[1 - ska->pass][sample][neuron];
            *shifts =
                (int16_t)ska_rule_shift(ska_rule_decision(knowledge), ska_rule_decision(before));
            shifts++;
        }
    }
}

#endif
