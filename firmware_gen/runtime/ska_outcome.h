/*
 * ska_outcome.h: the outcome of a request, which a STATUS reports.
 */
#ifndef SKA_OUTCOME_H
#define SKA_OUTCOME_H

#include "ska_frame.h"
#include "ska_messages.h"

/* A code of STATUS and its detail. */
typedef struct {
    uint8_t code;
    uint32_t detail;
} ska_outcome_t;

static inline ska_outcome_t ska_outcome(uint8_t code, uint32_t detail) {
    const ska_outcome_t made = {code, detail};
    return made;
}

/* The outcome of a request that succeeded. */
static inline ska_outcome_t ska_outcome_done(void) { return ska_outcome(SKA_STATUS_OK, 0); }

/* The outcome of a request whose payload has a wrong length. */
static inline ska_outcome_t ska_outcome_length(const ska_frame_t *frame) {
    return ska_outcome(SKA_STATUS_LENGTH, frame->length);
}

#endif
