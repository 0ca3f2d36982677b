/* ska.c - the loops of inference and learning. What one neuron computes stands in ska_rule.h.
 *
 * The same loops in numpy are ska_edge/trainer.py; tests compare every bit of both.
 * All of it is one file: the tables exist once, the compiler sees them together with the loops, and
 * a firmware of one's own takes along one source. Read it by its banners: a plan compiles either
 * the updates with labels or those without.
 */
#include "ska.h"

#include "ska_fixed.h"
#include "ska_rule.h"
#include "ska_tables.h"
#include "ska_weights.h"

/* The accumulator that every sum of this plan fits, by proof (ska_plan.h). */
#if SKA_ACCUMULATOR_BITS == 32
typedef int32_t accumulator_t;
#define ALIGN ska_align_i32
#define REQUANTIZE ska_requantize_i32
#define ROUND_SHIFT ska_round_shift_i32
#define WEIGHT_ADD ska_weight_add_i32
#else
typedef int64_t accumulator_t;
#define ALIGN ska_align_i64
#define REQUANTIZE ska_requantize_i64
#define ROUND_SHIFT ska_round_shift_i64
#define WEIGHT_ADD ska_weight_add_i64
#endif

#define OUTPUT_LAYER (SKA_LAYERS - 1)
#define OUTPUTS (SKA_NEURONS - SKA_CLASSES) /* number of the first output neuron */

/* --- forward ---------------------------------------------------------------------------------- */

/* z = requantize(W a + b) of one matrix. */
static void matrix_knowledge(const ska_t *ska, const ska_matrix_t *matrix, const int8_t *inputs,
                             int16_t *knowledge) {
    const int16_t *weight = ska->parameters + matrix->weight;
    const int16_t *bias = ska->parameters + matrix->bias;
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        accumulator_t sum = ALIGN(bias[row], matrix->bias_align);
        for (uint16_t column = 0; column < matrix->inputs; column++) {
            sum += (accumulator_t)((int32_t)*weight++ * inputs[column]);
        }
        knowledge[row] = REQUANTIZE(sum, matrix->forward_shift);
    }
}

/* All layers, from the input to the decisions of the output layer. */
static void forward(ska_t *ska, const int8_t *x) {
    int8_t *inputs = ska->signal;
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        inputs[i] = x[i];
    }
    for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
        const ska_matrix_t *matrix = &ska_layers[layer];
        const uint16_t first = ska_first_neuron[layer];
        int8_t *activations = ska->signal + SKA_INPUTS + first;
        matrix_knowledge(ska, matrix, inputs, ska->knowledge + first);
        for (uint16_t i = 0; i < matrix->outputs; i++) {
            const int16_t decision = ska_rule_decision(ska->knowledge[first + i]);
            ska->decision[first + i] = decision;
            activations[i] = ska_rule_activation(decision);
        }
        inputs = activations;
    }
}

/* --- updates ---------------------------------------------------------------------------------- */

/* A shift that includes the rate's; in [1, 31] by the checks of the plan. */
static uint8_t with_rate(const ska_t *ska, uint8_t shift) {
    return (uint8_t)((int16_t)shift + ska->rate_shift);
}

#if SKA_SUPERVISED

/* Where the signal that a layer reads begins. */
static const int8_t *layer_inputs(const ska_t *ska, uint8_t layer) {
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
                       const int8_t *inputs) {
    int16_t *weight = ska->parameters + matrix->weight + (uint32_t)row * matrix->inputs;
    int16_t *bias = ska->parameters + matrix->bias + row;
    const uint8_t shift = with_rate(ska, matrix->update_shift);
    for (uint16_t column = 0; column < matrix->inputs; column++) {
        weight[column] = ska_weight_add_i32(weight[column], (int32_t)step * inputs[column], shift);
    }
    *bias = ska_weight_add_i32(*bias, step, with_rate(ska, matrix->bias_update_shift));
}

