/* ska_ring.h - what a UART has received and the firmware has not read yet: SKA_UART_BUFFER bytes.
 *
 * The receive interrupt puts bytes in while the firmware computes, ska_board_read takes them out.
 * Only the interrupt may come in between, so ska_board_read masks interrupts around its look and
 * its take; the handler needs no mask, since nothing interrupts it. That keeps the number of bytes
 * right on every core, also where a core cannot change 16 bits at once, and it is needed anyway:
 * between "the ring is empty" and going to sleep no byte may come unseen. The instructions that
 * mask and unmask are barriers for the compiler ("memory"), so no member has to be volatile: none
 * is kept in a register across them. */
#ifndef SKA_RING_H
#define SKA_RING_H

#include <stdbool.h>
#include <stdint.h>

/* A power of two, so that places wrap by a mask; at most 256, so that a place is one byte. */
#if SKA_UART_BUFFER == 0 || SKA_UART_BUFFER > 256 || (SKA_UART_BUFFER & (SKA_UART_BUFFER - 1)) != 0
#error "buffer in [uart] of board.toml must be a power of two up to 256"
#endif

typedef struct {
    uint8_t bytes[SKA_UART_BUFFER];
    uint16_t count; /* bytes held; 256 is one of its values, so no place stays empty */
    uint8_t put;    /* place of the next byte that comes */
    uint8_t take;   /* place of the oldest byte */
} ska_ring_t;

/* For the interrupt handler. Where the ring is full, the byte is dropped, and what is held stays.
 * That is safe: the frame that lacks the byte fails its CRC, the firmware ignores it, and the host
 * sends it again. A host that keeps to the credit it was given never comes that far. */
static inline void ska_ring_put(ska_ring_t *ring, uint8_t byte) {
    if (ring->count < SKA_UART_BUFFER) {
        ring->bytes[ring->put] = byte;
        ring->put = (uint8_t)((ring->put + 1u) % SKA_UART_BUFFER);
        ring->count++;
    }
}

/* For ska_board_read, with interrupts masked. */
static inline bool ska_ring_is_empty(const ska_ring_t *ring) { return ring->count == 0u; }

/* The oldest byte, of a ring that is not empty. For ska_board_read, with interrupts masked. */
static inline uint8_t ska_ring_take(ska_ring_t *ring) {
    const uint8_t byte = ring->bytes[ring->take];
    ring->take = (uint8_t)((ring->take + 1u) % SKA_UART_BUFFER);
    ring->count--;
    return byte;
}

#endif
