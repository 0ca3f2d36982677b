/* float_native.c - float_trainer.py in C: the same operations in the same order, so the same bits.
 *
 * It runs on the host only. The compiler must neither change the order of floating-point operations
 * nor join two of them; the caller compares bits before it uses the library.
 *
 * All arrays are row-major and belong to the caller. The columns of a matrix are computed side by
 * side, so weights are stored transposed.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

enum { LOCAL, FEEDBACK, CODE };
enum { MOST_HALVINGS = 64 }; /* of the rate of one sample */
enum { SIDE_BY_SIDE = 16 };  /* columns whose sums fit into a processor's registers */

typedef struct {
    int64_t inputs;
    int64_t outputs;
    double *weight;         /* [inputs][outputs] */
    double *bias;           /* [outputs] */
    double *signal;         /* [batch][inputs] */
    double *knowledge;      /* [batch][outputs] */
    double *decision;       /* [batch][outputs] */
    double *delta;          /* [batch][outputs] */
    double *readout_weight; /* [outputs][classes], or NULL without a readout of its own */
    double *readout_bias;   /* [classes] */
    double *missed;         /* [batch][classes], the errors of the readout */
    const double *codes;    /* [classes][outputs], or NULL */
} ska_float_layer_t;

typedef struct {
    int64_t layers;
    int64_t rule; /* LOCAL, FEEDBACK or CODE */
    int64_t first_learned;
    double gain;
    double margin;      /* a sample whose output errors are all smaller changes nothing */
    double hidden_rate; /* rate of the hidden layers, as a multiple of the rate */
    int64_t relu;       /* 1 if hidden layers pass on max(0, z), otherwise 0 */
    double output_rate; /* rate of the output layer and of readouts, as a multiple of the rate */
    int64_t normalized; /* 1 if a large input lowers the rate of its sample; the batch is then 1 */
    double *sums;       /* work memory: a row of any matrix, or [batch][classes] */
    ska_float_layer_t *layer;
} ska_float_t;

/* --- arithmetic ------------------------------------------------------------------------------- */

static const double TERMS[14] = {1.6059043836821613e-10,
                                 2.08767569878681e-09,
                                 2.505210838544172e-08,
                                 2.755731922398589e-07,
                                 2.7557319223985893e-06,
                                 2.48015873015873e-05,
                                 0.0001984126984126984,
                                 0.001388888888888889,
                                 0.008333333333333333,
                                 0.041666666666666664,
                                 0.16666666666666666,
                                 0.5,
                                 1.0,
                                 1.0};

/* exp(x) for x <= 0. Adding `round` leaves a whole number in the last bits of the sum. */
static inline double exponential(double x) {
    const double round = 6755399441055744.0; /* 1.5 * 2^52 */
    double sum, twos, rest, power = TERMS[0];
    uint64_t bits, zero;
    x = x > -700.0 ? x : -700.0;
    sum = x * 1.4426950408889634 + round;
    twos = sum - round;
    rest = (x - twos * 0.6931471803691238) - twos * 1.9082149292705877e-10;
    for (int i = 1; i < 14; i++) {
        power *= rest;
        power += TERMS[i];
    }
    memcpy(&bits, &sum, sizeof sum);
    memcpy(&zero, &round, sizeof round);
    bits = (bits - zero + 1023) << 52; /* the bits of 2^twos */
    memcpy(&sum, &bits, sizeof sum);
    return power * sum;
}

static void sigmoids(double *restrict decision, const double *restrict knowledge, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const double z = knowledge[i];
        const double small = exponential(z >= 0.0 ? -z : z);
        decision[i] = (z >= 0.0 ? 1.0 : small) / (1.0 + small);
    }
}

/* sums[j] = left[0] right[0][j] + left[1] right[1][j] + ..., added in this order. Successive
 * numbers of `left` are `step` apart. */
