/*
 * ska_request.h: executes requests and answers them.
 */
#ifndef SKA_REQUEST_H
#define SKA_REQUEST_H

#include "ska_device.h"

/* Executes a request, without its tag, and returns its outcome. */
ska_outcome_t ska_request_execute(ska_device_t *device, const ska_frame_t *frame);

/* Answers the last request, which was executed now or before; the state has not changed since. */
void ska_request_answer(const ska_device_t *device, const ska_frame_t *frame);

#endif
