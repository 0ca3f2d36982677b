/* peer.h - what the programs of this folder share. */
#ifndef PEER_H
#define PEER_H

#include "bench_data.h"

/* A library's loss may differ from ours, so its best rate may, too; see peers.py. */
#ifndef PEER_RATE
#define PEER_RATE BENCH_RATE
#endif

/* The first step of bench_init: empties the heap, and turns on the floating-point unit of a
 * Cortex-M. */
static inline void peer_init(void) {
    bench_heap_clear();
#if defined(__ARM_FP) && !defined(__linux__)
    /* CPACR: full access to the floating-point unit (Armv7-M ARM, B3.2.20). */
    *(volatile uint32_t *)0xE000ED88u |= 0x00F00000u;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
}

/* The class with the largest output. */
static inline uint16_t peer_best(const float output[BENCH_CLASSES]) {
    uint16_t best = 0;
    for (uint16_t i = 1; i < BENCH_CLASSES; i++) {
        if (output[i] > output[best]) {
            best = i;
        }
    }
    return best;
}

#endif
