/* The programs of ska-edge reach the network over a serial line. They teach it, read and write what
 * it has learned, save it, and verify that it learns exactly what a computer learns.
 *
 * While `ska-edge monitor MODEL` follows, the network also learns from the sensor, and the log of
 * `monitor` gets every sample. Replace sensor_read in sensor.h by a function that reads your
 * sensor, and line.c by the driver of your line.
 */
#include <@NAME@.h>

#include "line.h"
#include "sensor.h"

const char ska_board_name[16] = "my board"; /* what ska-edge shows as the board */

static ska_device_t device; /* has the network, device.network; not on the stack */

void example_serve(void);

void ska_board_write(uint8_t byte) { line_write(byte); }

/* Tells whether a host follows, and is not reading the state at the moment. */
static bool learns(void) { return ska_device_followed(&device) && !ska_device_busy(&device); }

void example_serve(void) {
    static ska_signal_t x[SKA_INPUTS];
    int16_t byte;
    line_open();
    ska_device_init(&device); /* loads the last save, if there is one */
    for (;;) {
        while ((byte = line_read(!learns())) >= 0) {
            if (ska_device_feed(&device, (uint8_t)byte)) {
                ska_device_poll(&device);
            }
        }
        if (learns()) {
            const uint16_t label = sensor_read(x);
            (void)ska_device_learn(&device, x, label); /* learns, and tells the host */
        }
    }
}
