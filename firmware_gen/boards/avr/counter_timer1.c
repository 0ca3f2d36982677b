/* The counter of an AVR board: Timer/Counter1 (ATmega328P data sheet, chapter 15), one tick per 8
 * cycles. It has 16 bits and overflows after half a million cycles. An interrupt counts the
 * overflows; it takes about 30 cycles each time. */

#include "ska_board.h"

#include <avr/interrupt.h>
#include <avr/io.h>

static volatile uint16_t overflows;

ISR(TIMER1_OVF_vect) { overflows++; }

uint32_t ska_board_counter(void) {
    if (TCCR1B == 0u) {
        TCCR1B = _BV(CS11);
        TIMSK1 = _BV(TOIE1);
        sei();
    }
    cli();
    uint16_t ticks = TCNT1;
    uint16_t high = overflows;
    if ((TIFR1 & _BV(TOV1)) != 0u) { /* the overflow came after cli() */
        ticks = TCNT1;
        high++;
    }
    sei();
    return (uint32_t)high * 65536u + ticks;
}
