/* with_odt.c - the network in TI's on-device training library (C, single precision): linear and
 * ReLU layers, squared error, batches of one. The library has no sigmoid. */
#include "bench_heap.h"
#include "bench_network.h"
#include "bench_weights.h"
#include "peer.h"

#include "trainable_model_config.h"

#include <ondevice_training_lib.c>

#define BUFFERS (BENCH_INPUTS + 2 * (BENCH_NEURONS - BENCH_CLASSES) + BENCH_CLASSES)

static const uint16_t sizes[BENCH_LAYERS + 1] = BENCH_SIZES;

float ALL_WEIGHTS[TOTAL_PARAMS];
float ALL_BEST_WEIGHTS[TOTAL_PARAMS];
float INTERMEDIATE_BUFFERS[BUFFERS];
float GRADIENT_BUFFERS[BUFFERS];
LayerParams_t LAYER_PARAMS_INIT[NUM_TRAINABLE_LAYERS];
uint32_t BUFFER_OFFSETS[NUM_TRAINABLE_LAYERS + 1];

static ModelContext_t network;
static float output[BENCH_CLASSES];

static void linear_describe(LayerParams_t *layer, uint16_t inputs, uint16_t outputs,
                            uint32_t *offset) {
    layer->type = LAYER_TYPE_LINEAR;
    layer->input_size = inputs;
    layer->output_size = outputs;
    layer->shape.linear.rows = outputs;
    layer->shape.linear.cols = inputs;
    layer->weight_offset = *offset;
    layer->weight_count = (uint32_t)inputs * outputs;
    layer->bias_offset = layer->weight_offset + layer->weight_count;
    layer->bias_count = outputs;
    *offset = layer->bias_offset + outputs;
}

void bench_init(void) {
    uint32_t offset = 0;
    peer_init();
    for (uint16_t i = 0; i < NUM_TRAINABLE_LAYERS; i++) {
        LayerParams_t *layer = &LAYER_PARAMS_INIT[i];
        const uint16_t inputs = sizes[(i + 1) / 2];
        if (i % 2 == 0) {
            linear_describe(layer, inputs, sizes[i / 2 + 1], &offset);
        } else {
            layer->type = LAYER_TYPE_RELU;
            layer->input_size = layer->output_size = inputs;
        }
        BUFFER_OFFSETS[i + 1] = BUFFER_OFFSETS[i] + layer->input_size;
    }
    for (uint32_t i = 0; i < BENCH_WEIGHTS; i++) {
        ALL_WEIGHTS[i] = BENCH_WEIGHT(i);
    }
    (void)ODT_Init(&network, PEER_RATE);
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    (void)ODT_Forward(&network, (float *)(uintptr_t)x, output);
    return peer_best(output);
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    float target[BENCH_CLASSES] = {0.0f}, gradient[BENCH_CLASSES];
    target[label] = 1.0f;
    (void)ODT_ZeroGradients(&network);
    (void)ODT_Forward(&network, (float *)(uintptr_t)x, output);
    (void)ODT_MSEGradient(output, target, gradient, BENCH_CLASSES);
    (void)ODT_Backward(&network, gradient);
    (void)ODT_UpdateWeights(&network, 1);
}
