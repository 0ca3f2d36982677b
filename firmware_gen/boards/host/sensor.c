/* The sensor of the board host: the file that the environment variable SKA_SENSOR names; without
 * it, there are no samples.
 *
 * A record of the file has the label of a sample, -1 for none, and the sample: one int16 per axis,
 * little-endian. The label stands for a button. A record with the label -2 is no sample: samples
 * are missing between its neighbors. */
#include "ska_sensor.h"

#include <stdio.h>
#include <stdlib.h>

const bool ska_sensor_runs = false;

#define GAP (-2)

static int16_t label = SKA_SENSOR_NO_LABEL; /* of the last sample */
static bool gap = false;                    /* whether samples are missing before it */

static FILE *file_open(void) {
    const char *path = getenv("SKA_SENSOR");
    FILE *file;

    if (path == NULL || path[0] == '\0') {
        return NULL;
    }
    file = fopen(path, "rb");
    if (file == NULL) {
        perror("host board: opening the file of SKA_SENSOR");
        exit(EXIT_FAILURE);
    }
    return file;
}

/* Reads the next record; returns false at the end of the file. */
static bool record_read(int16_t sample[SKA_SENSOR_AXES]) {
    static FILE *file = NULL;
    uint8_t record[2 * (SKA_SENSOR_AXES + 1)];
    size_t axis;

    if (file == NULL) {
        file = file_open();
    }
    if (file == NULL || fread(record, sizeof record, 1, file) != 1) {
        label = SKA_SENSOR_NO_LABEL;
        return false;
    }
    label = (int16_t)(uint16_t)(record[0] + 256u * record[1]);
    for (axis = 0; axis < SKA_SENSOR_AXES; axis++) {
        const uint8_t *bytes = &record[2 * (axis + 1)];

        sample[axis] = (int16_t)(uint16_t)(bytes[0] + 256u * bytes[1]);
    }
    return true;
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
