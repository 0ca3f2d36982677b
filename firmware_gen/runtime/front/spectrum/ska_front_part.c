/*
 * ska_front_part.c: the front end `spectrum`; see ska_front_part.h. Its features are the logarithms
 * of the energy in bands of frequency, first those of all axes in the first band. */
#include "ska_front_part.h"

#include "ska_const.h"
#include "ska_front_spectrum.h"
#include "ska_rule.h"

#define POINTS (SKA_FRONT_LENGTH / 2u)

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

/* Returns the direction of turn / SKA_FRONT_LENGTH of a full turn, up to half a turn. */
static direction_t direction_of(uint16_t turn) {
    const uint16_t quarter = SKA_FRONT_LENGTH / 4u;
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

/* --- a window --------------------------------------------------------------------------------- */

/* Returns the number after `number` if the bits of both are reversed. */
static uint16_t reversed_next(uint16_t number) {
    uint16_t bit = POINTS / 2u;
    while (bit > 0u && number >= bit) {
        number = (uint16_t)(number - bit);
        bit = (uint16_t)(bit / 2u);
    }
    return (uint16_t)(number + bit);
}

/* Weights the samples of an axis, of which two are a point. */
static void points_of(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest, uint8_t axis,
                      point_t points[POINTS]) {
    int32_t total = 0;
    for (uint16_t i = 0; i < SKA_FRONT_LENGTH; i++) {
        total += parts[i].values[axis];
    }
    const int16_t mean = (int16_t)ska_rule_front_level(total);
    uint16_t place = 0;
    uint16_t at = oldest;
    for (uint16_t i = 0; i < SKA_FRONT_LENGTH; i++) {
        const uint16_t turn = i <= POINTS ? i : (uint16_t)(SKA_FRONT_LENGTH - i);
        const int32_t value =
            ska_rule_front_weighted(parts[at].values[axis], mean, direction_of(turn).cosine);
        at = ska_front_place(at, 1);
        if (i % 2u == 0u) {
            points[place].re = value;
        } else {
            points[place].im = value;
            place = reversed_next(place);
        }
    }
}

/* The transform of an axis is on the stack, 4 * SKA_FRONT_LENGTH bytes. */
void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    point_t points[POINTS];
    for (uint8_t axis = 0; axis < SKA_FRONT_AXES; axis++) {
        points_of(parts, oldest, axis, points);
        transform(points);
        untangle(points);
        uint16_t k = (uint16_t)ska_const_i16(&ska_front_bands[0]);
        for (uint8_t band = 0; band < SKA_FRONT_BANDS; band++) {
            const uint16_t after = (uint16_t)ska_const_i16(&ska_front_bands[band + 1u]);
            int64_t total = 0;
            for (; k < after; k++) {
                total += ska_rule_front_power(points[k].re, points[k].im);
            }
            const uint16_t place = (uint16_t)((uint16_t)(band * SKA_FRONT_AXES) + axis);
            features[place] = (int32_t)ska_rule_front_energy(total);
        }
    }
}
