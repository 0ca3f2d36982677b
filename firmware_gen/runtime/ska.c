/* ska.c - the functions of ska.h: they infer and learn, and give out the state of a network.
 *
 * ska_edge/network/trainer.py has the same loops in numpy; tests compare every bit of both.
 * The loops are in headers that only this file includes, so that the tables exist once, the
 * compiler sees them together with the loops, and firmware that only learns needs no other source:
 * ska_forward.h, ska_update.h, ska_shift.h, ska_sample.h, ska_slots.h and ska_batch.h. ska_rule.h
 * has the computations of one neuron. This is one file, because the interface is read as a whole.
 */
#include "ska.h"

#include <stdbool.h>
#include <stddef.h>

#include "ska_batch.h"
#include "ska_const.h"
#include "ska_forward.h"
#include "ska_parameters.h"
#include "ska_rule.h"
#include "ska_running.h"
#include "ska_sample.h"
#include "ska_slots.h"
#include "ska_tables.h"
#include "ska_update.h"
#include "ska_weights.h"

#if !SKA_INFERENCE_ONLY

/* --- learning --------------------------------------------------------------------------------- */

#if SKA_SUPERVISED

#if SKA_REPLAY_SLOTS > 0

void ska_replay(ska_t *ska) {
    uint16_t held = 0;
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        held = (uint16_t)(held + replay_held(ska, c));
    }
    if (held == 0) {
        return;
    }
    uint16_t place = replay_draw(ska, held);
    uint16_t label = 0;
    while (place >= replay_held(ska, label)) {
        place = (uint16_t)(place - replay_held(ska, label));
        label++;
    }
    sample_learn(ska, ska->replay[label][place], label);
}

#endif

#if SKA_REGRESSION

void ska_learn_values(ska_t *ska, const ska_signal_t x[SKA_INPUTS],
                      const int16_t targets[SKA_TARGETS]) {
#if SKA_RUNNING_NORMALIZATION
    x = ska_running_learned(ska, x);
#endif
    sample_learn(ska, x, targets);
    ska->samples++;
}

#else

ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label) {
    if (label >= SKA_CLASSES) {
        return SKA_ERROR_LABEL;
    }
#if SKA_SPARES > 0
    if (label >= SKA_NAMED && is_free(ska, (uint16_t)(label - SKA_NAMED))) {
        return SKA_ERROR_LABEL;
    }
#endif
#if SKA_REPLAY_SLOTS > 0
    /* Stored samples come first, so that ska_decisions and ska_metrics describe the new sample. */
    for (uint8_t i = 0; i < SKA_REPLAYS; i++) {
        ska_replay(ska);
    }
#endif
#if SKA_RUNNING_NORMALIZATION
    x = ska_running_learned(ska, x);
#endif
    sample_learn(ska, x, label);
    ska->samples++;
#if SKA_REPLAY_SLOTS > 0
    replay_remember(ska, x, label);
#endif
    return SKA_OK;
}

#endif

#else /* no labels */

void ska_learn_batch(ska_t *ska, const ska_signal_t x[SKA_BATCH][SKA_INPUTS]) {
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        ska_kernel_copy(ska->batch[sample], x[sample], SKA_INPUTS);
    }
    ska->samples += SKA_BATCH;
    ska->held = 0;
    batch_learn(ska);
}

ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label) {
    if (label >= SKA_CLASSES) {
        return SKA_ERROR_LABEL;
    }
    forward(ska, x);
    ska_kernel_copy(ska->batch[ska->held], x, SKA_INPUTS);
    ska->held++;
    ska->samples++;
    if (ska->held == SKA_BATCH) {
        ska->held = 0;
        batch_learn(ska);
    }
    return SKA_OK;
}

#endif
#endif /* !SKA_INFERENCE_ONLY */

/* --- state and interface ---------------------------------------------------------------------- */

#if defined(__AVR__) && SKA_PARAMETER_BYTES > 32767
#error "gcc for AVR has no arrays of more than 32767 bytes; make the network smaller"
#endif

static void clear(uint8_t *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = 0;
    }
}

