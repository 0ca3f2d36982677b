/* ska.c - the loops of inference and learning. What one neuron computes stands in ska_rule.h.
 *
 * The same loops in numpy are ska_edge/trainer.py; tests compare every bit of both.
 * All of it is one file: the tables exist once, the compiler sees them together with the loops, and
 * a firmware of one's own takes along one source. Read it by its banners: a plan compiles either
 * the updates with labels or those without.
 */
#include "ska.h"

#include "ska_draw.h"
#include "ska_fixed.h"
#include "ska_rule.h"
#include "ska_tables.h"
#include "ska_weights.h"

/* The accumulator that every sum of this plan fits, by proof (ska_plan.h). */
#if SKA_ACCUMULATOR_BITS == 32
typedef int32_t accumulator_t;
#define ALIGN ska_align_i32
#define REQUANTIZE ska_requantize_i32
#define NARROW ska_narrow_i32
#else
typedef int64_t accumulator_t;
#define ALIGN ska_align_i64
#define REQUANTIZE ska_requantize_i64
#define NARROW ska_narrow_i64
#endif

/* The same for the sums that change a weight. */
#if SKA_UPDATE_BITS == 32
typedef int32_t update_t;
#define CHANGE ska_change_i32
#define WEIGHT_ADD ska_weight_add_i32
#else
typedef int64_t update_t;
#define CHANGE ska_change_i64
#if SKA_WEIGHT_BITS == 32
#define WEIGHT_ADD ska_wide_weight_add
#else
#define WEIGHT_ADD ska_weight_add_i64
#endif
#endif

#define OUTPUT_LAYER (SKA_LAYERS - 1)
#define OUTPUTS (SKA_NEURONS - SKA_CLASSES) /* number of the first output neuron */

/* --- forward ---------------------------------------------------------------------------------- */

/* z = requantize(W a + b) of one row of a matrix. */
static ska_knowledge_t row_knowledge(const ska_t *ska, const ska_matrix_t *matrix, uint16_t row,
                                     const ska_signal_t *inputs) {
    const ska_weight_t *weight = ska->parameters + matrix->weight + (uint32_t)row * matrix->inputs;
    accumulator_t sum = 0;
    for (uint16_t column = 0; column < matrix->inputs; column++) {
        sum += (accumulator_t)((int32_t)ska_rule_forward_weight(weight[column]) * inputs[column]);
    }
    sum = ALIGN(sum, matrix->sum_align) +
          ALIGN(ska->parameters[matrix->bias + row], matrix->bias_align);
    return (ska_knowledge_t)NARROW(sum, matrix->forward_shift, SKA_KNOWLEDGE_MIN,
                                   SKA_KNOWLEDGE_MAX);
}

/* All layers, from the input to the decisions of the output layer. */
static void forward(ska_t *ska, const ska_signal_t *x) {
    ska_signal_t *inputs = ska->signal;
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        inputs[i] = x[i];
    }
    for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
        const ska_matrix_t *matrix = &ska_layers[layer];
        const uint16_t first = ska_first_neuron[layer];
        ska_signal_t *activations = ska->signal + SKA_INPUTS + first;
        for (uint16_t i = 0; i < matrix->outputs; i++) {
            const ska_knowledge_t knowledge = row_knowledge(ska, matrix, i, inputs);
            const int16_t decision = ska_rule_decision(knowledge);
            ska->knowledge[first + i] = knowledge;
            ska->decision[first + i] = decision;
            activations[i] = ska_rule_activation(decision);
        }
        inputs = activations;
    }
}

/* --- updates ---------------------------------------------------------------------------------- */

/* A shift that includes the rate's; in [1, 31] by the checks of the plan, for 32-bit weights in
 * [-31, 31]. */
static int8_t with_rate(const ska_t *ska, int8_t shift) {
    return (int8_t)((int16_t)shift + ska->rate_shift);
}

#if SKA_SUPERVISED

/* Where the signal that a layer reads begins. */
static const ska_signal_t *layer_inputs(const ska_t *ska, uint8_t layer) {
    return layer == 0 ? ska->signal : ska->signal + SKA_INPUTS + ska_first_neuron[layer - 1];
}

