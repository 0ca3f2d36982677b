/* uart_receive.h - reads a byte, and sleeps in WFI until one arrives; for all Cortex-M drivers with
 * a ring.
 *
 * Interrupts are masked (PRIMASK) from the check of the ring to WFI. A pending interrupt ends WFI,
 * masked or not, so a byte that arrives in between is not missed: WFI returns at once, and the
 * handler runs as soon as the mask is removed. */
#ifndef UART_RECEIVE_H
#define UART_RECEIVE_H

#include "ska_ring.h"

/* Returns the oldest byte; waits if there is none. */
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
