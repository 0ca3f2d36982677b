// Learn: the network learns from a sensor. Replace sensor_read in sensor.h by a function that reads
// your sensor.
//
// Every 100 samples, the sketch prints how many of these the network classified correctly before
// it learned them, and the CRC-32 of all that it has learned. Every board prints the same numbers for
// the same samples.

#include <@NAME@.h>
#include <Arduino.h>

#include "sensor.h"

static ska_t network;  // all state; static, not on the stack
static uint16_t right = 0;

static uint32_t stateCrc() {
  uint32_t crc = 0;
  for (uint32_t at = 0; at < SKA_STATE_BYTES; at += SKA_STATE_RUN) {
    crc = ska_crc32_update(crc, ska_state(&network, at), SKA_STATE_RUN);
  }
  return crc;
}

void setup() {
  Serial.begin(SKA_UART_BAUD);
  ska_init(&network);
}

void loop() {
  static ska_signal_t x[SKA_INPUTS];
  const uint16_t label = sensor_read(x);
  if (ska_learn(&network, x, label) != SKA_OK) {
    Serial.println("the class is too large");
  }
  if (ska_predicted(&network) == label) {  // from before the update
    right++;
  }
  if (ska_samples(&network) % 100 == 0) {
    Serial.print(ska_samples(&network));
    Serial.print(" samples, right before learning: ");
    Serial.print(right);
    Serial.print(" of the last 100, state ");
    Serial.println(stateCrc(), HEX);
    right = 0;
  }
}
