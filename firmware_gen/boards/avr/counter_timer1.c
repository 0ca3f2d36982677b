/* The counter of an AVR board: Timer/Counter1 (ATmega328P data sheet, chapter 15), 16 bits, one
 * tick for 8 cycles, so that it wraps after half a million. */

#include "ska_board.h"

#include <avr/io.h>

uint32_t ska_board_counter(void) {
    TCCR1B = _BV(CS11);
    return TCNT1;
}
