/*
 * ska_mac.h: a message authentication code, BLAKE2s with a key (RFC 7693).
 *
 * Without the key, nobody can make the tag of a message, or change a message and keep its tag
 * valid. A firmware without a key (SKA_KEYED 0 in ska_key.h) calls none of these functions, and the
 * linker leaves them out.
 */
#ifndef SKA_MAC_H
#define SKA_MAC_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_key.h" /* the lengths of key and tag */

#ifdef __cplusplus
extern "C" {
#endif

#define SKA_MAC_BLOCK 64u

/* A tag that is being computed; all members are private. */
typedef struct {
    uint32_t chain[8];
    uint8_t block[SKA_MAC_BLOCK];
    uint8_t filled;  /* bytes in the block */
    uint32_t hashed; /* bytes in the blocks before it, including the key's block */
} ska_mac_t;

/* Begins a tag with a key of SKA_KEY_BYTES. */
void ska_mac_init(ska_mac_t *mac, const uint8_t *key);

/* Adds bytes of the message; pieces of any size give the tag of the whole. A message has less than
 * 2^32 - 64 bytes. */
void ska_mac_update(ska_mac_t *mac, const uint8_t *bytes, uint16_t count);

/* Ends the computed tag and writes its SKA_TAG_BYTES bytes to `tag`. */
void ska_mac_tag(ska_mac_t *mac, uint8_t *tag);

/* Ends the computed tag and compares it with `tag`. Every wrong tag takes the same time, so the
 * time reveals nothing. */
bool ska_mac_equal(ska_mac_t *mac, const uint8_t *tag);

#ifdef __cplusplus
}
#endif

#endif
