/*
 * ska_sensor.h: the interface between the driver of a sensor and the firmware. The board's file
 * sensor.c defines these names; ska_main.c and the request WINDOW use them.
 */
#ifndef SKA_SENSOR_H
#define SKA_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SKA_SENSOR_AXES SKA_FRONT_AXES
#define SKA_SENSOR_NO_LABEL (-1)

/* True for a sensor that measures all the time: the firmware takes its samples whenever no byte
 * waits, and never sleeps. False for a source that gives samples when it is asked, such as a file:
 * the firmware takes samples only while it executes a WINDOW, so the host sets the pace. If such a
 * source has no sample, it has ended. */
extern const bool ska_sensor_runs;

/* Takes the next sample, one integer per axis, as in the recordings that the model has learned; if
 * they were read with --lsb, in steps of this value. Returns false if there is none; it must not
 * wait. If samples arrive in an interrupt, let the
 * interrupt put them into a ring, because a learning step may take longer than a sample. */
bool ska_sensor_read(int16_t sample[SKA_SENSOR_AXES]);

/* Tells whether samples are missing before the one that ska_sensor_read gave last, such as after an
 * overflow of the ring, or at the border of two recordings. It is asked after each sample. The next
 * window then begins with this sample, because a window must not contain a gap. */
bool ska_sensor_gap(void);

/* Returns the class that somebody gives to the newest window, such as by a button, once;
 * SKA_SENSOR_NO_LABEL if nobody does. A regression has no classes, so it does not call this. */
int16_t ska_sensor_label(void);

#ifdef __cplusplus
}
#endif

#endif
