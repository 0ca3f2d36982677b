/* sensor.c - the driver of the board's own sensor. Replace this file by yours: it has no samples.
 * ska_sensor.h says what each name means.
 *
 * A sensor usually has its own clock, and interrupts the core for each sample. Let the interrupt
 * put the samples into a ring, and ska_sensor_read take them out:
 *
 *     static volatile int16_t ring[16][SKA_SENSOR_AXES];
 *     static volatile uint8_t put, taken;
 *
 *     void Sensor_Handler(void) {
 *         if ((uint8_t)(put - taken) < 16u) {
 *             for (uint8_t axis = 0; axis < SKA_SENSOR_AXES; axis++) {
 *                 ring[put % 16u][axis] = sensor_register(axis);
 *             }
 *             put++;
 *         }
 *     }
 */
#include "ska_sensor.h"

const bool ska_sensor_runs = true;

bool ska_sensor_read(int16_t sample[SKA_SENSOR_AXES]) {
    (void)sample;
    return false;
}

bool ska_sensor_gap(void) { return false; }

int16_t ska_sensor_label(void) { return SKA_SENSOR_NO_LABEL; }
