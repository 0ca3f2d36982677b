/* with_aifes.c - the network in AIfES 2 (C, single precision): dense and sigmoid layers,
 * cross-entropy behind a softmax, SGD, batches of one. The program uses AIfES's plain C code
 * ("default").
 *
 * BENCH_SIZES may name any number of layers. AIfES keeps weights as [input][output]. */
#include "bench_heap.h"
#include "bench_network.h"
#include "bench_weights.h"
#include "peer.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* The dense layer refers to every kind of activation, and the layers' files also have functions for
 * integers of 8 and 32 bits. So all of these files are included; the linker drops what is not
 * called. */
#include "basic/base/ailayer/ailayer_elu.c"
#include "basic/base/ailayer/ailayer_leaky_relu.c"
#include "basic/base/ailayer/ailayer_relu.c"
#include "basic/base/ailayer/ailayer_softsign.c"
#include "basic/base/ailayer/ailayer_tanh.c"
#include "basic/base/aimath/aimath_q31.c"
#include "basic/base/aimath/aimath_q7.c"
#include "basic/default/aimath/aimath_q31_default.c"
#include "basic/default/aimath/aimath_q7_default.c"

#include "basic/base/aialgo/aialgo_sequential_inference.c"
#include "basic/base/aialgo/aialgo_sequential_training.c"
#include "basic/base/ailayer/ailayer_dense.c"
#include "basic/base/ailayer/ailayer_input.c"
#include "basic/base/ailayer/ailayer_sigmoid.c"
#include "basic/base/ailayer/ailayer_softmax.c"
#include "basic/base/ailoss/ailoss_crossentropy.c"
#include "basic/base/aimath/aimath_basic.c"
#include "basic/base/aimath/aimath_f32.c"
#include "basic/base/aiopti/aiopti_sgd.c"
#include "basic/default/ailayer/ailayer_dense_default.c"
#include "basic/default/ailayer/ailayer_input_default.c"
#include "basic/default/ailayer/ailayer_sigmoid_default.c"
#include "basic/default/ailayer/ailayer_softmax_default.c"
#include "basic/default/ailoss/ailoss_crossentropy_default.c"
#include "basic/default/aimath/aimath_f32_default.c"
#include "basic/default/aiopti/aiopti_sgd_default.c"

/* The library's macros set only the first members of a layer; the other members are 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const uint16_t sizes[BENCH_LAYERS + 1] = BENCH_SIZES;

static uint16_t input_shape[2] = {1, BENCH_INPUTS};
static uint16_t output_shape[2] = {1, BENCH_CLASSES};
static ailayer_input_f32_t input_layer;
static ailayer_dense_f32_t dense[BENCH_LAYERS];
static ailayer_sigmoid_f32_t sigmoid[BENCH_LAYERS];
static ailayer_softmax_f32_t softmax;
static ailoss_crossentropy_t loss;
static aiopti_sgd_f32_t sgd;
static aiopti_t *optimizer;
static aimodel_t model;
static float output[BENCH_CLASSES];

static void layers_connect(void) {
    const ailayer_input_f32_t entry = AILAYER_INPUT_F32_A(2, input_shape);
    ailayer_t *layer;
    input_layer = entry;
    layer = model.input_layer = ailayer_input_f32_default(&input_layer);
    for (uint16_t i = 0; i < BENCH_LAYERS; i++) {
        const ailayer_dense_f32_t plain_dense = AILAYER_DENSE_F32_A(sizes[i + 1]);
        dense[i] = plain_dense;
        layer = ailayer_dense_f32_default(&dense[i], layer);
        if (i + 1 < BENCH_LAYERS) {
            layer = ailayer_sigmoid_f32_default(&sigmoid[i], layer);
        }
    }
    model.output_layer = ailayer_softmax_f32_default(&softmax, layer);
    model.loss = ailoss_crossentropy_f32_default(&loss, model.output_layer);
    (void)aialgo_compile_model(&model);
}

static void weights_set(void) {
    uint32_t from = 0;
    for (uint16_t layer = 0; layer < BENCH_LAYERS; layer++) {
        const uint16_t inputs = sizes[layer], outputs = sizes[layer + 1];
        float *weights = (float *)dense[layer].weights.data;
        float *biases = (float *)dense[layer].bias.data;
        for (uint16_t row = 0; row < outputs; row++) {
            for (uint16_t column = 0; column < inputs; column++) {
                weights[(uint32_t)column * outputs + row] = BENCH_WEIGHT(from++);
            }
        }
        for (uint16_t row = 0; row < outputs; row++) {
            biases[row] = BENCH_WEIGHT(from++);
        }
    }
}

void bench_init(void) {
    const aiopti_sgd_f32_t plain_sgd = AIOPTI_SGD_F32(PEER_RATE);
    uint32_t size;
    peer_init();
    layers_connect();
    size = aialgo_sizeof_parameter_memory(&model);
    aialgo_distribute_parameter_memory(&model, malloc(size), size);
    weights_set();
    sgd = plain_sgd;
    optimizer = aiopti_sgd_f32_default(&sgd);
    size = aialgo_sizeof_training_memory(&model, optimizer);
    (void)aialgo_schedule_training_memory(&model, optimizer, malloc(size), size);
    aialgo_init_model_for_training(&model, optimizer);
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    aitensor_t in = AITENSOR_2D_F32(input_shape, (void *)(uintptr_t)x);
    aitensor_t out = AITENSOR_2D_F32(output_shape, output);
    (void)aialgo_inference_model(&model, &in, &out);
    return peer_best(output);
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    float target[BENCH_CLASSES] = {0.0f};
    aitensor_t in = AITENSOR_2D_F32(input_shape, (void *)(uintptr_t)x);
    aitensor_t out = AITENSOR_2D_F32(output_shape, target);
    target[label] = 1.0f;
    (void)aialgo_train_model(&model, &in, &out, optimizer, 1);
}
