/*
 * ska_front_part.h: the front end `patches`. Its features are the sums of the responses of each
 * filter in each cell of an image.
 *
 * An image in a buffer, such as that of a camera, needs no `ska_front_t`: it is read where it is.
 *
 *     ska_front_image_input(image, x);
 *     predicted = ska_infer(&ska, x);
 *
 * Rows that arrive one after the other are collected by `ska_front_push` of ska_front.h, which
 * takes the bytes of an image. */
#ifndef SKA_FRONT_PART_H
#define SKA_FRONT_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Computes the features of an image, with SKA_FRONT_FRAC fractional bits. The pixels are row after
 * row, 0 to 255. */
void ska_front_image_features(const uint8_t image[SKA_FRONT_PIXELS], int32_t features[SKA_INPUTS]);

/* Computes the input of the network for an image: its features, standardized. The features are on
 * the stack, 4 * SKA_INPUTS bytes. */
void ska_front_image_input(const uint8_t image[SKA_FRONT_PIXELS], ska_signal_t x[SKA_INPUTS]);

/* An image whose rows are the samples of a window. */
typedef struct {
    uint16_t filled; /* pixels so far */
    uint8_t pixels[SKA_FRONT_PIXELS];
} ska_front_part_t;

/* Returns a pixel of the row at a place of the image. */
static inline int16_t ska_front_kept(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t place,
                                     uint8_t column) {
    return parts[0].pixels[(uint16_t)(place * SKA_FRONT_AXES + column)];
}

/* Adds a row to an image, of which it is the first one or a later one. */
void ska_front_part_add(ska_front_part_t *part, const int16_t sample[SKA_FRONT_AXES], bool first);

/* Keeps the parts as they are, because a part is begun anew with its first sample. */
static inline void ska_front_parts_reset(ska_front_part_t parts[SKA_FRONT_PARTS]) { (void)parts; }

/* Adds a row to the image. */
static inline void ska_front_parts_add(ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t at,
                                       const int16_t sample[SKA_FRONT_AXES], bool first) {
    ska_front_part_add(&parts[at], sample, first);
}

/* Computes the features of the image; a window has one part, number 0. */
void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]);

#ifdef __cplusplus
}
#endif

#endif