/* The step of one neuron of a layer: its delta times the mantissa of the rate. */
static int16_t neuron_step(const ska_t *ska, uint16_t neuron) {
    const int16_t delta =
        ska_rule_delta(ska->knowledge[neuron], ska->decision[neuron], ska->shift[neuron]);
    return ska_rule_step(delta, ska->rate_mantissa);
}

/* W += step a^T, b += step for one row of a matrix. */
static void row_update(ska_t *ska, const ska_matrix_t *matrix, uint16_t row, int16_t step,
                       const ska_signal_t *inputs) {
    ska_weight_t *weight = ska->parameters + matrix->weight + (uint32_t)row * matrix->inputs;
    ska_weight_t *bias = ska->parameters + matrix->bias + row;
    const int8_t shift = with_rate(ska, matrix->update_shift);
    for (uint16_t column = 0; column < matrix->inputs; column++) {
        weight[column] = WEIGHT_ADD(weight[column], (int32_t)step * inputs[column], shift);
    }
    *bias = WEIGHT_ADD(*bias, step, with_rate(ska, matrix->bias_update_shift));
}

/* --- what teaches a hidden layer -------------------------------------------------------------- */

#if SKA_FIRST_LEARNED < SKA_LAYERS - 1
#if SKA_TEACHER_READOUT

/* The shifts of a hidden layer: its readout's error, back through the readout. */
static void readout_shifts(ska_t *ska, uint8_t layer, const ska_matrix_t *readout,
                           const int16_t *errors) {
    const uint16_t first = ska_first_neuron[layer];
    const ska_weight_t *weight = ska->parameters + readout->weight;
    for (uint16_t i = 0; i < readout->inputs; i++) {
        accumulator_t sum = 0;
        for (uint16_t c = 0; c < SKA_CLASSES; c++) {
            const ska_weight_t entry = weight[(uint32_t)c * readout->inputs + i];
            sum += (accumulator_t)((int32_t)ska_rule_forward_weight(entry) *
                                   ska_rule_error(errors[c]));
        }
        const int16_t projection = REQUANTIZE(sum, (uint8_t)readout->projection_shift);
        ska->shift[first + i] = ska_rule_hidden_shift(projection, ska->decision[first + i]);
    }
}

#if SKA_HEADS > 0
/* A layer's own readout: its error steers the layer, then the readout itself learns from it. */
static void head_learn(ska_t *ska, uint8_t layer, uint16_t label) {
    const ska_matrix_t *head = &ska_heads[layer];
    const ska_signal_t *inputs = layer_inputs(ska, (uint8_t)(layer + 1));
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        const int16_t target = c == label ? SKA_TARGET : 0;
        const int16_t decision = ska_rule_decision(row_knowledge(ska, head, c, inputs));
        ska->readout[c] = ska_rule_output_shift(target, decision);
    }
    readout_shifts(ska, layer, head, ska->readout);
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        row_update(ska, head, c, ska_rule_step(ska->readout[c], ska->rate_mantissa), inputs);
    }
}
#endif

/* The lower layers ask their own readout, the top one the output layer. */
static void hidden_shifts(ska_t *ska, uint8_t layer, uint16_t label) {
#if SKA_HEADS > 0
    if (layer < SKA_HEADS) {
        head_learn(ska, layer, label);
        return;
    }
#else
    (void)label;
#endif
    readout_shifts(ska, layer, &ska_layers[OUTPUT_LAYER], ska->shift + OUTPUTS);
}

#else /* fixed random codes: bit c of a neuron's words is that of class c */

static uint32_t code_word(uint32_t key, uint16_t neuron, uint16_t class_index) {
    const uint32_t words = (SKA_CLASSES + 31u) / 32u;
    return ska_draw_word(key, neuron * words + class_index / 32u);
}

#if SKA_TEACHER_SIGNS

