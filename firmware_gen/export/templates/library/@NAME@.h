/* @NAME@.h - a neural network that keeps learning on the device.
 *
 * ska.h describes the functions of the network, ska_journal.h the functions that save it, and
 * ska_device.h the functions that let ska-edge reach it. Each of these headers has an include
 * guard.
 */
#include "ska.h"
#include "ska_board.h"
#include "ska_crc.h"
#include "ska_device.h"
#include "ska_journal.h"
