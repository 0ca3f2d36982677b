/*
 * ska_tag.h: with a key (SKA_KEYED in ska_key.h), a request that changes the device ends in a tag.
 *
 * ska_edge/wire/tag.py makes the same tags on the host. docs/SECURITY.md says what they protect.
 */
#ifndef SKA_TAG_H
#define SKA_TAG_H

#include "ska_key.h"
#include "ska_reply.h"

#if SKA_KEYED

/* Executes CHALLENGE: makes a new nonce; all later tags are made from it. */
ska_outcome_t ska_tag_challenge(const ska_frame_t *frame, const ska_t *network);

/* Sends the nonce. */
void ska_tag_nonce(uint8_t seq);

/* Tells whether the next request changes nothing, or ends in the right tag. */
bool ska_tag_right(const ska_frame_t *frame);

/* Counts a request as executed, so that the next one has another tag. */
void ska_tag_count(void);

/* Returns the request without its tag, for its handler. */
ska_frame_t ska_tag_removed(const ska_frame_t *frame);

#else

static inline bool ska_tag_right(const ska_frame_t *frame) {
    (void)frame;
    return true;
}

static inline void ska_tag_count(void) {}

static inline ska_frame_t ska_tag_removed(const ska_frame_t *frame) { return *frame; }

#endif

#endif
