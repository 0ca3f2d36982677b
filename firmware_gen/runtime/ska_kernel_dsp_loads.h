/* ska_kernel_dsp_loads.h - several 16-bit numbers per load and store; see ska_kernel_dsp.h.
 *
 * LDRD, LDM, STRD and STM need addresses that are multiples of 4 bytes; no C type expresses this.
 * Lanes (16-bit inputs) have such addresses, and so do rows of weights if all widths are even.
 * Otherwise weights are loaded word by word, which these cores can do at any address.
 */
#ifndef SKA_KERNEL_DSP_LOADS_H
#define SKA_KERNEL_DSP_LOADS_H

#include "ska.h"
#include "ska_fixed_dsp.h"

#define QUAD 4u  /* numbers that C code loads at once */
#define EIGHT 8u /* numbers that assembly loads at once */
#define PASS 16u /* columns per pass of a loop in assembly */

typedef struct {
    ska_pair_t low; /* the first two */
    ska_pair_t high;
} quad_t;

typedef struct __attribute__((packed, may_alias)) {
    uint32_t word;
} loose_word_t;

static inline quad_t quad_load(const int16_t **place) {
    quad_t quad;
    __asm__ volatile("ldrd %0, %1, [%2], #8"
                     : "=&r"(quad.low), "=&r"(quad.high), "+&r"(*place)
                     :
                     : "memory");
    return quad;
}

static inline void quad_store(int16_t **place, quad_t quad) {
    __asm__ volatile("strd %1, %2, [%0], #8"
                     : "+&r"(*place)
                     : "r"(quad.low), "r"(quad.high)
                     : "memory");
}

/* Four bytes at any address. */
static inline uint32_t bytes_load(const int8_t *place) {
    return ((const loose_word_t *)(const void *)place)->word;
}

static inline void bytes_store(int8_t *place, uint32_t bytes) {
    ((loose_word_t *)(void *)place)->word = bytes;
}

static inline quad_t weights_at(const int16_t *place) {
    quad_t quad;
#if SKA_EVEN_ROWS
    __asm__ volatile("ldrd %0, %1, [%2]"
                     : "=&r"(quad.low), "=&r"(quad.high)
                     : "r"(place)
                     : "memory");
#else
    const loose_word_t *words = (const loose_word_t *)(const void *)place;
    quad.low = words[0].word;
    quad.high = words[1].word;
#endif
    return quad;
}

static inline quad_t weights_load(const int16_t **place) {
    const quad_t quad = weights_at(*place);
    *place += QUAD;
    return quad;
}

/* The assembly uses 13 registers, but not R7, which is the frame pointer of unoptimized code.
 * BUSY are the eight registers that the assembly names itself; the compiler has the other five
 * for operands. */
#define BUSY "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12"

/* Eight lanes go to R3, R4, R5 and R6; eight weights go to R8, R9, R10 and R12. The register
 * `place` advances. */
#define LANES_LOAD(place) "ldmia " place "!, {r3, r4, r5, r6}\n\t"
#if SKA_EVEN_ROWS
#define WEIGHTS_LOAD(place) "ldmia " place "!, {r8, r9, r10, r12}\n\t"
#define WEIGHTS_LOAD_HERE(place) "ldmia " place ", {r8, r9, r10, r12}\n\t"
#define WEIGHTS_STORE(place) "stmia " place "!, {r8, r9, r10, r12}\n\t"
#else
#define WEIGHTS_LOAD(place)                                                                        \
    "ldr r8, [" place "], #4\n\t"                                                                  \
    "ldr r9, [" place "], #4\n\t"                                                                  \
    "ldr r10, [" place "], #4\n\t"                                                                 \
    "ldr r12, [" place "], #4\n\t"
#define WEIGHTS_LOAD_HERE(place)                                                                   \
    "ldr r8, [" place "]\n\t"                                                                      \
    "ldr r9, [" place ", #4]\n\t"                                                                  \
    "ldr r10, [" place ", #8]\n\t"                                                                 \
    "ldr r12, [" place ", #12]\n\t"
#define WEIGHTS_STORE(place)                                                                       \
    "str r8, [" place "], #4\n\t"                                                                  \
    "str r9, [" place "], #4\n\t"                                                                  \
    "str r10, [" place "], #4\n\t"                                                                 \
    "str r12, [" place "], #4\n\t"
#endif

#endif
