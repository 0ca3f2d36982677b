// Serve: the programs of ska-edge reach the network over Serial. They teach it, read and write what
// it has learned, save it, and verify that it learns exactly what a computer learns.
//
// While `ska-edge monitor MODEL` follows, the network also learns from the sensor, and the log of
// `monitor` gets every sample. Replace sensor_read in sensor.h by a function that reads your
// sensor.

#include <@NAME@.h>
#include <Arduino.h>

#include "sensor.h"

extern "C" const char ska_board_name[16] = "arduino";  // what ska-edge shows as the board

static ska_device_t device;  // the protocol and the network, device.network; not on the stack

void ska_board_write(uint8_t byte) {
  Serial.write(byte);
}

void setup() {
  Serial.begin(SKA_UART_BAUD);
  ska_device_init(&device);  // loads the last save, if there is one
}

void loop() {
  while (Serial.available() > 0) {
    if (ska_device_feed(&device, (uint8_t)Serial.read())) {
      ska_device_poll(&device);
    }
  }
  if (ska_device_followed(&device) && !ska_device_busy(&device)) {
    static ska_signal_t x[SKA_INPUTS];
    const uint16_t label = sensor_read(x);
    (void)ska_device_learn(&device, x, label);  // learns, and tells the host
  }
}
