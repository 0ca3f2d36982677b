/*
 * ska_main.c: the firmware around ska_device.h. It waits for each byte of the serial line.
 */
#include "ska_board.h"
#include "ska_device.h"
#if SKA_SENSOR
#include "ska_sensor.h"
#endif

static ska_device_t device;

int main(void) {
    ska_board_init();
    ska_device_init(&device);
    for (;;) {
#if SKA_SENSOR
        while (ska_sensor_runs && !ska_board_has_byte()) {
            (void)ska_device_sense(&device);
        }
#endif
        const int16_t byte = ska_board_read();
        if (byte < 0) {
            return 0;
        }
        if (ska_device_feed(&device, (uint8_t)byte)) {
            ska_device_poll(&device);
        }
    }
}
