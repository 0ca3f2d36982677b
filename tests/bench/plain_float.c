/* plain_float.c - the benchmark's network in plain float: sigmoid neurons, backprop, SGD sample by
 * sample.
 *
 * This is what a careful engineer would write without our library, for speed and little memory. It
 * uses single precision throughout, has its own exponential function, and reads the weights in
 * memory order. Before it changes the weights of a layer, it computes the errors of the layer below
 * from them, so it copies nothing. As in our networks of sigmoids, D = sigmoid(z), and a hidden
 * layer passes on a = 2 D - 1, so da/dz = 2 D'. The output's error is Y - D, the negative gradient
 * of the cross-entropy. `ska-edge bench --compare` measures the program. */
#include "bench_network.h"
#include "bench_weights.h"

static const uint16_t sizes[BENCH_LAYERS + 1] = BENCH_SIZES;

static float weights[BENCH_WEIGHTS];
static float activations[BENCH_NEURONS]; /* a of the hidden layers; D of the output layer */
static float errors[2][BENCH_WIDEST];    /* -dLoss/dz of this layer, and of the layer below */

/* Returns e^x for |x| <= 87. x / ln 2 is split into a whole number, which becomes the exponent, and
 * a remainder in [-1/2, 1/2]; up to the fifth power, the series has an error of 3e-6. */
static float exponential(float x) {
    const float scaled = x * 1.44269504f;
    const int32_t whole = (int32_t)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
    const float rest = (scaled - (float)whole) * 0.693147181f;
    union {
        uint32_t bits;
        float value;
    } power;
    power.bits = (uint32_t)(whole + 127) << 23;
    const float series =
        1.0f +
        rest * (1.0f + rest * (0.5f + rest * (0.166666667f +
                                              rest * (0.0416666667f + rest * 0.00833333333f))));
    return series * power.value;
}

static float sigmoid(float z) {
    if (z > 30.0f) {
        return 1.0f;
    }
    if (z < -30.0f) {
        return 0.0f;
    }
    return 1.0f / (1.0f + exponential(-z));
}

/* Computes the activations of all layers. The last BENCH_CLASSES are D of the output layer. */
static void forward(const float *x) {
    const float *weight = weights;
    const float *input = x;
    float *output = activations;
    for (uint16_t layer = 0; layer < BENCH_LAYERS; layer++) {
        const uint16_t inputs = sizes[layer], outputs = sizes[layer + 1];
        const float *bias = weight + (uint32_t)inputs * outputs;
        const int hidden = layer + 1 < BENCH_LAYERS;
        for (uint16_t row = 0; row < outputs; row++) {
            float sum = bias[row];
            for (uint16_t column = 0; column < inputs; column++) {
                sum += weight[column] * input[column];
            }
            weight += inputs;
            const float decision = sigmoid(sum);
            output[row] = hidden ? 2.0f * decision - 1.0f : decision;
        }
        weight = bias + outputs;
        input = output;
        output += outputs;
    }
}

/* Computes the errors of the layer below: W^T e times da/dz, where da/dz = 2 D' = (1 - a^2) / 2. */
static void errors_back(const float *weight, uint16_t inputs, uint16_t outputs, const float *error,
                        const float *input, float *below) {
    for (uint16_t column = 0; column < inputs; column++) {
        below[column] = 0.0f;
    }
    for (uint16_t row = 0; row < outputs; row++) {
        const float e = error[row];
        for (uint16_t column = 0; column < inputs; column++) {
            below[column] += weight[column] * e;
        }
        weight += inputs;
    }
    for (uint16_t column = 0; column < inputs; column++) {
        below[column] *= 0.5f * (1.0f - input[column] * input[column]);
    }
}

/* Updates W += rate e a^T, b += rate e. */
static void update(float *weight, uint16_t inputs, uint16_t outputs, const float *error,
                   const float *input) {
    float *bias = weight + (uint32_t)inputs * outputs;
    for (uint16_t row = 0; row < outputs; row++) {
        const float step = BENCH_RATE * error[row];
        for (uint16_t column = 0; column < inputs; column++) {
            weight[column] += step * input[column];
        }
        weight += inputs;
        bias[row] += step;
    }
}

void bench_init(void) {
#if defined(__ARM_FP) && !defined(__linux__)
    /* CPACR gives full access to the floating-point unit (Armv7-M ARM, B3.2.20). */
    *(volatile uint32_t *)0xE000ED88u |= 0x00F00000u;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
    for (uint32_t i = 0; i < BENCH_WEIGHTS; i++) {
        weights[i] = BENCH_WEIGHT(i);
    }
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    const float *decision = activations + BENCH_NEURONS - BENCH_CLASSES;
    uint16_t best = 0;
    forward(x);
    for (uint16_t i = 1; i < BENCH_CLASSES; i++) {
        if (decision[i] > decision[best]) {
            best = i;
        }
    }
    return best;
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    float *weight = weights + BENCH_WEIGHTS;
    const float *output = activations + BENCH_NEURONS - BENCH_CLASSES;
    float *error = errors[0], *below = errors[1];

    forward(x);
    for (uint16_t i = 0; i < BENCH_CLASSES; i++) {
        error[i] = (i == label ? 1.0f : 0.0f) - output[i];
    }
    for (uint16_t layer = BENCH_LAYERS; layer > 0; layer--) {
        const uint16_t inputs = sizes[layer - 1], outputs = sizes[layer];
        const float *input = x;
        weight -= (uint32_t)outputs * (inputs + 1u);
        if (layer > 1) {
            output -= inputs;
            input = output;
            errors_back(weight, inputs, outputs, error, input, below);
        }
        update(weight, inputs, outputs, error, input);
        float *swap = error;
        error = below;
        below = swap;
    }
}