#if !SKA_INFERENCE_ONLY && SKA_REPLAY_SLOTS > 0
#if SKA_PREFILLED > 0
/* Fills the replay buffer with the initial samples. */
static void prefill(ska_t *ska) {
    uint16_t row = 0;
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        ska->seen[c] = ska_initial_seen[c];
        for (uint16_t slot = 0; slot < ska_initial_seen[c]; slot++) {
            for (uint16_t i = 0; i < SKA_INPUTS; i++) {
                ska->replay[c][slot][i] = SKA_SIGNAL_CONST(&ska_initial_samples[row][i]);
            }
            row++;
        }
    }
}
#endif
#endif

void ska_init(ska_t *ska) {
    clear((uint8_t *)ska, sizeof *ska);
#if !SKA_INFERENCE_ONLY
    const ska_weight_t *initial = &ska_initial_parameters[SKA_FLASH_COUNT];
    for (uint32_t i = 0; i < SKA_RAM_COUNT; i++) {
        ska->parameters[i] = SKA_WEIGHT_CONST(&initial[i]);
    }
#if SKA_SPARES > 0
    for (uint16_t i = 0; i < SKA_SPARES; i++) {
        for (uint8_t place = 0; place < SKA_NAME_BYTES; place++) {
            ska->names[i][place] = ska_const_u8(&ska_initial_names[i][place]);
        }
    }
#endif
#if SKA_REPLAY_SLOTS > 0
#if SKA_PREFILLED > 0
    prefill(ska);
#endif
#endif
#if SKA_RUNNING_NORMALIZATION
    ska_running_init(ska);
#endif
#endif
}

#if SKA_SPARES > 0 && !SKA_INFERENCE_ONLY

/* --- classes that are added later ------------------------------------------------------------- */

static bool is_named(const ska_t *ska, uint16_t spare, const uint8_t name[SKA_NAME_BYTES]) {
    for (uint8_t i = 0; i < SKA_NAME_BYTES; i++) {
        if (ska->names[spare][i] != name[i]) {
            return false;
        }
    }
    return true;
}

ska_status_t ska_class_add(ska_t *ska, const char *name, uint16_t *label) {
    uint8_t wanted[SKA_NAME_BYTES] = {0};
    for (uint8_t i = 0; i < SKA_NAME_BYTES && name[i] != '\0'; i++) {
        wanted[i] = (uint8_t)name[i];
    }
    uint16_t found = SKA_SPARES;
    for (uint16_t spare = SKA_SPARES; spare > 0; spare--) {
        const uint16_t i = (uint16_t)(spare - 1u);
        if (is_named(ska, i, wanted)) {
            found = i;
            break;
        }
        if (is_free(ska, i)) {
            found = i;
        }
    }
    if (wanted[0] == 0u || found == SKA_SPARES) {
        return SKA_ERROR_SPARE;
    }
    for (uint8_t i = 0; i < SKA_NAME_BYTES; i++) {
        ska->names[found][i] = wanted[i];
    }
    *label = (uint16_t)(SKA_NAMED + found);
    return SKA_OK;
}

/* Sets the row of a class in a matrix, with its bias, to 0. */
static void row_clear(ska_t *ska, const ska_matrix_t *matrix, uint16_t label) {
    ska_weight_t *weight = LEARNED(ska, matrix->weight) + (uint32_t)label * matrix->inputs;
    for (uint16_t column = 0; column < matrix->inputs; column++) {
        weight[column] = 0;
    }
    LEARNED(ska, matrix->bias)[label] = 0;
}

ska_status_t ska_class_forget(ska_t *ska, uint16_t label) {
    if (label < SKA_NAMED || label >= SKA_CLASSES || is_free(ska, (uint16_t)(label - SKA_NAMED))) {
        return SKA_ERROR_LABEL;
    }
    clear(ska->names[label - SKA_NAMED], SKA_NAME_BYTES);
    row_clear(ska, &ska_layers[OUTPUT_LAYER], label);
#if SKA_READOUTS > 0 && SKA_FIRST_LEARNED == 0
    for (uint8_t layer = 0; layer < SKA_READOUTS; layer++) {
        row_clear(ska, &ska_readouts[layer], label);
    }
#endif
#if SKA_REPLAY_SLOTS > 0
    ska->seen[label] = 0;
    clear((uint8_t *)ska->replay[label], sizeof ska->replay[label]);
#endif
    return SKA_OK;
}

