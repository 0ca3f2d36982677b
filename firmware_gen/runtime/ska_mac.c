/* ska_mac.c: BLAKE2s with a key, as RFC 7693 defines it. The names of the steps are the RFC's. */
#include "ska_mac.h"

#include "ska_const.h"

#define WORDS 8u
#define ROUNDS 10u

/* The initialization vector (RFC 7693, 2.6): the first 32 fractional bits of the square roots of
 * the first eight primes. */
static const uint32_t vector[WORDS] SKA_CONST = {
    0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au,
    0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u,
};

/* The order in which a round takes the words of a block (2.7). A byte has two entries; the first
 * one is in the upper half. */
static const uint8_t schedule[ROUNDS][WORDS] SKA_CONST = {
    {0x01u, 0x23u, 0x45u, 0x67u, 0x89u, 0xABu, 0xCDu, 0xEFu},
    {0xEAu, 0x48u, 0x9Fu, 0xD6u, 0x1Cu, 0x02u, 0xB7u, 0x53u},
    {0xB8u, 0xC0u, 0x52u, 0xFDu, 0xAEu, 0x36u, 0x71u, 0x94u},
    {0x79u, 0x31u, 0xDCu, 0xBEu, 0x26u, 0x5Au, 0x40u, 0xF8u},
    {0x90u, 0x57u, 0x24u, 0xAFu, 0xE1u, 0xBCu, 0x68u, 0x3Du},
    {0x2Cu, 0x6Au, 0x0Bu, 0x83u, 0x4Du, 0x75u, 0xFEu, 0x19u},
    {0xC5u, 0x1Fu, 0xEDu, 0x4Au, 0x07u, 0x63u, 0x92u, 0x8Bu},
    {0xDBu, 0x7Eu, 0xC1u, 0x39u, 0x50u, 0xF4u, 0x86u, 0x2Au},
    {0x6Fu, 0xE9u, 0xB3u, 0x08u, 0xC2u, 0xD7u, 0x14u, 0xA5u},
    {0xA2u, 0x84u, 0x76u, 0x15u, 0xFBu, 0x9Eu, 0x3Cu, 0xD0u},
};

static uint32_t rotate(uint32_t word, uint8_t right) {
    return (word >> right) | (word << (32u - right));
}

/* Returns word `index`, 0 to 15, of a block, little-endian. */
static uint32_t word_of(const uint8_t *block, uint8_t index) {
    const uint8_t *bytes = &block[4u * index];
    uint32_t word = 0;
    for (uint8_t i = 4; i > 0u; i--) {
        word = (word << 8u) | bytes[i - 1u];
    }
    return word;
}

/* Applies the mixing function G (3.1) to a column (`number` 0 to 3) or to a diagonal (4 to 7). A
 * diagonal moves on by one word from row to row. */
static void mix(uint32_t *work, uint8_t number, uint32_t x, uint32_t y) {
    const uint8_t turn = (uint8_t)(number / 4u);
    uint32_t *const a = &work[number % 4u];
    uint32_t *const b = &work[4u + ((number + 1u * turn) % 4u)];
    uint32_t *const c = &work[8u + ((number + 2u * turn) % 4u)];
    uint32_t *const d = &work[12u + ((number + 3u * turn) % 4u)];
    *a += *b + x;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b + y;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

/* Applies the compression function F (3.2) to the block; `hashed` already includes the block's
 * bytes. */
static void compress(ska_mac_t *mac, bool last) {
    uint32_t work[2u * WORDS];
    for (uint8_t i = 0; i < WORDS; i++) {
        work[i] = mac->chain[i];
        work[WORDS + i] = ska_const_u32(&vector[i]);
    }
    work[12] ^= mac->hashed;
    work[14] = last ? ~work[14] : work[14];
    for (uint8_t round = 0; round < ROUNDS; round++) {
        for (uint8_t i = 0; i < WORDS; i++) {
            const uint8_t pair = ska_const_u8(&schedule[round][i]);
            mix(work, i, word_of(mac->block, (uint8_t)(pair / 16u)),
                word_of(mac->block, (uint8_t)(pair % 16u)));
        }
    }
    for (uint8_t i = 0; i < WORDS; i++) {
        mac->chain[i] ^= work[i] ^ work[WORDS + i];
    }
}

void ska_mac_init(ska_mac_t *mac, const uint8_t *key) {
    for (uint8_t i = 0; i < WORDS; i++) {
        mac->chain[i] = ska_const_u32(&vector[i]);
    }
    /* The parameter block (2.5): the sizes of tag and key, fanout 1 and depth 1. */
    mac->chain[0] ^= 0x01010000u + SKA_KEY_BYTES * 256u + SKA_TAG_BYTES;
    mac->hashed = 0;
    /* The key is the first block, padded with zeros. */
    mac->filled = (uint8_t)SKA_MAC_BLOCK;
    for (uint8_t i = 0; i < SKA_MAC_BLOCK; i++) {
        mac->block[i] = i < SKA_KEY_BYTES ? key[i] : 0u;
    }
}

void ska_mac_update(ska_mac_t *mac, const uint8_t *bytes, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
        if (mac->filled == SKA_MAC_BLOCK) { /* a full block waits, because it may be the last */
            mac->hashed += SKA_MAC_BLOCK;
            compress(mac, false);
            mac->filled = 0;
        }
        mac->block[mac->filled] = bytes[i];
        mac->filled++;
    }
}

void ska_mac_tag(ska_mac_t *mac, uint8_t *tag) {
    mac->hashed += mac->filled;
    for (uint8_t i = mac->filled; i < SKA_MAC_BLOCK; i++) {
        mac->block[i] = 0;
    }
    compress(mac, true);
    for (uint8_t i = 0; i < SKA_TAG_BYTES; i++) {
        tag[i] = (uint8_t)((mac->chain[i / 4u] >> (8u * (i % 4u))) & 0xFFu);
    }
}

bool ska_mac_equal(ska_mac_t *mac, const uint8_t *tag) {
    uint8_t own[SKA_TAG_BYTES];
    uint8_t different = 0;
    ska_mac_tag(mac, own);
    for (uint8_t i = 0; i < SKA_TAG_BYTES; i++) {
        different |= (uint8_t)(own[i] ^ tag[i]);
    }
    return different == 0u;
}
