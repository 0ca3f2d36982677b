/* ska_front_part.c: see ska_front_part.h. The features are those of `kernels`: how often the output
 * of each kernel is larger than its bias, and the means of the axes in parts of the window. */
#include "ska_front_part.h"

#include "ska_const.h"
#include "ska_front_kernels.h"
#include "ska_rule.h"

/* Kernels with the same taps, which are sums of the same axes. */
typedef struct {
    const uint8_t *axes;
    const uint8_t *chosen; /* taps of each kernel */
    const int32_t *biases;
    uint16_t dilation; /* samples from one tap to the next */
    uint8_t added;     /* axes */
    uint16_t kernels;
} group_t;

/* The nine taps of kernels at a place of the window, and their sum. */
typedef struct {
    int32_t values[SKA_FRONT_TAPS];
    int32_t total;
} taps_t;

/* Reads the taps whose first one is the sample at place `at` of the ring. */
static void taps_read(taps_t *taps, const group_t *group, const ska_front_part_t *parts,
                      uint16_t at) {
    taps->total = 0;
    for (uint8_t tap = 0; tap < SKA_FRONT_TAPS; tap++) {
        int32_t value = 0;
        for (uint8_t i = 0; i < group->added; i++) {
            value += parts[at].values[ska_const_u8(&group->axes[i])];
        }
        taps->values[tap] = value;
        taps->total += value;
        at = ska_front_place(at, group->dilation);
    }
}

/* Adds 1 to the count of each kernel whose output is larger than its bias. */
static void kernels_count(const taps_t *taps, const group_t *group, int32_t *counts) {
    const uint8_t *chosen = group->chosen;
    for (uint16_t i = 0; i < group->kernels; i++) {
        counts[i] += (int32_t)ska_rule_front_positive(
            taps->values[ska_const_u8(&chosen[0])], taps->values[ska_const_u8(&chosen[1])],
            taps->values[ska_const_u8(&chosen[2])], taps->total, ska_const_i32(&group->biases[i]));
        chosen += SKA_FRONT_CHOSEN;
    }
}

/* Computes the features of a group's kernels. */
static void group_features(const group_t *group, const ska_front_part_t *parts, uint16_t oldest,
                           int32_t *features) {
    const uint16_t span = (uint16_t)((SKA_FRONT_TAPS - 1) * group->dilation);
    taps_t taps;
    for (uint16_t i = 0; i < group->kernels; i++) {
        features[i] = 0;
    }
    for (uint16_t place = 0; place < SKA_FRONT_LENGTH - span; place++) {
        taps_read(&taps, group, parts, ska_front_place(oldest, place));
        kernels_count(&taps, group, features);
    }
    for (uint16_t i = 0; i < group->kernels; i++) {
        features[i] = (int32_t)ska_rule_front_count((int_fast16_t)features[i]);
    }
}

#ifdef SKA_FRONT_LEVELS
/* Computes the mean of each axis in each part of the window. */
static void levels_features(const ska_front_part_t *parts, uint16_t oldest, int32_t *features) {
    for (uint16_t level = 0; level < SKA_FRONT_LEVELS; level++) {
        const uint16_t first = (uint16_t)((uint32_t)level * SKA_FRONT_LENGTH / SKA_FRONT_LEVELS);
        for (uint8_t axis = 0; axis < SKA_FRONT_AXES; axis++) {
            uint16_t at = ska_front_place(oldest, first);
            int32_t total = 0;
            for (uint16_t i = 0; i < SKA_FRONT_LEVEL; i++) {
                total += parts[at].values[axis];
                at = ska_front_place(at, 1);
            }
            features[level * SKA_FRONT_AXES + axis] = (int32_t)ska_rule_front_level(total);
        }
    }
}
#endif

void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    uint16_t kernel = 0;
    uint16_t axis = 0;
    for (uint16_t i = 0; i < SKA_FRONT_GROUPS; i++) {
        const int16_t *about = ska_front_groups[i];
        group_t group;
        group.axes = &ska_front_added[axis];
        group.chosen = &ska_front_chosen[(uint32_t)kernel * SKA_FRONT_CHOSEN];
        group.biases = &ska_front_biases[kernel];
        group.dilation = (uint16_t)ska_const_i16(&about[0]);
        group.added = (uint8_t)ska_const_i16(&about[1]);
        group.kernels = (uint16_t)ska_const_i16(&about[2]);
        group_features(&group, parts, oldest, &features[kernel]);
        axis = (uint16_t)(axis + group.added);
        kernel = (uint16_t)(kernel + group.kernels);
    }
#ifdef SKA_FRONT_LEVELS
    levels_features(parts, oldest, &features[SKA_FRONT_KERNELS]);
#endif
}