#endif

#if SKA_INFERENCE_ONLY
static inline const int16_t *outputs(const ska_t *ska) { return ska->decision; }
#else
static inline const int16_t *outputs(const ska_t *ska) { return ska->decision + OUTPUTS; }
#endif

#if SKA_REGRESSION

const int16_t *ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]) {
    forward(ska, x);
    return outputs(ska);
}

const int16_t *ska_values(const ska_t *ska) { return outputs(ska); }

#else

uint16_t ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]) {
    forward(ska, x);
    return ska_predicted(ska);
}

uint16_t ska_predicted(const ska_t *ska) {
    const int16_t *decisions = ska_decisions(ska);
    uint16_t best = 0;
    for (uint16_t c = 1; c < SKA_CLASSES; c++) {
        if (decisions[c] > decisions[best]) {
            best = c;
        }
    }
    return best;
}

int16_t ska_confidence(const ska_t *ska) {
    const int16_t *decisions = ska_decisions(ska);
    int16_t largest = 0;
    int16_t second = 0;
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        if (decisions[c] > largest) {
            second = largest;
            largest = decisions[c];
        } else {
            second = decisions[c] > second ? decisions[c] : second;
        }
    }
    return (int16_t)(largest - second);
}

uint16_t ska_classify(const ska_t *ska) {
#if SKA_LEAST_CONFIDENCE > 0
    if (ska_confidence(ska) < SKA_LEAST_CONFIDENCE) {
        return SKA_UNKNOWN;
    }
#endif
    return ska_predicted(ska);
}

const int16_t *ska_decisions(const ska_t *ska) { return outputs(ska); }

#endif

#if !SKA_INFERENCE_ONLY

uint32_t ska_step(const ska_t *ska) { return ska->step; }

uint32_t ska_samples(const ska_t *ska) { return ska->samples; }

ska_status_t ska_rate_halve(ska_t *ska, uint8_t times) {
    if (times > SKA_RATE_HALVINGS_MAX) {
        return SKA_ERROR_RATE;
    }
    ska->rate_halvings = times;
    return SKA_OK;
}

/* Asserts that there is no padding between the members of the state: a negative array size does not
 * compile. */
typedef char ska_state_is_whole[offsetof(ska_t, rate_halvings) + 1 == SKA_SAVED_BYTES ? 1 : -1];

/* Returns the position in ska_t of a byte of the state in RAM. A big-endian core has the bytes of a
 * number in reverse order. Numbers are aligned, so the lowest bits of a position are the index of
 * the byte in its number. */
static uint32_t state_place(uint32_t offset) {
#if !SKA_LITTLE_ENDIAN
#define RUN(end, bytes)                                                                            \
    if (offset < (end)) {                                                                          \
        return offset ^ ((bytes) - 1u);                                                            \
    }
    SKA_STATE_RUNS(RUN)
#undef RUN
#endif
    return offset;
}

#if SKA_FLASH_COUNT == 0
const uint8_t *ska_state(const ska_t *ska, uint32_t offset) {
    return (const uint8_t *)ska + state_place(offset);
}
#else
const uint8_t *ska_saved(const ska_t *ska, uint32_t offset) {
    return (const uint8_t *)ska + state_place(offset);
}
#endif

void ska_state_written(ska_t *ska) {
#if SKA_HEADROOM
    clear((uint8_t *)ska->headroom, sizeof ska->headroom); /* 0, until an update measures it */
#endif
#if !SKA_LITTLE_ENDIAN
    uint8_t *bytes = (uint8_t *)ska;
    for (uint32_t i = 0; i < SKA_SAVED_BYTES; i++) {
        const uint32_t other = state_place(i);
        if (i < other) {
            const uint8_t byte = bytes[i];
            bytes[i] = bytes[other];
            bytes[other] = byte;
        }
    }
#endif
    if (ska->rate_halvings > SKA_RATE_HALVINGS_MAX) {
        ska->rate_halvings = 0;
    }
#if SKA_REPLAY_SLOTS > 0
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        if (ska->seen[c] > SKA_MOST_SEEN) {
            ska->seen[c] = SKA_MOST_SEEN;
        }
    }
