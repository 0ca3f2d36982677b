/*
 * ska_reply.h: the answers of a device.
 */
#ifndef SKA_REPLY_H
#define SKA_REPLY_H

#include "ska_device.h"

/* Returns the CRC-32 of the network's state. */
uint32_t ska_state_crc(const ska_t *network);

/* The functions below send replies with the sequence number `seq`. */

/* Sends WELCOME: the device, its plan and its progress. */
void ska_reply_welcome(uint8_t seq, const ska_device_t *device);

void ska_reply_status(uint8_t seq, ska_outcome_t went);

/* Sends METRICS: the sums of the last update for one layer. */
void ska_reply_metrics(uint8_t seq, const ska_t *network, uint8_t layer);

/* Sends RESULT: the decisions of the last forward pass. */
void ska_reply_result(uint8_t seq, const ska_t *network, bool with_crc);

/* Sends METRICS, if wanted, and the RESULT of the last learning step; `want` has SKA_WANT_* bits.
 */
void ska_reply_step(uint8_t seq, const ska_t *network, uint8_t want);

/* Sends LEARNED: the sample that the network has learned last. */
#if SKA_REGRESSION
void ska_reply_learned(uint8_t seq, const ska_t *network, const ska_signal_t x[SKA_INPUTS],
                       const int16_t targets[SKA_TARGETS]);
#else
void ska_reply_learned(uint8_t seq, const ska_t *network, const ska_signal_t x[SKA_INPUTS],
                       uint16_t label);
#endif

#if SKA_FRONT_AXES > 0
/* Bytes of a window on the line: its features, and the input made of them. */
#define SKA_FRONT_BYTES (4u * SKA_INPUTS + SKA_INPUT_BYTES)

/* Sends the bytes of the complete window from an offset on, as many as fit into a CHUNK. */
void ska_reply_features(uint8_t seq, const ska_front_t *front, uint32_t offset);
#endif

#if SKA_SENSOR
/* Sends METRICS, if wanted, and CLASSIFIED: the newest window of the sensor. */
void ska_reply_window(uint8_t seq, const ska_device_t *device, uint8_t want);

#if SKA_SENSOR_KEEPS
/* Sends SENSED: samples of the sensor from number `first` on, or from the oldest one that is kept,
 * as many as fit. */
void ska_reply_sensed(uint8_t seq, const ska_device_t *device, uint32_t first);
#endif
#endif

/* Sends the bytes of the state from an offset on, as many as fit into a CHUNK. */
void ska_reply_chunk(uint8_t seq, const ska_t *network, uint32_t offset);

#endif