/* The output layer's error through signs that are drawn again in every step: none is stored. */
static int16_t signs_shift(const ska_t *ska, uint16_t neuron) {
    accumulator_t sum = 0;
    uint32_t word = 0;
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        if (c % 32 == 0) {
            word = code_word(SKA_SIGNS_KEY, neuron, c);
        }
        const int32_t error = ska->shift[OUTPUTS + c];
        sum += ska_draw_bit(word, (uint8_t)(c % 32)) ? -error : error;
    }
    return ska_rule_hidden_shift(REQUANTIZE(sum, SKA_SIGNS_SHIFT), ska->decision[neuron]);
}

#else /* SKA_TEACHER_CODE */

/* Toward the class's code, where it has one for this neuron. */
static int16_t code_shift(const ska_t *ska, uint16_t neuron, uint16_t label) {
    const uint8_t place = (uint8_t)(label % 32);
    const uint32_t presence = code_word(SKA_CODE_PRESENCE_KEY, neuron, label);
    const uint32_t signs = code_word(SKA_CODE_SIGNS_KEY, neuron, label);
    const int16_t target = ska_draw_bit(signs, place) ? 0 : SKA_TARGET;
    return ska_rule_hidden_shift((int8_t)ska_draw_bit(presence, place), target,
                                 ska->decision[neuron]);
}

#endif

static void hidden_shifts(ska_t *ska, uint8_t layer, uint16_t label) {
    const uint16_t first = ska_first_neuron[layer];
    for (uint16_t i = 0; i < ska_layers[layer].outputs; i++) {
        const uint16_t neuron = (uint16_t)(first + i);
#if SKA_TEACHER_SIGNS
        (void)label;
        ska->shift[neuron] = signs_shift(ska, neuron);
#else
        ska->shift[neuron] = code_shift(ska, neuron, label);
#endif
    }
}

#endif
#endif

/* --- one sample ------------------------------------------------------------------------------- */

static void sample_learn(ska_t *ska, const ska_signal_t *x, uint16_t label) {
    forward(ska, x);
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        const int16_t target = c == label ? SKA_TARGET : 0;
        ska->shift[OUTPUTS + c] = ska_rule_output_shift(target, ska->decision[OUTPUTS + c]);
    }
#if SKA_FIRST_LEARNED < SKA_LAYERS - 1
    for (uint8_t layer = SKA_FIRST_LEARNED; layer < OUTPUT_LAYER; layer++) {
        hidden_shifts(ska, layer, label);
    }
#endif
    /* All shifts came from the weights before this step; now every row may change. */
    for (uint8_t layer = SKA_FIRST_LEARNED; layer < SKA_LAYERS; layer++) {
        const uint16_t first = ska_first_neuron[layer];
        for (uint16_t row = 0; row < ska_layers[layer].outputs; row++) {
            const int16_t step = neuron_step(ska, (uint16_t)(first + row));
            row_update(ska, &ska_layers[layer], row, step, layer_inputs(ska, layer));
        }
    }
    ska->step++;
}

#if SKA_REPLAY_SLOTS > 0

/* A reservoir a class: of all samples of a class each is kept as likely. */

static uint16_t replay_draw(ska_t *ska, uint16_t limit) {
    return ska_draw_below(SKA_REPLAY_KEY, ska->drawn++, limit);
}

static uint16_t replay_held(const ska_t *ska, uint16_t label) {
    return ska->seen[label] < SKA_REPLAY_SLOTS ? ska->seen[label] : SKA_REPLAY_SLOTS;
}

static void replay_remember(ska_t *ska, const ska_signal_t *x, uint16_t label) {
    const uint16_t seen = ska->seen[label];
    const uint16_t slot = seen < SKA_REPLAY_SLOTS ? seen : replay_draw(ska, (uint16_t)(seen + 1u));
    if (slot < SKA_REPLAY_SLOTS) {
        for (uint16_t i = 0; i < SKA_INPUTS; i++) {
            ska->replay[label][slot][i] = x[i];
        }
    }
    if (seen < SKA_MOST_SEEN) {
        ska->seen[label]++;
    }
}

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

ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label) {
    if (label >= SKA_CLASSES) {
        return SKA_ERROR_LABEL;
    }
#if SKA_REPLAY_SLOTS > 0
    /* Past samples first: what ska_decisions and ska_metrics tell is about the new one. */
    for (uint8_t i = 0; i < SKA_REPLAYS; i++) {
        ska_replay(ska);
    }
#endif
    sample_learn(ska, x, label);
#if SKA_REPLAY_SLOTS > 0
    replay_remember(ska, x, label);
#endif
    return SKA_OK;
}

