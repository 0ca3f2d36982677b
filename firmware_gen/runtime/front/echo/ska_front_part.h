/*
 * ska_front_part.h: the front end `echo`. A part has the state of the window that begins with it,
 * and takes all samples of this window. Its features are the last state, the mean state and the
 * mean absolute state, each of every unit. */
#ifndef SKA_FRONT_PART_H
#define SKA_FRONT_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t totals[SKA_FRONT_UNITS]; /* sums of the states after each sample */
    int32_t sizes[SKA_FRONT_UNITS];  /* sums of their absolute values */
    int16_t states[SKA_FRONT_UNITS];
} ska_front_part_t;

/* Begins all windows anew. */
void ska_front_parts_reset(ska_front_part_t parts[SKA_FRONT_PARTS]);

/* Adds a sample to all windows; `first` tells whether the window of part `at` begins with it. */
void ska_front_parts_add(ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t at,
                         const int16_t sample[SKA_FRONT_AXES], bool first);

/* Computes the features of the window that began with part `oldest`. */
void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]);

#ifdef __cplusplus
}
#endif

#endif
