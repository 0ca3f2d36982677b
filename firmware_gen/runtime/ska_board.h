/*
 * ska_board.h: the interface between a board and the firmware. A board's sources define
 * ska_board_name, ska_board_init, ska_board_has_byte, ska_board_read and ska_board_write; the other
 * files of the runtime access no hardware. Your own firmware around ska_device.h needs only
 * ska_board_name and ska_board_write.
 */
#ifndef SKA_BOARD_H
#define SKA_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The name of the board in ASCII, padded with zero bytes; a name of 16 characters needs no zero at
 * the end. */
extern const char ska_board_name[16];

/* The bytes that the board can receive while the firmware computes, from board.toml. They limit
 * what the host may send ahead. If 0, bytes that arrive while the firmware is busy may be lost. */
#ifndef SKA_UART_BUFFER
#define SKA_UART_BUFFER 0u
#endif

/* Bits per second of the serial line; from board.toml. */
#ifndef SKA_UART_BAUD
#define SKA_UART_BAUD 115200u
#endif

/* Sets up clocks, pins and the serial line (8 data bits, no parity, 1 stop bit); it is called once,
 * before the other functions. */
void ska_board_init(void);

/* Tells whether a byte has arrived; if so, ska_board_read does not wait. ska_main.c does not call
 * this function; it is for firmware that also has other work. */
bool ska_board_has_byte(void);

/* Waits for the next received byte and returns it, 0 to 255. -1 ends the firmware; only a board
 * that is a program on a host returns it. */
int16_t ska_board_read(void);

/* Sends one byte; it may wait until the line accepts the byte. */
void ska_board_write(uint8_t byte);

/* A free-running counter of instructions or cycles, only in images that measure themselves. It
 * counts up and wraps. The table [counter] of board.toml has its width and the meaning of a
 * tick. The function has a source file of its own. The first call may start the counter. */
uint32_t ska_board_counter(void);

#ifdef __cplusplus
}
#endif

#endif
