/*
 * ska_front_patch.h: the pixels below a filter, and their sum of products with its weights.
 *
 * The pixels are copied once for all filters. Cores with DSP instructions multiply two pixels at a
 * time; both variants give the same bits. ska_rule_front_response has the interval of every partial
 * sum. */
#ifndef SKA_FRONT_PATCH_H
#define SKA_FRONT_PATCH_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"
#include "ska_target.h"

#define SKA_FRONT_AREA (SKA_FRONT_SIZE * SKA_FRONT_SIZE)

/* Copies the square of pixels that begins at `pixel`, row by row. */
static inline void ska_front_square_copy(uint8_t to[SKA_FRONT_AREA], const uint8_t *pixel) {
    for (uint_fast8_t row = 0; row < SKA_FRONT_SIZE; row++) {
        const uint8_t *from = &pixel[(uint16_t)(row * SKA_FRONT_AXES)];
        for (uint_fast8_t column = 0; column < SKA_FRONT_SIZE; column++) {
            *to = from[column];
            to++;
        }
    }
}

#if !defined(SKA_PORTABLE) && defined(SKA_CORTEX_M) && defined(__ARM_FEATURE_DSP) &&               \
    defined(__ARM_FEATURE_SIMD32)

#include "ska_fixed_dsp.h"
#include "ska_kernel_dsp_loads.h"

#define SKA_FRONT_QUADS (SKA_FRONT_AREA / QUAD)

/* Each quad has the first and the third of four pixels, and then the second and the fourth. In this
 * order, one instruction each gives the pairs of four weights. */
typedef struct {
    quad_t quads[SKA_FRONT_QUADS];
    uint8_t last; /* an odd square has one pixel more than its quads */
} ska_front_patch_t;

static inline void ska_front_patch_take(ska_front_patch_t *patch, const uint8_t *pixel) {
    uint8_t square[SKA_FRONT_AREA];
    ska_front_square_copy(square, pixel);
    for (uint_fast8_t i = 0; i < SKA_FRONT_QUADS; i++) {
        const uint32_t bytes = bytes_load((const int8_t *)&square[QUAD * i]);
        patch->quads[i].low = ska_pair_even_u8(bytes);
        patch->quads[i].high = ska_pair_odd_u8(bytes);
    }
    patch->last = square[SKA_FRONT_AREA - 1];
}

static inline int32_t ska_front_patch_dot(const ska_front_patch_t *patch, const int8_t *weights) {
    int32_t total = 0;
    SKA_UNROLL
    for (uint_fast8_t i = 0; i < SKA_FRONT_QUADS; i++) {
        const uint32_t bytes = bytes_load(&weights[QUAD * i]);
        total = ska_pair_dot_i32(ska_pair_even_i8(bytes), patch->quads[i].low, total);
        total = ska_pair_dot_i32(ska_pair_odd_i8(bytes), patch->quads[i].high, total);
    }
#if SKA_FRONT_AREA % 2 == 1
    total += weights[SKA_FRONT_AREA - 1] * patch->last;
#endif
    return total;
}

#else

typedef struct {
    uint8_t square[SKA_FRONT_AREA];
} ska_front_patch_t;

static inline void ska_front_patch_take(ska_front_patch_t *patch, const uint8_t *pixel) {
    ska_front_square_copy(patch->square, pixel);
}

/* A product has 16 bits. */
static inline int32_t ska_front_patch_dot(const ska_front_patch_t *patch, const int8_t *weights) {
    int32_t total = 0;
    SKA_UNROLL
    for (uint_fast8_t i = 0; i < SKA_FRONT_AREA; i++) {
        total += ska_const_i8(&weights[i]) * patch->square[i];
    }
    return total;
}

#endif

#endif
