/*
 * ska_window.h: the newest window of the device's own sensor. ska_device.h has the functions, and
 * ska_window_request.h those for requests.
 */
#ifndef SKA_WINDOW_H
#define SKA_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#if SKA_FRONT_AXES == 0
#error "a sensor needs a front end"
#endif

#define SKA_WITH_TARGETS 0u /* in place of a class, if a regression has learned the window */

/* If all members are 0, there was no window yet. A window is learned at most once, because its
 * label stays until the next window is complete. */
typedef struct {
    uint32_t number; /* windows since the start; 0 if there is none */
#if SKA_SENSOR_KEEPS
    uint32_t taken; /* samples of the sensor since the start */
    uint32_t end;   /* those of them up to the end of the newest window */
    uint16_t kept;  /* how many of the newest samples the front end has */
#endif
    uint16_t label;                 /* the class with which it was learned, or SKA_UNLABELED */
    uint16_t predicted;             /* its class, as ska_classify returns it; 0 in a regression */
    int16_t decisions[SKA_CLASSES]; /* or values, before it was learned */
#if SKA_REGRESSION && !SKA_INFERENCE_ONLY
    int16_t targets[SKA_TARGETS]; /* with which it was learned, if it was */
#endif
    bool pushed;                /* whether a host pushes samples in place of the sensor */
    ska_signal_t x[SKA_INPUTS]; /* its input */
} ska_window_t;

#ifdef __cplusplus
}
#endif

#endif
