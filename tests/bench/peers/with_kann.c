/* with_kann.c - the network in KANN (C, single precision, automatic differentiation): dense layers,
 * sigmoid neurons, cross-entropy behind a softmax. KANN's own optimizer is RMSprop; this program
 * instead makes a plain gradient step with the gradient that KANN computes. */
#include "bench_heap.h"
#include "bench_network.h"
#include "bench_weights.h"
#include "peer.h"

#include "kautodiff.c"

#include "kann.c"

static const uint16_t sizes[BENCH_LAYERS + 1] = BENCH_SIZES;
static kann_t *network;
static float input[BENCH_INPUTS];
static float target[BENCH_CLASSES];

void bench_init(void) {
    kad_node_t *layer;
    float *inputs[1] = {input}, *targets[1] = {target};
    uint32_t from = 0;
    peer_init();
    layer = kann_layer_input(BENCH_INPUTS);
    for (uint16_t i = 1; i < BENCH_LAYERS; i++) {
        layer = kad_sigm(kann_layer_dense(layer, sizes[i]));
    }
    network = kann_new(kann_layer_cost(layer, BENCH_CLASSES, KANN_C_CEM), 0);
    for (uint32_t i = 0; i < BENCH_WEIGHTS; i++) {
        network->x[i] = BENCH_WEIGHT(from++);
    }
    (void)kann_feed_bind(network, KANN_F_IN, 0, inputs);
    (void)kann_feed_bind(network, KANN_F_TRUTH, 0, targets);
    kann_set_batch_size(network, 1);
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    memcpy(input, x, sizeof input);
    kann_switch(network, 0);
    (void)kann_eval_out(network);
    return peer_best(network->v[kann_find(network, KANN_F_OUT, 0)]->x);
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    memcpy(input, x, sizeof input);
    memset(target, 0, sizeof target);
    target[label] = 1.0f;
    kann_switch(network, 1);
    (void)kann_cost(network, 0, 1);
    for (uint32_t i = 0; i < BENCH_WEIGHTS; i++) {
        network->x[i] -= PEER_RATE * network->g[i];
    }
}
