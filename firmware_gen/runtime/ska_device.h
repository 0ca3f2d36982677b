/*
 * ska_device.h: the protocol as a library, for a network that a host can reach.
 *
 * Usage: one `ska_device_t`, owned by the caller (make it static: it holds the network).
 *
 *     static ska_device_t device;
 *     ska_device_init(&device);
 *     while a byte has arrived:
 *         if (ska_device_feed(&device, byte)) {
 *             ska_device_poll(&device);
 *         }
 *
 * The bytes may come from any channel that keeps their order: a UART, USB, BLE, a socket, a
 * file. Answers go to ska_board_write (ska_board.h), byte by byte. No function allocates or
 * waits for input. Do not call these functions from an interrupt; let the interrupt put the
 * bytes into a buffer. */
#ifndef SKA_DEVICE_H
#define SKA_DEVICE_H

#include "ska.h"
#include "ska_frame.h"
#include "ska_push.h"
#include "ska_session.h"
#include "ska_tag.h"
#if SKA_FRONT_AXES > 0
#include "ska_front.h"
#endif
#if SKA_SENSOR
#include "ska_window.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define SKA_DEVICE_FOLLOWED 0x80u

/* The whole state of a device. Its owner may use `network` with all functions of ska.h, and `front`
 * with all functions of ska_front.h, between two calls of the functions below; the other members
 * are private. */
typedef struct {
    ska_session_t session;
    /* The token identifies the history of the state. SET_TOKEN sets it, and it becomes 0 when
     * another state replaces this one. SET_RATE, SAVE, ADD_CLASS and FORGET_CLASS carry the token
     * of the state for which they are meant, and the number of a SAMPLE is computed from the token.
     * So these requests have no effect on a device that has restarted unnoticed by the host. */
    uint32_t token;
#if SKA_PERSISTENT
    ska_push_t push;
#endif
    ska_decoder_t decoder;
    ska_tag_t tag;
    uint8_t follow; /* `want` of FOLLOW, plus SKA_DEVICE_FOLLOWED; 0 if no host follows */
#if SKA_SIGNAL_BYTES > 1
    ska_signal_t x[SKA_INPUTS]; /* the input of the request in progress */
#endif
#if SKA_FRONT_AXES > 0
    ska_front_t front;
#endif
#if SKA_SENSOR
    ska_window_t window; /* the newest window of the sensor */
#endif
    ska_t network; /* the last member, so that the offsets of the others are small */
} ska_device_t;

/* Initializes the network, and loads its last save if the board keeps saves. The device then
 * expects a HELLO. */
void ska_device_init(ska_device_t *device);

/* Takes one received byte; this call is short. Returns true if a request is complete: then call
 * ska_device_poll before the next byte. Until then, further bytes are dropped as if the line had
 * lost them. */
bool ska_device_feed(ska_device_t *device, uint8_t byte);

/* Executes a complete request and sends its answer; does nothing if there is none. */
void ska_device_poll(ska_device_t *device);

#if !SKA_INFERENCE_ONLY
#if SKA_REGRESSION
/* Learns a sample that the firmware took by itself, and announces it to a host that follows. Call
 * it in place of ska_learn_values: a sample that is not announced is missing in the host's log. */
void ska_device_learn_values(ska_device_t *device, const ska_signal_t x[SKA_INPUTS],
                             const int16_t targets[SKA_TARGETS]);
#else
/* Learns a sample that the firmware took by itself, and announces it to a host that follows. Call
 * it in place of ska_learn: a sample that is not announced is missing in the host's log. Returns
 * the status of ska_learn. */
ska_status_t ska_device_learn(ska_device_t *device, const ska_signal_t x[SKA_INPUTS],
                              uint16_t label);
#endif
#endif

#if SKA_SENSOR
/* Pushes a sample of the device's own sensor into the front end. If it completes a window, the
 * network classifies the window (see ska_window.h), and the function returns true. */
bool ska_device_take(ska_device_t *device, const int16_t sample[SKA_FRONT_AXES]);

/* Forgets the samples so far, because samples are missing before the next one: the next window
 * begins with the next sample. */
void ska_device_gap(ska_device_t *device);

#if !SKA_INFERENCE_ONLY
#if SKA_REGRESSION
/* Learns the newest window with these targets, as ska_device_learn_values does. Returns false, and
 * learns nothing, if there is no window, or if the newest window was learned before. */
bool ska_device_label_values(ska_device_t *device, const int16_t targets[SKA_TARGETS]);
#else
/* Learns the newest window as a sample of this class, as ska_device_learn does. Returns false, and
 * learns nothing, if no class has this label, if there is no window, or if the newest window was
 * learned before. */
bool ska_device_label(ska_device_t *device, uint16_t label);
#endif
#endif

/* Takes the samples that ska_sensor_read has, up to the end of a window. Returns true if a window
 * is complete. Learns the newest window if ska_sensor_label has a class, but not while
 * ska_device_busy. A source that does not run is asked for a class only at the end of a window; a
 * device that only classifies, or runs a regression, asks for none. */
bool ska_device_sense(ska_device_t *device);
#endif

/* Tells whether a host follows. If so, the host gets each sample that the firmware learns. */
bool ska_device_followed(const ska_device_t *device);

/* Tells whether a host is reading the state piece by piece. If the state changes before the
 * last piece, the host has to begin again. So do not learn then, but wait no longer than a few
 * seconds, because the host may be gone. */
bool ska_device_busy(const ska_device_t *device);

#ifdef __cplusplus
}
#endif

#endif