static void products(double *restrict sums, const double *restrict left, int64_t step,
                     const double *restrict right, int64_t count, int64_t columns) {
    int64_t start = 0;
    for (; start + SIDE_BY_SIDE <= columns; start += SIDE_BY_SIDE) {
        double block[SIDE_BY_SIDE] = {0.0};
        for (int64_t i = 0; i < count; i++) {
            const double factor = left[i * step];
            const double *row = right + i * columns + start;
            for (int j = 0; j < SIDE_BY_SIDE; j++) {
                block[j] += factor * row[j];
            }
        }
        memcpy(sums + start, block, sizeof block);
    }
    for (int64_t j = start; j < columns; j++) {
        sums[j] = 0.0;
    }
    for (int64_t i = 0; i < count && start < columns; i++) {
        for (int64_t j = start; j < columns; j++) {
            sums[j] += left[i * step] * right[i * columns + j];
        }
    }
}

/* The same sums as `products`, but `right` is transposed: right[columns][count]. */
static void products_across(double *restrict sums, const double *restrict left,
                            const double *restrict right, int64_t count, int64_t columns) {
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0.0;
        for (int64_t i = 0; i < count; i++) {
            sum += left[i] * right[j * count + i];
        }
        sums[j] = sum;
    }
}

/* --- forward ---------------------------------------------------------------------------------- */

/* knowledge = signal weight + bias, for a batch. */
static void know(double *knowledge, const double *signal, const double *weight, const double *bias,
                 int64_t batch, int64_t inputs, int64_t outputs) {
    for (int64_t row = 0; row < batch; row++) {
        double *z = knowledge + row * outputs;
        products(z, signal + row * inputs, 1, weight, inputs, outputs);
        for (int64_t j = 0; j < outputs; j++) {
            z[j] += bias[j];
        }
    }
}

static void activate(const ska_float_t *net, const ska_float_layer_t *layer,
                     double *restrict signal, int64_t count) {
    if (net->relu) {
        for (int64_t i = 0; i < count; i++) {
            signal[i] = layer->knowledge[i] > 0.0 ? layer->knowledge[i] : 0.0;
        }
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        signal[i] = 2.0 * layer->decision[i] - 1.0;
    }
}

static void forward(const ska_float_t *net, int64_t batch) {
    for (int64_t l = 0; l < net->layers; l++) {
        const ska_float_layer_t *layer = &net->layer[l];
        const int64_t count = batch * layer->outputs;
        know(layer->knowledge, layer->signal, layer->weight, layer->bias, batch, layer->inputs,
             layer->outputs);
        if (l + 1 < net->layers) {
            sigmoids(layer->decision, layer->knowledge, count);
            activate(net, layer, layer[1].signal, count);
        }
    }
}

/* --- learning --------------------------------------------------------------------------------- */

/* The truth about the rows of a batch. */
typedef struct {
    const int64_t *labels; /* [batch] */
    const double *targets; /* [batch][classes] for linear outputs; otherwise NULL */
} truth_t;

static double limited(double error) {
    const double high = error < 1.0 ? error : 1.0;
    return high > -1.0 ? high : -1.0;
}

/* Computes the errors of outputs for a batch, from their knowledge. `decision` is work memory:
 * error = one-hot label - decision, or for linear outputs target - knowledge, limited. */
static void errors(double *error, const double *knowledge, double *decision, truth_t truth,
                   int64_t batch, int64_t classes) {
    const int64_t *labels = truth.labels;
    if (truth.targets != NULL) {
        for (int64_t i = 0; i < batch * classes; i++) {
            error[i] = limited(truth.targets[i] - knowledge[i]);
        }
        return;
    }
    sigmoids(decision, knowledge, batch * classes);
    for (int64_t row = 0; row < batch; row++) {
        for (int64_t k = 0; k < classes; k++) {
            const int64_t i = row * classes + k;
            error[i] = (labels[row] == k ? 1.0 : 0.0) - decision[i];
        }
    }
}

/* Turns `delta`, which has one sum of errors per neuron of a hidden layer, into the shift. */
static void projected(const ska_float_layer_t *layer, double gain, int64_t relu, int64_t batch) {
    const int64_t count = batch * layer->outputs;
    if (relu) {
        for (int64_t i = 0; i < count; i++) {
            layer->delta[i] = gain * (layer->knowledge[i] > 0.0 ? 1.0 : 0.0) * layer->delta[i];
        }
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const double decision = layer->decision[i];
        layer->delta[i] = gain * (decision * (1.0 - decision)) * layer->delta[i];
    }
}