#else /* no labels: SKA_STEPS passes of a held batch */

/* The step of one neuron for one sample of the batch, from this pass and the one before. */
static int16_t batch_step(const ska_t *ska, uint16_t sample, uint16_t neuron) {
    const ska_knowledge_t knowledge = ska->passes[ska->pass][sample][neuron];
    const ska_knowledge_t before = ska->passes[1 - ska->pass][sample][neuron];
    const int16_t decision = ska_rule_decision(knowledge);
    const int16_t shift = ska_rule_shift(decision, ska_rule_decision(before));
    return ska_rule_step(ska_rule_delta(knowledge, decision, shift), ska->rate_mantissa);
}

/* What a layer's update is paired with: the input, or the layer below one pass earlier. */
static ska_signal_t batch_below(const ska_t *ska, uint8_t layer, uint16_t sample, uint16_t column) {
    if (layer == 0) {
        return ska->batch[sample][column];
    }
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer - 1] + column);
    return ska_rule_activation(ska_rule_decision(ska->passes[1 - ska->pass][sample][neuron]));
}

/* The sum over the batch that moves one weight. */
static update_t batch_product(const int16_t *steps, const ska_t *ska, uint16_t column) {
    update_t sum = 0;
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        sum += (update_t)((int32_t)steps[sample] * ska->below[sample][column]);
    }
    return sum;
}

static void batch_update(ska_t *ska, uint8_t layer) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const int8_t shift = with_rate(ska, matrix->update_shift);
    const int8_t bias_shift = with_rate(ska, matrix->bias_update_shift);
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        for (uint16_t column = 0; column < matrix->inputs; column++) {
            ska->below[sample][column] = batch_below(ska, layer, sample, column);
        }
    }
    ska_weight_t *weight = ska->parameters + matrix->weight;
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        update_t sum = 0;
        for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
            const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
            ska->steps[sample] = batch_step(ska, sample, neuron);
            sum += ska->steps[sample];
        }
        for (uint16_t column = 0; column < matrix->inputs; column++, weight++) {
            *weight = WEIGHT_ADD(*weight, batch_product(ska->steps, ska, column), shift);
        }
        ska_weight_t *bias = ska->parameters + matrix->bias + row;
        *bias = WEIGHT_ADD(*bias, sum, bias_shift);
    }
}

/* The first pass only records; every later one compares itself with the pass before. */
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

ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label) {
    if (label >= SKA_CLASSES) {
        return SKA_ERROR_LABEL;
    }
    forward(ska, x);
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        ska->batch[ska->held][i] = x[i];
    }
    ska->held++;
    if (ska->held == SKA_BATCH) {
        ska->held = 0;
        batch_learn(ska);
    }
    return SKA_OK;
}

#endif

/* --- life ------------------------------------------------------------------------------------- */

static void clear(void *memory, uint32_t size) {
    uint8_t *bytes = (uint8_t *)memory;
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = 0;
    }
}

void ska_init(ska_t *ska) {
    clear(ska, sizeof *ska);
    for (uint32_t i = 0; i < SKA_PARAMETER_COUNT; i++) {
        ska->parameters[i] = ska_initial_parameters[i];
    }
    ska->rate_mantissa = SKA_RATE_MANTISSA;
    ska->rate_shift = SKA_RATE_SHIFT;
}

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

const int16_t *ska_decisions(const ska_t *ska) { return ska->decision + OUTPUTS; }

uint32_t ska_step(const ska_t *ska) { return ska->step; }

void ska_parameters_read(const ska_t *ska, uint32_t offset, uint8_t *bytes, uint8_t count) {
    for (uint8_t i = 0; i < count; i++) {
        const uint32_t position = offset + i;
        uint32_t value = (uint32_t)ska->parameters[position / sizeof(ska_weight_t)];
        for (uint8_t byte = 0; byte < position % sizeof(ska_weight_t); byte++) {
            value /= 256u;
        }
        bytes[i] = (uint8_t)(value & 0xFFu);
    }
}

