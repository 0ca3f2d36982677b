/* with_genann.c - the network in Genann (C, double precision, sigmoid neurons, squared error).
 *
 * Genann multiplies every bias with -1 and stores it in front of the row of its neuron. All hidden
 * layers have the same width. */
#include "bench_heap.h"
#include "bench_network.h"
#include "bench_weights.h"
#include "peer.h"

#include "genann.c"

static const uint16_t sizes[BENCH_LAYERS + 1] = BENCH_SIZES;
static genann *network;
static double input[BENCH_INPUTS];

static void input_set(const bench_input_t x[BENCH_INPUTS]) {
    for (uint16_t i = 0; i < BENCH_INPUTS; i++) {
        input[i] = (double)x[i];
    }
}

void bench_init(void) {
    uint32_t from = 0, to = 0;
    peer_init();
    network = genann_init(BENCH_INPUTS, BENCH_LAYERS - 1, sizes[1], BENCH_CLASSES);
    for (uint16_t layer = 0; layer < BENCH_LAYERS; layer++) {
        const uint16_t inputs = sizes[layer], outputs = sizes[layer + 1];
        const uint32_t biases = from + (uint32_t)inputs * outputs;
        for (uint16_t row = 0; row < outputs; row++) {
            network->weight[to++] = -(double)BENCH_WEIGHT(biases + row);
            for (uint16_t column = 0; column < inputs; column++) {
                network->weight[to++] = (double)BENCH_WEIGHT(from++);
            }
        }
        from += outputs;
    }
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    const double *output;
    uint16_t best = 0;
    input_set(x);
    output = genann_run(network, input);
    for (uint16_t i = 1; i < BENCH_CLASSES; i++) {
        if (output[i] > output[best]) {
            best = i;
        }
    }
    return best;
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    double target[BENCH_CLASSES] = {0.0};
    target[label] = 1.0;
    input_set(x);
    genann_train(network, input, target, (double)PEER_RATE);
}