#if SKA_LAYERS > 1
/* The shifts of a hidden layer: its readout's error, back through the readout. */
static void hidden_shifts(ska_t *ska, uint8_t layer, const ska_matrix_t *readout,
                          const int16_t *errors) {
    const uint16_t first = ska_first_neuron[layer];
    const int16_t *weight = ska->parameters + readout->weight;
    for (uint16_t i = 0; i < readout->inputs; i++) {
        accumulator_t sum = 0;
        for (uint16_t c = 0; c < SKA_CLASSES; c++) {
            const int16_t entry = weight[(uint32_t)c * readout->inputs + i];
            sum += (accumulator_t)((int32_t)entry * ska_rule_error(errors[c]));
        }
        const int16_t projection = REQUANTIZE(sum, readout->projection_shift);
        ska->shift[first + i] = ska_rule_hidden_shift(projection, ska->decision[first + i]);
    }
}

#if SKA_HEADS > 0
/* A layer's own readout: its error steers the layer, then the readout itself learns from it. */
static void head_learn(ska_t *ska, uint8_t layer, uint16_t label) {
    const ska_matrix_t *head = &ska_heads[layer];
    const int8_t *inputs = layer_inputs(ska, (uint8_t)(layer + 1));
    matrix_knowledge(ska, head, inputs, ska->readout);
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        const int16_t target = c == label ? SKA_TARGET : 0;
        ska->readout[c] = ska_rule_output_shift(target, ska_rule_decision(ska->readout[c]));
    }
    hidden_shifts(ska, layer, head, ska->readout);
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        row_update(ska, head, c, ska_rule_step(ska->readout[c], ska->rate_mantissa), inputs);
    }
}
#endif

/* All hidden layers: the lower ones ask their own readout, the top one the output layer. */
static void all_hidden_shifts(ska_t *ska, uint16_t label) {
#if SKA_HEADS > 0
    for (uint8_t layer = 0; layer < SKA_HEADS; layer++) {
        head_learn(ska, layer, label);
    }
#else
    (void)label;
#endif
    hidden_shifts(ska, OUTPUT_LAYER - 1, &ska_layers[OUTPUT_LAYER], ska->shift + OUTPUTS);
}
#endif

ska_status_t ska_learn(ska_t *ska, const int8_t x[SKA_INPUTS], uint16_t label) {
    if (label >= SKA_CLASSES) {
        return SKA_ERROR_LABEL;
    }
    forward(ska, x);
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        const int16_t target = c == label ? SKA_TARGET : 0;
        ska->shift[OUTPUTS + c] = ska_rule_output_shift(target, ska->decision[OUTPUTS + c]);
    }
#if SKA_LAYERS > 1
    all_hidden_shifts(ska, label);
#endif
    /* All shifts came from the weights before this step; now every row may change. */
    for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
        const uint16_t first = ska_first_neuron[layer];
        for (uint16_t row = 0; row < ska_layers[layer].outputs; row++) {
            const int16_t step = neuron_step(ska, (uint16_t)(first + row));
            row_update(ska, &ska_layers[layer], row, step, layer_inputs(ska, layer));
        }
    }
    ska->step++;
    return SKA_OK;
}

#else /* no labels: SKA_STEPS passes of a held batch */

/* The step of one neuron for one sample of the batch, from this pass and the one before. */
static int16_t batch_step(const ska_t *ska, uint16_t sample, uint16_t neuron) {
    const int16_t knowledge = ska->passes[ska->pass][sample][neuron];
    const int16_t before = ska->passes[1 - ska->pass][sample][neuron];
    const int16_t decision = ska_rule_decision(knowledge);
    const int16_t shift = ska_rule_shift(decision, ska_rule_decision(before));
    return ska_rule_step(ska_rule_delta(knowledge, decision, shift), ska->rate_mantissa);
}

/* What a layer's update is paired with: the input, or the layer below one pass earlier. */
static int8_t batch_below(const ska_t *ska, uint8_t layer, uint16_t sample, uint16_t column) {
    if (layer == 0) {
        return ska->batch[sample][column];
    }
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer - 1] + column);
    return ska_rule_activation(ska_rule_decision(ska->passes[1 - ska->pass][sample][neuron]));
}

/* The sum over the batch that moves one weight. */
static accumulator_t batch_product(const int16_t *steps, const ska_t *ska, uint16_t column) {
    accumulator_t sum = 0;
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        sum += (accumulator_t)((int32_t)steps[sample] * ska->below[sample][column]);
    }
    return sum;
}

