/* trainable_model_config.h - the network as TI's on-device training library wants it described:
 * pairs of a linear and a ReLU layer, the last without ReLU. The library includes this file. */
#ifndef TRAINABLE_MODEL_CONFIG_H
#define TRAINABLE_MODEL_CONFIG_H

#include <stdint.h>

#include "bench_data.h"

#define NUM_TRAINABLE_LAYERS (2 * BENCH_LAYERS - 1)
#define TOTAL_PARAMS BENCH_WEIGHTS
#define FROZEN_OUTPUT_SIZE BENCH_INPUTS
#define FINAL_OUTPUT_SIZE BENCH_CLASSES
#define USE_GRADIENT_ACCUMULATION 0 /* batches of one */

typedef enum { LAYER_TYPE_LINEAR, LAYER_TYPE_RELU } LayerType_t;

typedef struct {
    LayerType_t type;
    uint16_t input_size, output_size;
    uint32_t weight_offset, weight_count;
    uint32_t bias_offset, bias_count;
    union {
        struct {
            uint16_t rows, cols;
        } linear;
    } shape;
    float *weights, *bias;
} LayerParams_t;

extern float ALL_WEIGHTS[TOTAL_PARAMS];
extern float ALL_BEST_WEIGHTS[TOTAL_PARAMS];
extern float INTERMEDIATE_BUFFERS[];
extern float GRADIENT_BUFFERS[];
extern LayerParams_t LAYER_PARAMS_INIT[NUM_TRAINABLE_LAYERS];
extern uint32_t BUFFER_OFFSETS[NUM_TRAINABLE_LAYERS + 1];

#endif
