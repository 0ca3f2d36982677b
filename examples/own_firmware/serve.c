/* A firmware of one's own that learns from its own sensor and serves ska-edge.
 *
 * Everything that ska-edge needs is in the marked lines; the rest is the sensor and the line. Here,
 * the sensor is a file, and the line is a pseudo terminal, whose path is printed. On a board, the
 * line is a UART, USB or BLE, and the loop is the same.
 */
#define _XOPEN_SOURCE 600

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "ska_board.h"  /* ska-edge */
#include "ska_device.h" /* ska-edge */

static ska_device_t device; /* ska-edge: the network and the session with a host */

const char ska_board_name[16] = "my board"; /* ska-edge */

/* --- the line --------------------------------------------------------------------------------- */

static int line = -1;

/* Opens a pseudo terminal without echo. This end also holds the other one open, so that programs
 * can come and go. */
static int line_open(void) {
    struct termios settings;
    const char *path;
    int other;
    line = posix_openpt(O_RDWR | O_NOCTTY);
    if (line < 0 || grantpt(line) != 0 || unlockpt(line) != 0 || (path = ptsname(line)) == NULL) {
        return 0;
    }
    other = open(path, O_RDWR | O_NOCTTY);
    if (other < 0 || tcgetattr(other, &settings) != 0) {
        return 0;
    }
    settings.c_iflag = settings.c_oflag = settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL;
    if (tcsetattr(other, TCSANOW, &settings) != 0) {
        return 0;
    }
    printf("%s\n", path);
    return fflush(stdout) == 0;
}

/* Tells whether a byte has arrived; waits for it if there is nothing else to do. */
static int line_has_byte(int idle) {
    struct pollfd port = {line, POLLIN, 0};
    return poll(&port, 1, idle ? -1 : 0) > 0;
}

static uint8_t line_read(void) {
    uint8_t byte = 0;
    if (read(line, &byte, 1) != 1) {
        exit(EXIT_FAILURE);
    }
    return byte;
}

void ska_board_write(uint8_t byte) { /* ska-edge: where answers go */
    if (write(line, &byte, 1) != 1) {
        exit(EXIT_FAILURE);
    }
}

/* --- the sensor ------------------------------------------------------------------------------- */

static FILE *sensor;

/* Reads a sample: its class and its inputs, one byte each. Returns 0 after the last sample. */
static int sensor_read(ska_signal_t x[SKA_INPUTS], uint16_t *label) {
    uint8_t record[1 + SKA_INPUTS];
    if (fread(record, sizeof record, 1, sensor) != 1) {
        return 0;
    }
    *label = record[0];
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = (ska_signal_t)record[1 + i];
    }
    return 1;
}

/* --- the firmware ----------------------------------------------------------------------------- */

int main(int count, char **arguments) {
    sensor = count == 2 ? fopen(arguments[1], "rb") : NULL;
    if (sensor == NULL || !line_open()) {
        perror("serve");
        return EXIT_FAILURE;
    }
    ska_device_init(&device); /* ska-edge */
    for (int more = 1;;) {
        while (line_has_byte(!more || !ska_device_followed(&device)) &&
               !ska_device_feed(&device, line_read())) { /* ska-edge: each byte that arrived */
        }
        ska_device_poll(&device); /* ska-edge: executes a request and answers it */
        /* This firmware learns only while a host follows, so that the host's log is complete. */
        if (more && ska_device_followed(&device)) {
            ska_signal_t x[SKA_INPUTS];
            uint16_t label;
            more = sensor_read(x, &label);
            if (more && ska_device_learn(&device, x, label) != SKA_OK) { /* ska-edge */
                return EXIT_FAILURE;
            }
        }
    }
}