#if SKA_RAW_INPUT
void ska_standardize(const int16_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = ska_rule_standardized(raw[i], ska_raw_multiplier[i], ska_raw_offset[i]);
    }
}
#endif

/* --- metrics ---------------------------------------------------------------------------------- */

static int at_limit(int32_t value, int32_t lo, int32_t hi) { return value == lo || value == hi; }

/* What one neuron adds, given its knowledge now and one step before. */
static void add_neuron(ska_metrics_t *metrics, ska_knowledge_t knowledge, int16_t decision,
                       int16_t shift, ska_knowledge_t previous) {
    metrics->entropy += ska_rule_metric_entropy(knowledge, decision, shift, previous);
    metrics->z_square += ska_rule_metric_z_square(knowledge, decision, shift, previous);
    metrics->shift_square += ska_rule_metric_shift_square(knowledge, decision, shift, previous);
    metrics->decision_net += ska_rule_metric_decision_net(knowledge, decision, shift, previous);
    metrics->alignment_net += ska_rule_metric_alignment_net(knowledge, decision, shift, previous);
    metrics->flow_square += ska_rule_metric_flow_square(knowledge, decision, shift, previous);
    metrics->z_saturated += at_limit(knowledge, SKA_KNOWLEDGE_MIN, SKA_KNOWLEDGE_MAX);
}

/* Whether the last sample made an update: the sums need its batch as it was. */
static int is_fresh(const ska_t *ska) {
#if SKA_SUPERVISED
    return ska->step != 0;
#else
    return ska->step != 0 && ska->held == 0;
#endif
}

/* The neuron of a row over all samples of the last update, and the updates of its weights. */
#if SKA_SUPERVISED
static void add_row(const ska_t *ska, uint8_t layer, uint16_t row, ska_metrics_t *metrics) {
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
    const ska_knowledge_t knowledge = ska->knowledge[neuron];
    add_neuron(metrics, knowledge, ska->decision[neuron], ska->shift[neuron], knowledge);

    const ska_signal_t *inputs = layer_inputs(ska, layer);
    const int16_t step = neuron_step(ska, neuron);
    const int8_t shift = with_rate(ska, ska_layers[layer].update_shift);
    for (uint16_t column = 0; column < ska_layers[layer].inputs; column++) {
        metrics->zero_updates += CHANGE((int32_t)step * inputs[column], shift) == 0;
    }
}
#else
static void add_row(const ska_t *ska, uint8_t layer, uint16_t row, ska_metrics_t *metrics) {
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
    const int8_t shift = with_rate(ska, ska_layers[layer].update_shift);
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        const ska_knowledge_t knowledge = ska->passes[ska->pass][sample][neuron];
        const ska_knowledge_t before = ska->passes[1 - ska->pass][sample][neuron];
        const int16_t decision = ska_rule_decision(knowledge);
        const int16_t moved = ska_rule_shift(decision, ska_rule_decision(before));
        add_neuron(metrics, knowledge, decision, moved, before);
    }
    for (uint16_t column = 0; column < ska_layers[layer].inputs; column++) {
        update_t sum = 0;
        for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
            const int32_t step = batch_step(ska, sample, neuron);
            sum += (update_t)(step * batch_below(ska, layer, sample, column));
        }
        metrics->zero_updates += CHANGE(sum, shift) == 0;
    }
}
#endif

void ska_metrics(const ska_t *ska, uint8_t layer, ska_metrics_t *metrics) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const ska_weight_t *weight = ska->parameters + matrix->weight;
    clear(metrics, sizeof *metrics);
    if (!is_fresh(ska)) {
        return;
    }
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        add_row(ska, layer, row, metrics);
        for (uint16_t column = 0; column < matrix->inputs; column++, weight++) {
            const int32_t upper = ska_rule_metric_weight(*weight);
            metrics->w_square += upper * upper;
            metrics->w_saturated += at_limit(*weight, SKA_WEIGHT_MIN, SKA_WEIGHT_MAX);
        }
    }
}