#endif
#if !SKA_SUPERVISED
    if (ska->held >= SKA_BATCH) {
        ska->held = 0;
    }
#endif
}

#endif

#if SKA_FLASH_COUNT > 0

/* Returns the address of a byte of the parameters in flash. If flash cannot be read through an
 * address, the result is the address of a copy, which the next call overwrites. */
static const uint8_t *flash_byte(uint32_t offset) {
#if !SKA_LITTLE_ENDIAN
    offset ^= SKA_WEIGHT_BITS / 8u - 1u;
#endif
    const uint8_t *place = (const uint8_t *)ska_initial_parameters + offset;
#if SKA_CONST_APART
    static uint8_t copy;
    copy = ska_const_u8(place);
    return &copy;
#else
    return place;
#endif
}

const uint8_t *ska_state(const ska_t *ska, uint32_t offset) {
    if (ska_state_is_in_flash(offset)) {
        return flash_byte(offset - SKA_STATE_PARAMETERS);
    }
#if SKA_INFERENCE_ONLY
    static const uint8_t zero = 0; /* nothing has been learned */
    (void)ska;
    return &zero;
#else
    return ska_saved(ska, offset < SKA_STATE_PARAMETERS ? offset : offset - SKA_FLASH_BYTES);
#endif
}

#endif

const uint8_t ska_plan_digest[8] = SKA_PLAN_DIGEST;

/* Defines the symbol to which all objects of this model refer; see ska_plan.h. */
#if defined(__GNUC__) && defined(__ELF__)
__asm__(".globl " SKA_MODEL_SYMBOL "\n.set " SKA_MODEL_SYMBOL ", 1");
#endif

uint32_t ska_initial_crc(void) { return SKA_INITIAL_CRC; }

#if SKA_RAW_INPUT || SKA_RAW_FLOAT

static ska_signal_t standardized_wide(int32_t raw, uint16_t i) {
    return (ska_signal_t)ska_rule_standardized_wide(raw, SKA_RAW_MULTIPLIER(i), SKA_RAW_OFFSET(i));
}

#endif

#if SKA_RAW_INPUT

static ska_signal_t standardized(int_fast16_t raw, uint16_t i) {
    return (ska_signal_t)ska_rule_standardized(raw, SKA_RAW_MULTIPLIER(i), SKA_RAW_OFFSET(i));
}

void ska_standardize(const int16_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = standardized(raw[i], i);
    }
}

void ska_standardize_u8(const uint8_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = standardized(raw[i], i);
    }
}

void ska_standardize_u16(const uint16_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = standardized_wide((int32_t)raw[i], i);
    }
}

void ska_standardize_i32(const int32_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = standardized_wide(raw[i], i);
    }
}

#endif

#if SKA_RAW_FLOAT

void ska_standardize_f32(const float raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        const uint32_t bits = ska_float32_bits(&raw[i]);
        x[i] = 0;
        if (!ska_float32_is_nan(bits)) {
            x[i] = standardized_wide(ska_float32_integer(bits, SKA_RAW_POINT(i)), i);
        }
    }
}

#endif

#if !SKA_INFERENCE_ONLY

/* --- metrics ---------------------------------------------------------------------------------- */

static int at_limit(int32_t value, int32_t lo, int32_t hi) { return value == lo || value == hi; }

