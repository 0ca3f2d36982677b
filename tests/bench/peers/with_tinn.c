/* with_tinn.c - the network in Tinn (C, single precision, sigmoid neurons, squared error).
 *
 * Tinn has one hidden layer. All neurons of a layer share one bias, which Tinn does not train. */
#include "bench_heap.h"
#include "bench_network.h"
#include "bench_weights.h"
#include "peer.h"

#include "Tinn.c"

static const uint16_t sizes[BENCH_LAYERS + 1] = BENCH_SIZES;
static Tinn network;

void bench_init(void) {
    const uint32_t hidden = (uint32_t)BENCH_INPUTS * sizes[1];
    const uint32_t output = hidden + sizes[1];
    peer_init();
    network = xtbuild(BENCH_INPUTS, sizes[1], BENCH_CLASSES);
    for (uint32_t i = 0; i < hidden; i++) {
        network.w[i] = BENCH_WEIGHT(i);
    }
    for (uint32_t i = 0; i < (uint32_t)BENCH_CLASSES * sizes[1]; i++) {
        network.x[i] = BENCH_WEIGHT(output + i);
    }
    network.b[0] = 0.0f;
    network.b[1] = 0.0f;
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    return peer_best(xtpredict(network, x));
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    float target[BENCH_CLASSES] = {0.0f};
    target[label] = 1.0f;
    (void)xttrain(network, x, target, PEER_RATE);
}
