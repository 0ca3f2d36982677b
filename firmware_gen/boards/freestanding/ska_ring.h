/* ska_ring.h - the ring of received bytes that the firmware has not read yet. It holds up to
 * SKA_UART_BUFFER bytes.
 *
 * The receive interrupt puts bytes in while the firmware computes, and ska_board_read takes them
 * out. ska_board_read masks interrupts while it checks the ring and takes a byte; the handler needs
 * no mask, because nothing interrupts it. The mask keeps the byte count consistent, also on cores
 * that cannot change 16 bits at once. It also ensures that no byte arrives unnoticed between "the
 * ring is empty" and sleep. The instructions that mask and unmask are compiler barriers ("memory"),
 * so no member needs to be volatile: the compiler keeps no member in a register across them. */
#ifndef SKA_RING_H
#define SKA_RING_H

#include <stdbool.h>
#include <stdint.h>

/* The size is a power of two, so that a mask wraps positions, and at most 256, so that a position
 * is one byte. */
#if SKA_UART_BUFFER == 0 || SKA_UART_BUFFER > 256 || (SKA_UART_BUFFER & (SKA_UART_BUFFER - 1)) != 0
#error "buffer in [uart] of board.toml must be a power of two up to 256"
#endif

typedef struct {
    uint8_t bytes[SKA_UART_BUFFER];
    uint16_t count; /* bytes in the ring, up to 256, which need 16 bits */
    uint8_t put;    /* position of the next received byte */
    uint8_t take;   /* position of the oldest byte */
} ska_ring_t;

/* Puts a byte into the ring; called by the interrupt handler. If the ring is full, the new byte is
 * dropped. That is safe: its frame fails the CRC, the firmware ignores the frame, and the host
 * sends it again. A host that respects its credit never fills the ring. */
static inline void ska_ring_put(ska_ring_t *ring, uint8_t byte) {
    if (ring->count < SKA_UART_BUFFER) {
        ring->bytes[ring->put] = byte;
        ring->put = (uint8_t)((ring->put + 1u) % SKA_UART_BUFFER);
        ring->count++;
    }
}

/* Tells whether the ring is empty. ska_board_read calls it with interrupts masked.
 * ska_board_has_byte calls it without a mask; its next call sees a byte that arrives just then. */
static inline bool ska_ring_is_empty(const ska_ring_t *ring) { return ring->count == 0u; }

/* Takes the oldest byte from a ring that is not empty; called by ska_board_read, with interrupts
 * masked. */
static inline uint8_t ska_ring_take(ska_ring_t *ring) {
    const uint8_t byte = ring->bytes[ring->take];
    ring->take = (uint8_t)((ring->take + 1u) % SKA_UART_BUFFER);
    ring->count--;
    return byte;
}

#endif
