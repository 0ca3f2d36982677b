/* @NAME@.h - a neural network that keeps learning on the device; ska.h describes its functions. */
#ifndef SKA_LIBRARY_H
#define SKA_LIBRARY_H

#include "ska.h"
#include "ska_crc.h"
#include "ska_journal.h"

#endif
