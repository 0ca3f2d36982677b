/* @NAME@.h - a neural network that keeps learning on the device.
 *
 * ska.h describes the functions of the network, ska_journal.h the functions that save it, and
 * ska_device.h the functions that let ska-edge reach it. ska_labels.h has the names of the classes.
 */
#ifndef SKA_LIBRARY_H
#define SKA_LIBRARY_H

#include "ska.h"
#include "ska_board.h"
#include "ska_crc.h"
#include "ska_device.h"
#include "ska_journal.h"
#include "ska_labels.h"

#endif

/* This second inclusion stops the compiler if the header of another model with the same prefix
 * was included before. */
#include "ska_plan.h"
