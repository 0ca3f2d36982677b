/* A firmware of your own that learns from its sensor and answers the requests of ska-edge.
 *
 * `ska-edge build PROJECT --main serve.c` compiles it in place of the project's main program. The
 * functions ska_board_* are the board's; in a firmware without the board's files, the bytes may
 * come from any UART, USB or BLE driver.
 */
#include "ska_board.h"
#include "ska_device.h"

static ska_device_t device; /* the network, and the session with a host */

/* The sensor of the board virtual-m4: each read gives the next byte of a file. After the last byte,
 * it gives a number above 255. */
#define SENSOR (*(const volatile uint32_t *)0x40005000u)

/* Reads a sample: its class and its inputs, one byte each. Returns false after the last sample. */
static bool sensor_read(ska_signal_t x[SKA_INPUTS], uint16_t *label) {
    const uint32_t first = SENSOR;
    if (first > 255u) {
        return false;
    }
    *label = (uint16_t)first;
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = (ska_signal_t)SENSOR;
    }
    return true;
}

int main(void) {
    bool more = true; /* whether the sensor has more samples */
    ska_board_init();
    ska_device_init(&device); /* also loads the last save */
    for (;;) {
        static ska_signal_t x[SKA_INPUTS];
        uint16_t label;
        /* The device learns only while a host follows, so that the host's log has every sample. */
        const bool learns = more && ska_device_followed(&device) && !ska_device_busy(&device);
        if (!learns || ska_board_has_byte()) { /* ska_board_read sleeps until a byte arrives */
            if (ska_device_feed(&device, (uint8_t)ska_board_read())) {
                ska_device_poll(&device); /* executes a request and answers it */
            }
        } else {
            more = sensor_read(x, &label);
            if (more) {
                (void)ska_device_learn(&device, x, label); /* learns, and tells the host */
            }
        }
    }
}
