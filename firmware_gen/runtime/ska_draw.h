/* ska_draw.h - pseudorandom numbers without a state: word `counter` of a stream is a hash of
 * `counter`. ska_edge/arithmetic/random_words.py computes the same words; ska_plan.h has the keys.
 * The words are unfit for cryptography.
 */
#ifndef SKA_DRAW_H
#define SKA_DRAW_H

#include <stdint.h>

/* The finalizer of MurmurHash3 over key + counter: a bijection in which every input bit affects
 * every output bit. Unsigned 32-bit arithmetic wraps around by definition. */
static inline uint32_t ska_draw_word(uint32_t key, uint32_t counter) {
    uint32_t word = key + counter;
    word = (word ^ (word >> 16)) * (uint32_t)0x85EBCA6BuL;
    word = (word ^ (word >> 13)) * (uint32_t)0xC2B2AE35uL;
    return word ^ (word >> 16);
}

/* Returns a number in [0, limit). */
static inline uint16_t ska_draw_below(uint32_t key, uint32_t counter, uint16_t limit) {
    return (uint16_t)(((ska_draw_word(key, counter) >> 16) * limit) >> 16);
}

/* Returns bit number `place` (0 to 31) of a word. */
static inline int ska_draw_bit(uint32_t word, uint8_t place) {
    const uint32_t bit = (word >> place) & 1u;
    return (int)bit;
}

#endif
