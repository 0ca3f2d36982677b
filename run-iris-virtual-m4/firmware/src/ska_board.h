/*
 * ska_board.h: what a board gives to ska_main.c. A board is a folder with a board.c that defines
 * the first four names below; nothing else of the firmware touches hardware.
 */
#ifndef SKA_BOARD_H
#define SKA_BOARD_H

#include <stdint.h>

/* Name of the board in ASCII, padded with zero bytes; 16 characters need no zero at the end. */
extern const char ska_board_name[16];

/* Clocks, pins and the serial line, 8 data bits, no parity, 1 stop bit; called once, first. */
void ska_board_init(void);

/* The next received byte, 0 to 255; waits for it. -1 ends the firmware, which only boards that are
 * programs on a host do. The host sends the next request after the answer to the last, so a board
 * that buffers one request (SKA_FRAME_MAX bytes, a few more for COBS) while it learns loses none.
 */
int16_t ska_board_read(void);

/* Sends one byte; may wait until the line takes it. */
void ska_board_write(uint8_t byte);

/* A counter of instructions or cycles that runs all the time, for images that measure themselves;
 * no other image has it. It counts up and wraps; its width and what a tick stands for are the table
 * [counter] of board.toml. It stands in a file of its own. The first call may start it. */
uint32_t ska_board_counter(void);

#endif
