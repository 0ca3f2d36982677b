/*
 * ska_push.h: the requests that write the memory for saves: OFFER, PUSH and SAVE.
 *
 * A pushed state goes to that memory piece by piece, so the state in use stays intact until the
 * last byte has arrived.
 */
#ifndef SKA_PUSH_H
#define SKA_PUSH_H

#include "ska_journal.h"
#include "ska_reply.h"

#if SKA_PERSISTENT && SKA_SAVE_BUDGET > 0

/* Reads how much of the budget is spent; called once, at the start. */
static inline void ska_push_start(void) { ska_journal_start(); }

/* Counts a received byte. Bytes cannot arrive faster than the line's speed, so they serve as a
 * clock that never runs fast: the bytes of SKA_SAVE_INTERVAL seconds of a busy line give one save
 * back. */
void ska_push_received(void);

#else

static inline void ska_push_start(void) {}
static inline void ska_push_received(void) {}

#endif

#if SKA_PERSISTENT

/* Begins the transfer of a state, or resumes it; the detail is the offset to continue from. */
ska_outcome_t ska_push_offer(const ska_frame_t *frame);

/* Takes a piece; the last piece stores the state and loads it into the network. */
ska_outcome_t ska_push_piece(const ska_frame_t *frame, ska_t *network);

/* Tells whether `went`, the outcome of a piece, means that the network has another state now. */
static inline bool ska_push_ended(ska_outcome_t went) {
    return went.code == SKA_STATUS_OK && went.detail == SKA_STATE_BYTES;
}

/* Saves the network's state; it ends a transfer, because the save uses the same slot. */
ska_outcome_t ska_push_save(const ska_t *network);

#endif

#endif
