/* What every Cortex-M driver with a ring does to read a byte: sleep in WFI until there is one.
 *
 * Interrupts are masked (PRIMASK) from the look at the ring to WFI, which a pending interrupt ends,
 * masked or not. So a byte that comes in between is not slept over: WFI falls through, and the
 * handler runs as soon as the mask is lifted. */
#ifndef UART_RECEIVE_H
#define UART_RECEIVE_H

#include "ska_ring.h"

/* The oldest byte; waits for it. */
static inline int16_t uart_receive(ska_ring_t *received) {
    uint8_t byte;

    __asm__ volatile("cpsid i" ::: "memory");
    while (ska_ring_is_empty(received)) {
        __asm__ volatile("wfi\n\tcpsie i\n\tisb\n\tcpsid i" ::: "memory");
    }
    byte = ska_ring_take(received);
    __asm__ volatile("cpsie i" ::: "memory");
    return (int16_t)byte;
}

#endif
