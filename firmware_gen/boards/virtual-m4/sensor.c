/* The sensor of the board virtual-m4: each read of its register gives the next byte of the file
 * that SKA_SENSOR names, and a number above 255 after the last one.
 *
 * A record of the file has the label of a sample, -1 for none, and the sample: one int16 per axis,
 * little-endian. The label stands for a button. A record with the label -2 is no sample: samples
 * are missing between its neighbors. */
#include "ska_sensor.h"

#define REGISTER (*(const volatile uint32_t *)0x40005000u)

#define GAP (-2)

const bool ska_sensor_runs = false;

static int16_t label = SKA_SENSOR_NO_LABEL; /* of the last sample */
static bool gap = false;                    /* whether samples are missing before it */

/* Reads a number; returns false after the end of the file. */
static bool number_read(int16_t *number) {
    const uint32_t low = REGISTER;
    const uint32_t high = REGISTER;
    *number = (int16_t)(uint16_t)(256u * (high & 0xFFu) + (low & 0xFFu));
    return high <= 255u;
}

/* Reads the next record; returns false at the end of the file. */
static bool record_read(int16_t sample[SKA_SENSOR_AXES]) {
    if (!number_read(&label)) {
        label = SKA_SENSOR_NO_LABEL;
        return false;
    }
    bool whole = true;
    for (uint8_t axis = 0; axis < SKA_SENSOR_AXES; axis++) {
        whole = number_read(&sample[axis]);
    }
    return whole;
}

bool ska_sensor_read(int16_t sample[SKA_SENSOR_AXES]) {
    bool whole = record_read(sample);
    gap = false;
    while (whole && label == GAP) {
        gap = true;
        whole = record_read(sample);
    }
    return whole;
}

bool ska_sensor_gap(void) { return gap; }

int16_t ska_sensor_label(void) {
    const int16_t given = label;
    label = SKA_SENSOR_NO_LABEL;
    return given;
}