static void code_shifts(const ska_float_layer_t *layer, const int64_t *labels, int64_t batch) {
    for (int64_t row = 0; row < batch; row++) {
        const double *codes = layer->codes + labels[row] * layer->outputs;
        for (int64_t j = 0; j < layer->outputs; j++) {
            const int64_t i = row * layer->outputs + j;
            layer->delta[i] = codes[j] != 0.0 ? 0.5 * (codes[j] + 1.0) - layer->decision[i] : 0.0;
        }
    }
}

/* Computes `delta` of a hidden layer, and `missed` of its own readout, if it has one. */
static void hidden_deltas(const ska_float_t *net, const ska_float_layer_t *layer, truth_t truth,
                          int64_t batch) {
    const ska_float_layer_t *output = &net->layer[net->layers - 1];
    const int64_t classes = output->outputs;
    const double *missed = output->delta, *readout = output->weight;
    if (net->rule == CODE) {
        code_shifts(layer, truth.labels, batch);
        return;
    }
    if (layer->readout_weight != NULL) {
        readout = layer->readout_weight;
        missed = layer->missed;
        know(layer->missed, layer[1].signal, readout, layer->readout_bias, batch, layer->outputs,
             classes);
        errors(layer->missed, layer->missed, net->sums, truth, batch, classes);
    }
    for (int64_t row = 0; row < batch; row++) {
        double *sums = layer->delta + row * layer->outputs;
        const double *error = missed + row * classes;
        if (net->rule == FEEDBACK) {
            products(sums, error, 1, layer->codes, classes, layer->outputs);
        } else {
            products_across(sums, error, readout, classes, layer->outputs);
        }
    }
    const double gain = net->relu ? 1.0 : 4.0;
    projected(layer, net->rule == FEEDBACK ? net->gain : gain, net->relu, batch);
}

/* Adds the sum over the batch of (factor delta) signal^T to a weight, and of factor delta to a
 * bias. Changes delta. */
static void update(double *restrict weight, double *restrict bias, double *restrict delta,
                   const double *restrict signal, double factor, double *restrict sums,
                   int64_t batch, int64_t inputs, int64_t outputs) {
    for (int64_t i = 0; i < batch * outputs; i++) {
        delta[i] *= factor;
    }
    for (int64_t i = 0; i < inputs; i++) {
        double *row = weight + i * outputs;
        if (batch == 1) {
            for (int64_t j = 0; j < outputs; j++) {
                row[j] += 0.0 + signal[i] * delta[j];
            }
            continue;
        }
        products(sums, signal + i, inputs, delta, batch, outputs);
        for (int64_t j = 0; j < outputs; j++) {
            row[j] += sums[j];
        }
    }
    memset(sums, 0, (size_t)outputs * sizeof *sums);
    for (int64_t row = 0; row < batch; row++) {
        for (int64_t j = 0; j < outputs; j++) {
            sums[j] += delta[row * outputs + j];
        }
    }
    for (int64_t j = 0; j < outputs; j++) {
        bias[j] += sums[j];
    }
}

/* Tells whether the magnitudes of the errors of one sample, [classes], are all below the margin. */
static int is_within(const ska_float_t *net, const double *error, int64_t classes) {
    for (int64_t k = 0; k < classes; k++) {
        if (error[k] >= net->margin || error[k] <= -net->margin) {
            return 0;
        }
    }
    return 1;
}

/* Returns the number of samples that learn. */
static int64_t learning(const ska_float_t *net, int64_t batch) {
    const ska_float_layer_t *output = &net->layer[net->layers - 1];
    int64_t count = 0;
    for (int64_t row = 0; row < batch; row++) {
        count += !is_within(net, output->delta + row * output->outputs, output->outputs);
    }
    return count;
}

static void clear(double *rows, int64_t row, int64_t width) {
    memset(rows + row * width, 0, (size_t)width * sizeof *rows);
}

/* Clears the deltas of samples that do not learn. The deltas of the output layer, which show these
 * samples, are cleared last. */
