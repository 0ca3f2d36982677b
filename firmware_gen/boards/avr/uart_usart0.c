/* UART driver for USART0 of an ATmega (ATmega328P data sheet, chapter 19; the ATmega2560 has the
 * same). The firmware polls: nothing is received while it computes but the two bytes that the
 * USART holds, and the host sends nothing then. */

#include "ska_board.h"

#include <avr/io.h>

#define BAUD_RATE 115200u
/* At double speed a bit takes 8 * (UBRR0 + 1) clocks; rounded to the nearest: 117,647 at 16 MHz,
 * 2.1 % too fast, within the 2.5 % that the data sheet recommends. */
#define BAUD_DIVISOR ((SKA_CLOCK + 4u * (uint32_t)BAUD_RATE) / (8u * (uint32_t)BAUD_RATE) - 1u)

const char ska_board_name[16] = SKA_BOARD_NAME;

void ska_board_init(void) {
    UBRR0 = (uint16_t)BAUD_DIVISOR;
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00); /* 8 data bits, no parity, 1 stop bit */
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
}

int16_t ska_board_read(void) {
    while ((UCSR0A & _BV(RXC0)) == 0) {
    }
    return (int16_t)UDR0;
}

void ska_board_write(uint8_t byte) {
    while ((UCSR0A & _BV(UDRE0)) == 0) {
    }
    UDR0 = byte;
}
