/* The sensor of the board host: the file that the environment variable SKA_SENSOR names; without
 * it, there are no samples. sensor_file.h says what the file has. */
#include "sensor_file.h"

#include <stdio.h>
#include <stdlib.h>

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

static bool sensor_file_number(int16_t *number) {
    static FILE *file = NULL;
    uint8_t bytes[2];

    if (file == NULL) {
        file = file_open();
    }
    if (file == NULL || fread(bytes, sizeof bytes, 1, file) != 1) {
        return false;
    }
    *number = (int16_t)(uint16_t)(bytes[0] + 256u * bytes[1]);
    return true;
}
