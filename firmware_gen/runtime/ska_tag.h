/*
 * ska_tag.h: the tags of requests. If the firmware has a key (SKA_KEYED in ska_key.h), each request
 * that changes the device ends in a tag.
 *
 * ska_edge/wire/tag.py makes the same tags on the host. docs/SECURITY.md says what they protect.
 */
#ifndef SKA_TAG_H
#define SKA_TAG_H

#include "ska.h"
#include "ska_key.h"
#include "ska_outcome.h"

#ifdef __cplusplus
extern "C" {
#endif

#if SKA_KEYED

#define SKA_TAG_CAPABILITY SKA_CAPABILITY_KEY

/* The values from which tags are made; CHALLENGE renews them. If all members are 0, no CHALLENGE
 * has come yet. */
typedef struct {
    bool open;
    uint8_t nonce[SKA_TAG_BYTES];
    uint32_t number;     /* requests executed since the nonce was made */
    uint32_t challenges; /* CHALLENGEs executed since the start */
} ska_tag_t;

/* Executes CHALLENGE: makes a new nonce, which goes into all tags until the next CHALLENGE. */
ska_outcome_t ska_tag_challenge(ska_tag_t *tag, const ska_frame_t *frame, const ska_t *network);

/* Sends the nonce. */
void ska_tag_nonce(const ska_tag_t *tag, uint8_t seq);

/* Tells whether a new request may be executed: it changes nothing, or it ends in the right tag. */
bool ska_tag_right(const ska_tag_t *tag, const ska_frame_t *frame);

/* Counts a request as executed, so that the next request has another tag. */
void ska_tag_count(ska_tag_t *tag);

/* Removes the tag from a request, because its handler expects only the payload. */
void ska_tag_remove(ska_frame_t *frame);

#else /* without a key, every request has the right tag, and CHALLENGE is refused */

#define SKA_TAG_CAPABILITY 0u

typedef struct {
    bool none; /* C has no empty struct */
} ska_tag_t;

static inline ska_outcome_t ska_tag_challenge(const ska_tag_t *tag, const ska_frame_t *frame,
                                              const ska_t *network) {
    (void)tag;
    (void)network;
    return ska_outcome(SKA_STATUS_TYPE, frame->type);
}

static inline void ska_tag_nonce(const ska_tag_t *tag, uint8_t seq) {
    (void)tag;
    (void)seq;
}

static inline bool ska_tag_right(const ska_tag_t *tag, const ska_frame_t *frame) {
    (void)tag;
    (void)frame;
    return true;
}

static inline void ska_tag_count(const ska_tag_t *tag) { (void)tag; }

static inline void ska_tag_remove(const ska_frame_t *frame) { (void)frame; }

#endif

#ifdef __cplusplus
}
#endif

#endif
