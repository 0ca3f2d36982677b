/* line.h: a second implementation of frames, independent of ska_frame.c, to check it. */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maximum bytes between two zeros; device.c checks that no frame of its plan is longer. */
#define LINE_MOST 4096u

/* Decodes the bytes between two zeros; returns true if they are a frame with a valid CRC. The
 * content (type, seq, payload) is then in content[0 .. *length); the array `content` needs `count`
 * bytes. */
bool line_decode(const uint8_t *piece, size_t count, uint8_t *content, size_t *length);

/* Encodes content with its CRC for the line, without the zeros; returns the number of bytes.
 * `content` has at most LINE_MOST bytes, and the array `line` has LINE_ROOM(length) bytes. */
#define LINE_ROOM(length) ((length) + (length) / 254u + 5u)
size_t line_encode(const uint8_t *content, size_t length, uint8_t *line);

#endif
