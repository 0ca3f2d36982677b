/* line.c: see line.h. */
#include "line.h"

#include <string.h>

/* Computes the remainder of a long division, bit by bit. */
static uint16_t crc_of(const uint8_t *bytes, size_t count) {
    uint32_t rest = 0xFFFF;
    for (size_t i = 0; i < 8 * count; i++) {
        const uint32_t bit = (uint32_t)bytes[i / 8] >> (7 - i % 8) & 1u;
        const uint32_t divides = (rest >> 15 & 1u) ^ bit;
        rest = (rest << 1 & 0xFFFFu) ^ (divides != 0 ? 0x1021u : 0u);
    }
    return (uint16_t)rest;
}

bool line_decode(const uint8_t *piece, size_t count, uint8_t *content, size_t *length) {
    size_t at = 0;
    size_t out = 0;
    while (at < count) {
        const size_t code = piece[at];
        if (code == 0 || at + code > count) {
            return false;
        }
        memcpy(content + out, piece + at + 1, code - 1);
        out += code - 1;
        at += code;
        if (code != 255 && at < count) {
            content[out++] = 0;
        }
    }
    if (out < 4) {
        return false;
    }
    *length = out - 2;
    return content[out - 2] + 256 * content[out - 1] == crc_of(content, out - 2);
}

size_t line_encode(const uint8_t *content, size_t length, uint8_t *line) {
    const uint16_t crc = crc_of(content, length);
    size_t head = 0; /* the place for the code of the block, once its length is known */
    size_t out = 1;
    for (size_t i = 0; i < length + 2; i++) {
        const unsigned byte =
            i < length ? content[i] : (unsigned)(i == length ? crc % 256 : crc / 256);
        if (out - head == 255) {
            line[head] = 255;
            head = out++;
        }
        if (byte == 0) {
            line[head] = (uint8_t)(out - head);
            head = out++;
        } else {
            line[out++] = (uint8_t)byte;
        }
    }
    line[head] = (uint8_t)(out - head);
    return out;
}
