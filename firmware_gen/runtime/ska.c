/* ska.c - the loops of inference and learning. ska_rule.h has the computations of one neuron.
 *
 * ska_edge/network/trainer.py has the same loops in numpy; tests compare every bit of both.
 * This code is one file, so that the tables exist once, the compiler sees them together with the
 * loops, and firmware that only learns needs no other source. Banners divide the file into parts.
 */
#include "ska.h"

#include <stdbool.h>
#include <stddef.h>

#include "ska_accumulator.h"
#include "ska_const.h"
#include "ska_draw.h"
#include "ska_kernel.h"
#include "ska_rule.h"
#include "ska_running.h"
#include "ska_tables.h"
#include "ska_weights.h"

#define OUTPUT_LAYER (SKA_LAYERS - 1)
#define OUTPUTS (SKA_NEURONS - SKA_CLASSES) /* number of the first output neuron */

/* --- parameters ------------------------------------------------------------------------------- */

/* The first SKA_FLASH_COUNT parameters never change and stay in flash; the others are in RAM and
 * learn. PARAMETER gives the address of a parameter, which ska_weight_read reads. `offset` is the
 * position of the parameter in the plan. The parameters of a layer are all in one memory. */

#if SKA_FLASH_COUNT == SKA_PARAMETER_COUNT
#define IS_IN_FLASH(offset) true
#define PARAMETER(ska, offset) (ska_initial_parameters + (offset))
#elif SKA_FLASH_COUNT > 0
#define IS_IN_FLASH(offset) ((offset) < SKA_FLASH_COUNT)
#define PARAMETER(ska, offset)                                                                     \
    (IS_IN_FLASH(offset) ? ska_initial_parameters + (offset) : LEARNED(ska, offset))
#else
#define IS_IN_FLASH(offset) false
#define PARAMETER(ska, offset) LEARNED(ska, offset)
#endif
#define LEARNED(ska, offset) ((ska)->parameters + ((offset) - SKA_FLASH_COUNT))

/* --- forward ---------------------------------------------------------------------------------- */

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

#if !SKA_INFERENCE_ONLY

/* --- updates ---------------------------------------------------------------------------------- */

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

/* --- the truth about a sample ----------------------------------------------------------------- */

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

/* --- one sample ------------------------------------------------------------------------------- */

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

#if SKA_REPLAY_SLOTS > 0

/* Every class has slots of its own. As a reservoir, they keep each sample of the class so far with
 * equal probability; as a FIFO, they keep the last samples. */

static uint16_t replay_draw(ska_t *ska, uint16_t limit) {
    return ska_draw_below(SKA_REPLAY_KEY, ska->drawn++, limit);
}

static uint16_t replay_held(const ska_t *ska, uint16_t label) {
    return ska->seen[label] < SKA_REPLAY_SLOTS ? ska->seen[label] : SKA_REPLAY_SLOTS;
}

/* Returns the slot for the next sample of a class whose slots are full. A reservoir may return a
 * number without a slot; the sample is then not stored. */
static uint16_t replay_slot(ska_t *ska, uint16_t seen) {
#if SKA_REPLAY_FIFO
    (void)ska;
    return (uint16_t)(seen - SKA_REPLAY_SLOTS);
#else
    return replay_draw(ska, (uint16_t)(seen + 1u));
#endif
}

static void replay_remember(ska_t *ska, const ska_signal_t *x, uint16_t label) {
    const uint16_t seen = ska->seen[label];
    const uint16_t slot = seen < SKA_REPLAY_SLOTS ? seen : replay_slot(ska, seen);
    if (slot < SKA_REPLAY_SLOTS) {
        ska_kernel_copy(ska->replay[label][slot], x, SKA_INPUTS);
    }
    ska->seen[label] = seen < SKA_MOST_SEEN ? (uint16_t)(seen + 1u) : SKA_AFTER_MOST_SEEN;
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

#else /* no labels: SKA_STEPS passes of a held batch */

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
