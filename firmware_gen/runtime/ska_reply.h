/*
 * ska_reply.h: the answers of the firmware, and the outcome of a request, which a STATUS reports.
 */
#ifndef SKA_REPLY_H
#define SKA_REPLY_H

#include "ska.h"
#include "ska_frame.h"
#include "ska_messages.h"

/* The first bytes of the plan's digest, as in WELCOME and OFFER. */
extern const uint8_t ska_plan_digest[8];

/* The outcome of a request: a code of STATUS and its detail. */
typedef struct {
    uint8_t code;
    uint32_t detail;
} ska_outcome_t;

static inline ska_outcome_t ska_outcome(uint8_t code, uint32_t detail) {
    const ska_outcome_t made = {code, detail};
    return made;
}

/* The outcome of a request that was executed. */
static inline ska_outcome_t ska_outcome_done(void) { return ska_outcome(SKA_STATUS_OK, 0); }

/* The outcome of a request whose payload has a wrong length. */
static inline ska_outcome_t ska_outcome_length(const ska_frame_t *frame) {
    return ska_outcome(SKA_STATUS_LENGTH, frame->length);
}

/* Returns the CRC-32 of the network's state. */
uint32_t ska_state_crc(const ska_t *network);

/* Each of these functions sends one reply with a sequence number. */

void ska_reply_status(uint8_t seq, ska_outcome_t went);

/* Sends the sums of a layer after the last step. */
void ska_reply_metrics(uint8_t seq, const ska_t *network, uint8_t layer);

/* Sends the decisions of the last forward pass. */
void ska_reply_result(uint8_t seq, const ska_t *network, bool with_crc);

/* Sends the bytes of the state from an offset on, as many as fit into a CHUNK. */
void ska_reply_chunk(uint8_t seq, const ska_t *network, uint32_t offset);

#endif
