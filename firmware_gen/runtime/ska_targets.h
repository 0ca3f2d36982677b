/* ska_targets.h: reads the targets of a regression's sample from the line. */
#ifndef SKA_TARGETS_H
#define SKA_TARGETS_H

#include "ska_messages.h"
#include "ska_plan.h"

#if SKA_REGRESSION && !SKA_INFERENCE_ONLY

/* Reads targets, which are little-endian. */
static inline void ska_targets_read(const uint8_t *bytes, int16_t targets[SKA_TARGETS]) {
    for (uint16_t i = 0; i < SKA_TARGETS; i++) {
        targets[i] = (int16_t)ska_bytes_get_u16(bytes + 2u * i);
    }
}

#endif

#endif
