/* sensor_file.h - a sensor whose samples are in a file. It defines functions, so only the sensor.c
 * of such a board includes it. A project with another sensor.c does not use it.
 *
 * A record of the file has the label of a sample, -1 for none, and the sample: one int16 per axis.
 * The label stands for a button. A record with the label -2 is no sample: samples are missing
 * between its neighbors. */
#ifndef SENSOR_FILE_H
#define SENSOR_FILE_H

#include "ska_sensor.h"

/* Reads the next number of the file, an int16 in little-endian order; returns false after the end
 * of the file. The board's sensor.c defines it. */
static bool sensor_file_number(int16_t *number);

const bool ska_sensor_runs = false;

#define GAP (-2)

static int16_t label = SKA_SENSOR_NO_LABEL; /* of the last sample */
static bool gap = false;                    /* whether samples are missing before it */

/* Reads the next record; returns false at the end of the file. */
static bool record_read(int16_t sample[SKA_SENSOR_AXES]) {
    bool whole = sensor_file_number(&label);

    for (uint8_t axis = 0; whole && axis < SKA_SENSOR_AXES; axis++) {
        whole = sensor_file_number(&sample[axis]);
    }
    if (!whole) {
        label = SKA_SENSOR_NO_LABEL;
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

#endif
