/* sensor.h - the sensor of the example: replace sensor_read by a function that reads your
 * sensor.
 *
 * This example makes its samples up. In a sample of class c, every input i with
 * i % SKA_CLASSES == c is high, the others are low, and all of them are noisy.
 */
#ifndef SENSOR_H
#define SENSOR_H

#include <@NAME@.h>

/* Returns a number from 0 to 255, by a small linear congruential generator. */
static inline int16_t sensor_noise(void) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (int16_t)(state / 16777216u);
}

/* Writes the next sample to x and returns its class, 0 to SKA_CLASSES - 1. An input is
 * (feature - mean) / scale * 2^SKA_INPUT_FRAC, rounded and saturated; ska-export.json has the mean
 * and the scale of each feature, and the names of the classes. */
static inline uint16_t sensor_read(ska_signal_t x[SKA_INPUTS]) {
    const int16_t unit = SKA_SIGNAL_BYTES == 1 ? 1 : 256;
    const uint16_t label = (uint16_t)(sensor_noise() % SKA_CLASSES);
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        const int16_t level = i % SKA_CLASSES == label ? 40 : -40;
        x[i] = (ska_signal_t)((level + sensor_noise() / 4 - 32) * unit);
    }
    return label;
}

#endif
