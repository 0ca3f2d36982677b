/*
 * ska_front.h: turns samples of a sensor into inputs of the network.
 *
 * Usage: one `ska_front_t`, owned by the caller (make it static).
 *
 *     static ska_front_t front;
 *     ska_front_reset(&front);
 *     for every sample of the sensor:
 *         if (ska_front_push(&front, sample)) {
 *             ska_front_input(&front, x);
 *             predicted = ska_infer(&ska, x);
 *         }
 *
 * A window has SKA_FRONT_LENGTH samples, and the next one begins SKA_FRONT_HOP samples later. Both
 * are whole numbers of parts of SKA_FRONT_PART samples. ska_front_part.h says what a part keeps of
 * the samples. No function allocates, blocks, recurses or uses floating point. */
#ifndef SKA_FRONT_H
#define SKA_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_front_part.h"
#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A front end; all members are private. */
typedef struct {
    ska_front_part_t parts[SKA_FRONT_PARTS]; /* a ring */
    uint16_t next;                           /* the part of the next sample, the oldest one */
    uint16_t filled;                         /* samples in that part so far */
    uint16_t missing;                        /* parts until the next window is complete */
    bool complete;                           /* whether the last sample completed a window */
} ska_front_t;

/* Forgets all samples: the next window begins with the next sample. Call it first, and after a gap
 * in the samples, because a window must not contain a gap. */
void ska_front_reset(ska_front_t *front);

/* Takes a sample, one integer per axis. Returns true if a window is complete: then call
 * ska_front_input, or ska_front_features, before the next sample. */
bool ska_front_push(ska_front_t *front, const int16_t sample[SKA_FRONT_AXES]);

/* Tells whether the last sample completed a window. */
bool ska_front_complete(const ska_front_t *front);

/* Computes the features of the complete window, with SKA_FRONT_FRAC fractional bits. */
void ska_front_features(const ska_front_t *front, int32_t features[SKA_INPUTS]);

/* Computes the input of the network for the complete window: its features, standardized. */
void ska_front_input(const ska_front_t *front, ska_signal_t x[SKA_INPUTS]);

#ifdef __cplusplus
}
#endif

#endif