static void batch_update(ska_t *ska, uint8_t layer) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const uint8_t shift = with_rate(ska, matrix->update_shift);
    const uint8_t bias_shift = with_rate(ska, matrix->bias_update_shift);
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        for (uint16_t column = 0; column < matrix->inputs; column++) {
            ska->below[sample][column] = batch_below(ska, layer, sample, column);
        }
    }
    int16_t *weight = ska->parameters + matrix->weight;
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        accumulator_t sum = 0;
        for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
            const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
            ska->steps[sample] = batch_step(ska, sample, neuron);
            sum += ska->steps[sample];
        }
        for (uint16_t column = 0; column < matrix->inputs; column++, weight++) {
            *weight = WEIGHT_ADD(*weight, batch_product(ska->steps, ska, column), shift);
        }
        int16_t *bias = ska->parameters + matrix->bias + row;
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

ska_status_t ska_learn(ska_t *ska, const int8_t x[SKA_INPUTS], uint16_t label) {
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

uint16_t ska_infer(ska_t *ska, const int8_t x[SKA_INPUTS]) {
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
        const uint16_t value = (uint16_t)ska->parameters[position / 2];
        bytes[i] = (uint8_t)(position % 2 == 0 ? value & 0xFFu : value / 256u);
    }
}

/* --- metrics ---------------------------------------------------------------------------------- */

static int at_limit(int16_t value) { return value == INT16_MIN || value == INT16_MAX; }

/* What one neuron adds, given its knowledge now and one step before. */
static void add_neuron(ska_metrics_t *metrics, int16_t knowledge, int16_t decision, int16_t shift,
                       int16_t previous) {
    metrics->entropy += ska_rule_metric_entropy(knowledge, decision, shift, previous);
    metrics->z_square += ska_rule_metric_z_square(knowledge, decision, shift, previous);
    metrics->shift_square += ska_rule_metric_shift_square(knowledge, decision, shift, previous);
    metrics->decision_net += ska_rule_metric_decision_net(knowledge, decision, shift, previous);
    metrics->alignment_net += ska_rule_metric_alignment_net(knowledge, decision, shift, previous);
    metrics->z_saturated += at_limit(knowledge);
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
    const int16_t knowledge = ska->knowledge[neuron];
    add_neuron(metrics, knowledge, ska->decision[neuron], ska->shift[neuron], knowledge);

    const int8_t *inputs = layer_inputs(ska, layer);
    const int16_t step = neuron_step(ska, neuron);
    const uint8_t shift = with_rate(ska, ska_layers[layer].update_shift);
    for (uint16_t column = 0; column < ska_layers[layer].inputs; column++) {
        metrics->zero_updates += ska_round_shift_i32((int32_t)step * inputs[column], shift) == 0;
    }
}
#else
static void add_row(const ska_t *ska, uint8_t layer, uint16_t row, ska_metrics_t *metrics) {
    const uint16_t neuron = (uint16_t)(ska_first_neuron[layer] + row);
    const uint8_t shift = with_rate(ska, ska_layers[layer].update_shift);
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        const int16_t knowledge = ska->passes[ska->pass][sample][neuron];
        const int16_t before = ska->passes[1 - ska->pass][sample][neuron];
        const int16_t decision = ska_rule_decision(knowledge);
        const int16_t moved = ska_rule_shift(decision, ska_rule_decision(before));
        add_neuron(metrics, knowledge, decision, moved, before);
    }
    for (uint16_t column = 0; column < ska_layers[layer].inputs; column++) {
        accumulator_t sum = 0;
        for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
            const int32_t step = batch_step(ska, sample, neuron);
            sum += (accumulator_t)(step * batch_below(ska, layer, sample, column));
        }
        metrics->zero_updates += ROUND_SHIFT(sum, shift) == 0;
    }
}
#endif

void ska_metrics(const ska_t *ska, uint8_t layer, ska_metrics_t *metrics) {
    const ska_matrix_t *matrix = &ska_layers[layer];
    const int16_t *weight = ska->parameters + matrix->weight;
    clear(metrics, sizeof *metrics);
    if (!is_fresh(ska)) {
        return;
    }
    for (uint16_t row = 0; row < matrix->outputs; row++) {
        add_row(ska, layer, row, metrics);
        for (uint16_t column = 0; column < matrix->inputs; column++, weight++) {
            metrics->w_square += (int32_t)*weight * *weight;
            metrics->w_saturated += at_limit(*weight);
        }
    }
}
