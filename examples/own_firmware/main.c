/* A firmware of your own around the network: no protocol, no board files, only three functions of
 * the library.
 *
 * The samples of a toy problem come from an invented sensor. Class 0 has high values in the first
 * half of the inputs, class 1 in the second half. The program counts the samples that the network
 * classifies correctly before it learns them, and prints one count for the first half of the
 * samples and one for the second. */
#include <stdint.h>
#include <stdio.h>

#include "ska.h"

#define SAMPLES 400

static ska_t network; /* static, so not on the stack */

/* A small linear congruential generator: the "noise" of the sensor. */
static uint32_t noise(void) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 24;
}

static uint16_t sensor_read(ska_signal_t *x) {
    const uint16_t label = noise() < 128u ? 0 : 1;
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        const int32_t high = (i < SKA_INPUTS / 2) == (label == 0);
        x[i] = (ska_signal_t)((high ? 20 : -20) + (int32_t)(noise() / 4u) - 32);
    }
    return label;
}

int main(void) {
    unsigned right[2] = {0, 0};
    ska_init(&network);
    for (unsigned n = 0; n < SAMPLES; n++) {
        ska_signal_t x[SKA_INPUTS];
        const uint16_t label = sensor_read(x);
        right[n / (SAMPLES / 2)] += ska_infer(&network, x) == label;
        if (ska_learn(&network, x, label) != SKA_OK) {
            return 1;
        }
    }
    printf("right before learning: %u of the first %d, %u of the last %d\n", right[0], SAMPLES / 2,
           right[1], SAMPLES / 2);
    return 0;
}
