/*
 * ska_front_part.c: the front end `spectrum`; see ska_front_part.h. Its features are the logarithms
 * of the energy in bands of frequency, first those of all frames in the first band. */
#include "ska_front_part.h"

#include "ska_const.h"
#include "ska_front_spectrum.h"
#include "ska_rule.h"

#define POINTS (SKA_FRONT_FRAME / 2u)

/* A complex value. */
typedef struct {
    int32_t re;
    int32_t im;
} point_t;

/* The direction of an angle. */
typedef struct {
    int16_t cosine;
    int16_t sine;
} direction_t;

/* Returns the direction of turn / SKA_FRONT_FRAME of a full turn, up to half a turn. */
static direction_t direction_of(uint16_t turn) {
    const uint16_t quarter = SKA_FRONT_FRAME / 4u;
    direction_t found;
    if (turn <= quarter) {
        found.cosine = ska_const_i16(&ska_front_sines[quarter - turn]);
        found.sine = ska_const_i16(&ska_front_sines[turn]);
    } else {
        found.cosine = (int16_t)-ska_const_i16(&ska_front_sines[turn - quarter]);
        found.sine = ska_const_i16(&ska_front_sines[2u * quarter - turn]);
    }
    return found;
}

/* Turns a value back by an angle. */
static inline point_t turned(point_t value, direction_t by) {
    point_t result;
    result.re = ska_rule_front_turned(value.re, value.im, by.cosine, by.sine);
    result.im = ska_rule_front_turned(value.im, value.re, by.cosine, (int16_t)-by.sine);
    return result;
}

/* Stores a - b, and then a + b; both may have the same place. */
static inline void step(point_t a, point_t b, point_t *sum, point_t *difference) {
    difference->re = ska_rule_front_difference(a.re, b.re);
    difference->im = ska_rule_front_difference(a.im, b.im);
    sum->re = ska_rule_front_sum(a.re, b.re);
    sum->im = ska_rule_front_sum(a.im, b.im);
}

/* Transforms points in bit-reversed order. */
static void transform(point_t points[POINTS]) {
    for (uint16_t half = 1; half < POINTS; half = (uint16_t)(half * 2u)) {
        for (uint16_t first = 0; first < half; first++) {
            const direction_t by = direction_of((uint16_t)(first * (POINTS / half)));
            for (uint16_t at = first; at < POINTS; at = (uint16_t)(at + 2u * half)) {
                point_t *b = &points[at + half];
                step(points[at], turned(*b, by), &points[at], b);
            }
        }
    }
}

/* Makes the transform of the samples of that of the points: points[k] becomes the value at the
 * frequency k, from 1 on, except for the sign of an imaginary part. */
static void untangle(point_t points[POINTS]) {
    for (uint16_t k = 1; k <= POINTS / 2u; k++) {
        point_t *a = &points[k];
        point_t *b = &points[POINTS - k];
        point_t odd;
        odd.re = ska_rule_front_half_sum(a->im, b->im);
        odd.im = ska_rule_front_half_difference(b->re, a->re);
        point_t even;
        even.re = ska_rule_front_half_sum(a->re, b->re);
        even.im = ska_rule_front_half_difference(a->im, b->im);
        step(even, turned(odd, direction_of(k)), a, b);
    }
}

/* --- a frame ---------------------------------------------------------------------------------- */

/* Returns the number after `number` if the bits of both are reversed. */
static uint16_t reversed_next(uint16_t number) {
    uint16_t bit = POINTS / 2u;
    while (bit > 0u && number >= bit) {
        number = (uint16_t)(number - bit);
        bit = (uint16_t)(bit / 2u);
    }
    return (uint16_t)(number + bit);
}

/* Returns the place in the ring of the next sample. */
static inline uint16_t next_of(uint16_t place) {
    return (uint16_t)(place + 1u < SKA_FRONT_LENGTH ? place + 1u : 0u);
}

/* Returns the sum of an axis of `count` samples from `place` on, without the end of the ring. */
static int32_t total_of(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t place,
                        uint16_t count, uint8_t axis) {
    int32_t total = 0;
    for (uint16_t i = 0; i < count; i++) {
        total += parts[place + i].values[axis];
    }
    return total;
}

/* Weights the samples of an axis of a frame, of which two are a point; the first is at `start`. */
static void points_of(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t start, uint8_t axis,
                      point_t points[POINTS]) {
    const uint16_t left = (uint16_t)(SKA_FRONT_LENGTH - start);
    const uint16_t run = left < SKA_FRONT_FRAME ? left : SKA_FRONT_FRAME;
    const int32_t total = total_of(parts, start, run, axis) +
                          total_of(parts, 0, (uint16_t)(SKA_FRONT_FRAME - run), axis);
    const int16_t mean = (int16_t)ska_rule_front_level(total);
    uint16_t place = 0;
    uint16_t at = start;
    for (uint16_t i = 0; i < SKA_FRONT_FRAME; i++) {
        const uint16_t turn = i <= POINTS ? i : (uint16_t)(SKA_FRONT_FRAME - i);
        const int32_t value =
            ska_rule_front_weighted(parts[at].values[axis], mean, direction_of(turn).cosine);
        at = next_of(at);
        if (i % 2u == 0u) {
            points[place].re = value;
        } else {
            points[place].im = value;
            place = reversed_next(place);
        }
    }
}

/* Stores the features of an axis of a frame; those of two bands are `step` features apart. */
static void features_of(const point_t points[POINTS], uint16_t step, int32_t *feature) {
    uint16_t k = (uint16_t)ska_const_i16(&ska_front_bands[0]);
    for (uint8_t band = 0; band < SKA_FRONT_BANDS; band++) {
        const uint16_t after = (uint16_t)ska_const_i16(&ska_front_bands[band + 1u]);
        int64_t total = 0;
        for (; k < after; k++) {
            total += ska_rule_front_power(points[k].re, points[k].im);
        }
        feature[band * step] = (int32_t)ska_rule_front_energy(total);
    }
}

/* The transform of an axis of a frame is on the stack, 4 * SKA_FRONT_FRAME bytes. */
void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    point_t points[POINTS];
    uint16_t start = oldest;
    uint16_t first = 0; /* of the frame's features */
    for (uint8_t frame = 0; frame < SKA_FRONT_FRAMES; frame++) {
        for (uint8_t axis = 0; axis < SKA_FRONT_AXES; axis++) {
            points_of(parts, start, axis, points);
            transform(points);
            untangle(points);
            features_of(points, SKA_FRONT_FRAMES * SKA_FRONT_AXES, &features[first]);
            first++;
        }
        start = ska_front_place(start, SKA_FRONT_FRAME);
    }
}
