/* line.h: frames read and written a second time, without a line of ska_frame.c, to judge it by. */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most bytes between two zeros that are looked at; device.c asks that no frame of its plan is
 * longer. */
#define LINE_MOST 4096u

/* What stands between two zeros: true where it is a frame with a good CRC. The content, type and
 * seq and payload, is then in content[0 .. *length), which has room for `count` bytes. */
bool line_decode(const uint8_t *piece, size_t count, uint8_t *content, size_t *length);

/* Writes content with its CRC as it stands between two zeros; returns how many bytes these are.
 * content has at most LINE_MOST bytes, and line room for LINE_ROOM(length). */
#define LINE_ROOM(length) ((length) + (length) / 254u + 5u)
size_t line_encode(const uint8_t *content, size_t length, uint8_t *line);

#endif
