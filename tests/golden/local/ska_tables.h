/* ska_tables.h - the tables of plan efc630b4af7a4376. Generated; do not edit. */
#ifndef SKA_TABLES_H
#define SKA_TABLES_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* sigmoid(z) at z = -8, -8 + 1/16, ..., 8 in Q0.15. */
static const int16_t ska_decision_table[257] SKA_CONST = {
    11, 12, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22,
    23, 25, 26, 28, 30, 32, 34, 36, 38, 41, 43, 46,
    49, 52, 56, 59, 63, 67, 72, 76, 81, 86, 92, 98,
    104, 111, 118, 125, 133, 142, 151, 161, 171, 182, 194, 206,
    219, 233, 248, 264, 281, 299, 318, 338, 360, 383, 407, 433,
    461, 490, 521, 554, 589, 627, 666, 708, 753, 800, 851, 904,
    961, 1021, 1084, 1152, 1223, 1299, 1379, 1464, 1554, 1649, 1750, 1856,
    1969, 2088, 2213, 2346, 2486, 2633, 2789, 2952, 3124, 3306, 3496, 3696,
    3906, 4126, 4357, 4599, 4851, 5115, 5391, 5678, 5978, 6289, 6613, 6949,
    7297, 7658, 8031, 8416, 8813, 9221, 9641, 10072, 10513, 10964, 11424, 11894,
    12371, 12856, 13348, 13845, 14347, 14852, 15361, 15872, 16384, 16896, 17407, 17916,
    18421, 18923, 19420, 19912, 20397, 20874, 21344, 21804, 22255, 22696, 23127, 23547,
    23955, 24352, 24737, 25110, 25471, 25819, 26155, 26479, 26790, 27090, 27377, 27653,
    27917, 28169, 28411, 28642, 28862, 29072, 29272, 29462, 29644, 29816, 29979, 30135,
    30282, 30422, 30555, 30680, 30799, 30912, 31018, 31119, 31214, 31304, 31389, 31469,
    31545, 31616, 31684, 31747, 31807, 31864, 31917, 31968, 32015, 32060, 32102, 32141,
    32179, 32214, 32247, 32278, 32307, 32335, 32361, 32385, 32408, 32430, 32450, 32469,
    32487, 32504, 32520, 32535, 32549, 32562, 32574, 32586, 32597, 32607, 32617, 32626,
    32635, 32643, 32650, 32657, 32664, 32670, 32676, 32682, 32687, 32692, 32696, 32701,
    32705, 32709, 32712, 32716, 32719, 32722, 32725, 32727, 32730, 32732, 32734, 32736,
    32738, 32740, 32742, 32743, 32745, 32746, 32747, 32749, 32750, 32751, 32752, 32753,
    32754, 32755, 32756, 32756, 32757
};

/* One matrix with its bias: its position in the parameters, its shape, and its shifts. */
typedef struct {
    uint32_t weight;           /* offset of W, row-major */
    uint32_t bias;             /* offset of b */
    uint16_t inputs;           /* columns */
    uint16_t outputs;          /* rows */
    uint8_t sum_align;         /* the sum has this many more fractional bits than W a */
    uint8_t bias_align;        /* the sum has this many more fractional bits than b */
    uint8_t forward_shift;     /* from the sum to the knowledge */
    int8_t update_shift;       /* from step * a to a change of W, before the rate's shift */
    int8_t bias_update_shift;  /* from step to a change of b, before the rate's shift */
    int8_t projection_shift;   /* from W^T e to the projection, if the rule has one */
} ska_matrix_t;

static const ska_matrix_t ska_layers[SKA_LAYERS] = {
    {0, 12, 4, 3, 0, 4, 5, 7, 3, 14},
    {23, 32, 3, 3, 0, 7, 8, 10, 3, 14},
    {35, 41, 3, 2, 0, 7, 8, 10, 3, 14},
};

/* The readouts of the hidden layers, except the top one, which uses the output layer. */
static const ska_matrix_t ska_readouts[SKA_READOUTS] = {
    {15, 21, 3, 2, 0, 7, 8, 10, 3, 14},
};

/* Number of each layer's first neuron. */
static const uint16_t ska_first_neuron[SKA_LAYERS] = {0, 3, 6};

#endif
