/*
 * ska_window_request.h: the requests of a device with a sensor of its own; ska_request.h has the
 * others.
 */
#ifndef SKA_WINDOW_REQUEST_H
#define SKA_WINDOW_REQUEST_H

#include "ska_device.h"

/* Begins a session: if a host has pushed samples, they are forgotten, and the sensor gives samples
 * again. */
void ska_window_hello(ska_device_t *device);

/* Notes that a host pushes samples if its RAW, with this outcome, was executed; returns the
 * outcome. The sensor gives no samples from then on, until the next HELLO. */
ska_outcome_t ska_window_raw(ska_device_t *device, ska_outcome_t went);

/* Executes WINDOW. If the outcome is OK, its detail is SKA_WINDOW_NEWER if the host does not have
 * the newest window, SKA_WINDOW_ENDED if the source has no more samples, and otherwise 0. */
ska_outcome_t ska_window_execute(ska_device_t *device, const ska_frame_t *frame);

#if SKA_SENSOR_KEEPS
/* Executes READ_RAW, which changes nothing. */
ska_outcome_t ska_window_read(const ska_frame_t *frame);
#endif

/* Executes LABEL, on a device that learns. */
ska_outcome_t ska_window_learn(ska_device_t *device, const ska_frame_t *frame);

#endif
