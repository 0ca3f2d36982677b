/*
 * ska_front_part.h: the parts of front ends that keep the samples of a window. A part has one
 * sample, so the parts are a ring of the newest SKA_FRONT_LENGTH samples. */
#ifndef SKA_FRONT_PART_H
#define SKA_FRONT_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int16_t values[SKA_FRONT_AXES];
} ska_front_part_t;

/* Keeps the parts as they are, because a part is begun anew with its first sample. */
static inline void ska_front_parts_reset(ska_front_part_t parts[SKA_FRONT_PARTS]) { (void)parts; }

/* Keeps a sample as part `at`; every part begins with its only sample. */
static inline void ska_front_parts_add(ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t at,
                                       const int16_t sample[SKA_FRONT_AXES], bool first) {
    (void)first;
    for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
        parts[at].values[i] = sample[i];
    }
}

/* Returns a value of the sample at a place of the ring. */
static inline int16_t ska_front_kept(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t place,
                                     uint8_t axis) {
    return parts[place].values[axis];
}

/* Returns the place in the ring of the sample that comes `steps` samples after the one at `place`;
 * `steps` is at most SKA_FRONT_LENGTH. */
static inline uint16_t ska_front_place(uint16_t place, uint16_t steps) {
    const uint16_t left = (uint16_t)(SKA_FRONT_LENGTH - place);
    return (uint16_t)(steps < left ? place + steps : steps - left);
}

/* Computes the features of a window, whose samples are a ring that begins at place `oldest`. */
void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]);

#ifdef __cplusplus
}
#endif

#endif
