/* A part of Zephyr's sys/ring_buffer.h. */
#ifndef ZEPHYR_RING_BUFFER_H
#define ZEPHYR_RING_BUFFER_H

#include <stdint.h>

struct ring_buf {
    uint8_t *bytes;
    uint32_t size;
    volatile uint32_t put;
    volatile uint32_t take;
};

#define RING_BUF_DECLARE(name, length)                                                             \
    static uint8_t name##_bytes[length];                                                           \
    static struct ring_buf name = {name##_bytes, length, 0, 0}

uint32_t ring_buf_put(struct ring_buf *ring, const uint8_t *data, uint32_t size);
uint32_t ring_buf_get(struct ring_buf *ring, uint8_t *data, uint32_t size);

#endif