/* Adds one neuron's terms, given its knowledge now and one step before. */
static void add_neuron(ska_metrics_t *metrics, ska_knowledge_fast_t knowledge,
                       int_fast16_t decision, int_fast16_t shift, ska_knowledge_fast_t previous) {
    metrics->entropy += ska_rule_metric_entropy(knowledge, decision, shift, previous);
    metrics->z_square += ska_rule_metric_z_square(knowledge, decision, shift, previous);
    metrics->shift_square += ska_rule_metric_shift_square(knowledge, decision, shift, previous);
    metrics->decision_net += ska_rule_metric_decision_net(knowledge, decision, shift, previous);
    metrics->alignment_net += ska_rule_metric_alignment_net(knowledge, decision, shift, previous);
    metrics->flow_square += ska_rule_metric_flow_square(knowledge, decision, shift, previous);
    metrics->z_saturated += at_limit((int32_t)knowledge, SKA_KNOWLEDGE_MIN, SKA_KNOWLEDGE_MAX);
}

/* Tells whether the last sample made an update. Rules without labels also need the batch of that
 * update; the first sample of the next batch overwrites it. */
static int is_fresh(const ska_t *ska) {
#if SKA_SUPERVISED
    return ska->step != 0;
#else
    return ska->step != 0 && ska->held == 0;
#endif
}

/* Adds the terms of a row's neuron for all samples of the last update, and counts the weights of
 * the row whose update rounded to zero. */
#if SKA_SUPERVISED
static void add_row(const ska_t *ska, uint8_t layer, uint16_t row, ska_metrics_t *metrics) {
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
    const ska_knowledge_t knowledge = ska->knowledge[neuron];
    /* No term of a supervised rule depends on the decision, and a value is not a decision. */
    const int_fast16_t decision =
        SKA_REGRESSION && layer == OUTPUT_LAYER ? 0 : ska->decision[neuron];
    add_neuron(metrics, knowledge, decision, last_shift(ska, neuron), knowledge);

    const ska_signal_t *inputs = layer_inputs(ska, layer, ska->signal);
    const int_fast16_t delta = ska_rule_delta(knowledge, decision, last_shift(ska, neuron));
    const int_fast16_t step = ska_rule_step(delta, SKA_RATE_MANTISSA);
    const int8_t shift = with_rate(ska, ska_layers[layer].update_shift);
    for (uint16_t column = 0; column < ska_layers[layer].inputs; column++) {
        metrics->zero_updates += SKA_CHANGE((int32_t)step * inputs[column], shift) == 0;
    }
}
#else
static void add_row(const ska_t *ska, uint8_t layer, uint16_t row, ska_metrics_t *metrics) {
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
    const int8_t shift = with_rate(ska, ska_layers[layer].update_shift);
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        const ska_knowledge_t knowledge = ska->passes[ska->pass][sample][neuron];
        const ska_knowledge_t before = ska->passes[1 - ska->pass][sample][neuron];
        const int_fast16_t decision = ska_rule_decision(knowledge);
        const int_fast16_t moved = ska_rule_shift(decision, ska_rule_decision(before));
        add_neuron(metrics, knowledge, decision, moved, before);
    }
    for (uint16_t column = 0; column < ska_layers[layer].inputs; column++) {
        ska_update_t sum = 0;
        for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
            const int_fast16_t step = batch_step(ska, sample, neuron);
            sum += (ska_update_t)((int32_t)step * batch_below(ska, layer, sample, column));
        }
        metrics->zero_updates += SKA_CHANGE(sum, shift) == 0;
    }
}
#endif

void ska_metrics(const ska_t *ska, uint8_t layer, ska_metrics_t *metrics) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const ska_weight_t *place = PARAMETER(ska, matrix->weight);
    const bool in_flash = IS_IN_FLASH(matrix->weight);
    clear((uint8_t *)metrics, sizeof *metrics);
    if (!is_fresh(ska)) {
        return;
    }
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        add_row(ska, layer, row, metrics);
        for (uint16_t column = 0; column < matrix->inputs; column++) {
            const ska_weight_t weight = ska_weight_read(place, in_flash);
            const int32_t upper = (int32_t)ska_rule_metric_weight(weight);
            metrics->w_square += upper * upper;
            metrics->w_saturated += at_limit(weight, SKA_WEIGHT_MIN, SKA_WEIGHT_MAX);
            place++;
        }
    }
}

#endif
