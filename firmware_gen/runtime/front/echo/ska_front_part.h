/*
 * ska_front_part.h: the front end `echo`. A part has the states of the window that begins with it,
 * and takes all samples of this window. Its features are the last state and the mean absolute
 * state, each of every unit. */
#ifndef SKA_FRONT_PART_H
#define SKA_FRONT_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t size;  /* sum of the absolute states after each sample */
    int32_t state; /* 16 bits save no RAM on a Cortex-M, and cost an M0 an instruction */
} ska_front_unit_t;

typedef struct {
    ska_front_unit_t units[SKA_FRONT_UNITS];
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
