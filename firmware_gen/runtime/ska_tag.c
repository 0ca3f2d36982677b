/* ska_tag.c: makes nonces, and checks the tags of requests; see ska_tag.h. */
#include "ska_tag.h"

#if SKA_KEYED

#include "ska_journal.h"
#include "ska_mac.h"
#include "ska_reply.h"

static const uint8_t key[SKA_KEY_BYTES] = SKA_KEY;

/* The first hashed byte distinguishes a nonce from the tag of a request. */
#define MAC_OF_NONCE 0u
#define MAC_OF_REQUEST 1u

static void mac_byte(ska_mac_t *mac, uint8_t byte) { ska_mac_update(mac, &byte, 1); }

static void mac_number(ska_mac_t *mac, uint32_t number) {
    uint8_t bytes[4];
    ska_bytes_put_u32(bytes, number);
    ska_mac_update(mac, bytes, (uint16_t)sizeof bytes);
}

/* A nonce is computed from the state, the number of saves, and the challenges since the start. So
 * it can repeat only after a restart, and only with the same state and the same number of saves. */
ska_outcome_t ska_tag_challenge(ska_tag_t *tag, const ska_frame_t *frame, const ska_t *network) {
    ska_mac_t mac;
    if (frame->length != SKA_MESSAGE_CHALLENGE_SIZE) {
        return ska_outcome_length(frame);
    }
    tag->challenges++;
    ska_mac_init(&mac, key);
    mac_byte(&mac, MAC_OF_NONCE);
    mac_number(&mac, tag->challenges);
    mac_number(&mac, ska_state_crc(network));
    mac_number(&mac, SKA_PERSISTENT ? ska_journal_saves() : 0u);
    ska_mac_tag(&mac, tag->nonce);
    tag->number = 0;
    tag->open = true;
    return ska_outcome_done();
}

void ska_tag_nonce(const ska_tag_t *tag, uint8_t seq) {
    const ska_message_nonce_t nonce = {tag->nonce};
    uint8_t payload[SKA_MESSAGE_NONCE_SIZE];
    const uint16_t length = ska_message_nonce_pack(&nonce, payload);
    ska_frame_write(SKA_MESSAGE_NONCE, seq, payload, length);
}

bool ska_tag_right(const ska_tag_t *tag, const ska_frame_t *frame) {
    ska_mac_t mac;
    if (!SKA_REQUEST_CHANGES(frame->type)) {
        return true;
    }
    if (!tag->open || frame->length < SKA_TAG_BYTES) {
        return false;
    }
    const uint16_t length = (uint16_t)(frame->length - SKA_TAG_BYTES);
    ska_mac_init(&mac, key);
    mac_byte(&mac, MAC_OF_REQUEST);
    ska_mac_update(&mac, tag->nonce, (uint16_t)sizeof tag->nonce);
    mac_number(&mac, tag->number + 1u);
    mac_byte(&mac, frame->type);
    ska_mac_update(&mac, frame->payload, length);
    return ska_mac_equal(&mac, &frame->payload[length]);
}

void ska_tag_count(ska_tag_t *tag) { tag->number++; }

void ska_tag_remove(ska_frame_t *frame) {
    if (SKA_REQUEST_CHANGES(frame->type) && frame->length >= SKA_TAG_BYTES) {
        frame->length = (uint16_t)(frame->length - SKA_TAG_BYTES);
    }
}

#endif
