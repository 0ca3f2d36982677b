/* The network learns from a sensor. Replace sensor_read in sensor.h by a function that reads your
 * sensor.
 *
 * Every 100 samples, the program prints how many of these the network classified correctly before
 * it learned them, and the CRC-32 of all that it has learned. Every processor prints the same
 * numbers for the same samples.
 */
#include <@NAME@.h>
#include <stdio.h>

#include "sensor.h"

#define SAMPLES 1000

static ska_t network; /* all state; static, not on the stack */

void example_learn(void);

static uint32_t state_crc(void) {
    uint32_t crc = 0;
    for (uint32_t at = 0; at < SKA_STATE_BYTES; at += SKA_STATE_RUN) {
        crc = ska_crc32_update(crc, ska_state(&network, at), SKA_STATE_RUN);
    }
    return crc;
}

void example_learn(void) {
    unsigned right = 0;
    ska_init(&network);
    for (unsigned count = 1; count <= SAMPLES; count++) {
        static ska_signal_t x[SKA_INPUTS];
        const uint16_t label = sensor_read(x);
        if (ska_learn(&network, x, label) != SKA_OK) {
            return; /* the class is too large */
        }
        right += ska_predicted(&network) == label; /* from before the update */
        if (count % 100 == 0) {
            printf("%u samples, right before learning: %u of the last 100, state %lX\n", count,
                   right, (unsigned long)state_crc());
            right = 0;
        }
    }
}
