/*
 * ska_push.h: the requests that write the memory for saves: OFFER, PUSH and SAVE.
 *
 * A pushed state goes to that memory piece by piece, so the state in use stays intact until the
 * last byte has arrived.
 */
#ifndef SKA_PUSH_H
#define SKA_PUSH_H

#include "ska_journal.h"
#include "ska_outcome.h"

#ifdef __cplusplus
extern "C" {
#endif

#if SKA_PERSISTENT

/* A state that is arriving, and the clock of the limit on saves. If all members are 0, no state
 * is arriving. */
typedef struct {
    bool open;
    uint32_t offered; /* CRC-32 of the whole state */
    uint32_t crc;     /* CRC-32 of the bytes received so far */
    uint32_t offset;  /* number of received bytes */
#if SKA_SAVE_BUDGET > 0
    uint32_t paid; /* bytes received since the budget last grew by one save */
#endif
} ska_push_t;

#if SKA_SAVE_BUDGET > 0

/* Reads how much of the budget is spent; called once, at the start. */
static inline void ska_push_start(void) { ska_journal_start(); }

/* Counts a received byte. Bytes cannot arrive faster than the line's speed, so they serve as a
 * clock that never runs fast: the bytes of SKA_SAVE_INTERVAL seconds of a busy line give one save
 * back. */
void ska_push_received(ska_push_t *push);

#else

static inline void ska_push_start(void) {}
static inline void ska_push_received(ska_push_t *push) { (void)push; }

#endif

/* Begins the transfer of a state, or resumes it. If the outcome is OK, its detail is the offset to
 * continue from. */
ska_outcome_t ska_push_offer(ska_push_t *push, const ska_frame_t *frame);

/* Takes a piece; the last piece stores the state and loads it into the network. */
ska_outcome_t ska_push_piece(ska_push_t *push, const ska_frame_t *frame, ska_t *network);

/* Tells whether `went`, the outcome of a piece, means that the network has another state now. */
static inline bool ska_push_ended(ska_outcome_t went) {
    return went.code == SKA_STATUS_OK && went.detail == SKA_STATE_BYTES;
}

/* Saves the network's state; ends a transfer, because the journal writes one save at a time. */
ska_outcome_t ska_push_save(ska_push_t *push, const ska_t *network);

#endif

#ifdef __cplusplus
}
#endif

#endif
