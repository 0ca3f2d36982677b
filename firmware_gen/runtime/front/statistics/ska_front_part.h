/*
 * ska_front_part.h: the front end `statistics`. Its features are the mean, the standard deviation,
 * the smallest and the largest value, and the mean absolute change, each of every axis, and then of
 * the magnitude of every vector of three axes. */
#ifndef SKA_FRONT_PART_H
#define SKA_FRONT_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is known about one axis in a part of a window. */
typedef struct {
    int64_t squares; /* sum of the squares */
    int32_t total;   /* sum of the values */
    int32_t changes; /* sum of the absolute changes from one sample of the part to the next */
    int16_t least;
    int16_t most;
    int16_t first;
    int16_t last;
} ska_front_axis_t;

typedef struct {
    ska_front_axis_t axes[SKA_FRONT_WIDTH];
} ska_front_part_t;

/* Adds a sample to a part; `first` tells whether the part begins with this sample. */
void ska_front_part_add(ska_front_part_t *part, const int16_t sample[SKA_FRONT_AXES], bool first);

/* Keeps the parts as they are, because a part is begun anew with its first sample. */
static inline void ska_front_parts_reset(ska_front_part_t parts[SKA_FRONT_PARTS]) { (void)parts; }

/* Adds a sample to part `at`. */
static inline void ska_front_parts_add(ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t at,
                                       const int16_t sample[SKA_FRONT_AXES], bool first) {
    ska_front_part_add(&parts[at], sample, first);
}

/* Computes the features of a window, whose parts are a ring that begins with part `oldest`. */
void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]);

#ifdef __cplusplus
}
#endif

#endif