static void clear_within(const ska_float_t *net, int64_t batch) {
    const ska_float_layer_t *output = &net->layer[net->layers - 1];
    for (int64_t row = 0; row < batch; row++) {
        if (!is_within(net, output->delta + row * output->outputs, output->outputs)) {
            continue;
        }
        for (int64_t l = net->first_learned; l < net->layers; l++) {
            const ska_float_layer_t *layer = &net->layer[l];
            clear(layer->delta, row, layer->outputs);
            if (layer->readout_weight != NULL) {
                clear(layer->missed, row, output->outputs);
            }
        }
    }
}

/* Returns the rate of a sample with inputs x[count]: `rate`, halved h times, for the least h with
 * |x|^2 / count <= 2^h sqrt(2), but at most MOST_HALVINGS times. */
static double normalized_rate(double rate, const double *x, int64_t count) {
    const double limit = (double)count * 1.4142135623730951;
    double square = 0.0;
    for (int64_t i = 0; i < count; i++) {
        square += x[i] * x[i];
    }
    for (int halvings = 0; halvings < MOST_HALVINGS && square > limit; halvings++) {
        square *= 0.5;
        rate *= 0.5;
    }
    return rate;
}

/* Makes one update from the batch in the first layer's `signal`. If no sample of the batch learns,
 * nothing changes. */
static void learn_batch(const ska_float_t *net, truth_t truth, double factor, int64_t batch) {
    const int64_t last = net->layers - 1;
    const ska_float_layer_t *output = &net->layer[last];
    forward(net, batch);
    errors(output->delta, output->knowledge, output->decision, truth, batch, output->outputs);
    const int64_t count = learning(net, batch);
    if (count == 0) {
        return;
    }
    if (net->normalized != 0) {
        factor = normalized_rate(factor, net->layer[0].signal, net->layer[0].inputs);
    }
    for (int64_t l = net->first_learned; l < last; l++) {
        hidden_deltas(net, &net->layer[l], truth, batch);
    }
    if (count < batch) {
        clear_within(net, batch);
    }
    for (int64_t l = net->first_learned; l <= last; l++) {
        const ska_float_layer_t *layer = &net->layer[l];
        if (layer->readout_weight != NULL) {
            update(layer->readout_weight, layer->readout_bias, layer->missed, layer[1].signal,
                   factor * net->output_rate, net->sums, batch, layer->outputs, output->outputs);
        }
        update(layer->weight, layer->bias, layer->delta, layer->signal,
               factor * (l < last ? net->hidden_rate : net->output_rate), net->sums, batch,
               layer->inputs, layer->outputs);
    }
}

/* Copies some rows of x to the first layer's `signal`. */
static void take(const ska_float_t *net, const double *x, const int64_t *rows, int64_t batch) {
    const int64_t inputs = net->layer[0].inputs;
    for (int64_t i = 0; i < batch; i++) {
        memcpy(net->layer[0].signal + i * inputs, x + rows[i] * inputs, (size_t)inputs * sizeof *x);
    }
}

/* Makes `updates` updates, each from `batch` rows of x[][inputs]. The arrays `rows` and `labels`,
 * both [updates * batch], have the numbers and the classes of the rows. For linear outputs,
 * `targets` is [updates * batch][classes]; otherwise it is NULL. `rate` multiplies the mean over a
 * batch. */
void ska_float_learn(const ska_float_t *net, const double *x, const int64_t *rows,
                     const int64_t *labels, const double *targets, int64_t updates, int64_t batch,
                     double rate) {
    const int64_t classes = net->layer[net->layers - 1].outputs;
    for (int64_t i = 0; i < updates; i++) {
        truth_t truth = {labels + i * batch, NULL};
        if (targets != NULL) {
            truth.targets = targets + i * batch * classes;
        }
        take(net, x, rows + i * batch, batch);
        learn_batch(net, truth, rate / (double)batch, batch);
    }
}

/* Computes the knowledge for `count` rows of x; knowledge[layers] are arrays [count][outputs]. */
void ska_float_knowledge(const ska_float_t *net, const double *x, int64_t count,
                         double *const *knowledge) {
    for (int64_t row = 0; row < count; row++) {
        take(net, x, &row, 1);
        forward(net, 1);
        for (int64_t l = 0; l < net->layers; l++) {
            const size_t outputs = (size_t)net->layer[l].outputs;
            memcpy(knowledge[l] + (size_t)row * outputs, net->layer[l].knowledge,
                   outputs * sizeof **knowledge);
        }
    }
}
