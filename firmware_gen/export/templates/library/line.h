/* line.h - the serial line of the example "serve". line.c has these functions for this platform;
 * rewrite them for another line, such as USB, BLE or a socket.
 */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stdint.h>

/* Sets up the line. */
void line_open(void);

/* Returns the next received byte, or -1 if none has arrived. If there is nothing else to do, `wait`
 * is true: the function may then sleep for a moment, or until a byte arrives. */
int16_t line_read(bool wait);

/* Sends one byte; it may wait until the line accepts the byte. */
void line_write(uint8_t byte);

#endif
