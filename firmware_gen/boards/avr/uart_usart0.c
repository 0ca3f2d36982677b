/* UART driver for USART0 of an ATmega (ATmega328P data sheet, chapter 19; the ATmega2560 has the
 * same USART0). The receive interrupt fills a ring while the firmware computes, and the core sleeps
 * while the ring is empty.
 *
 * Interrupts are off from the check of the ring to SLEEP. SEI turns them on only after the next
 * instruction (data sheet, section 6.7), which is SLEEP. The interrupt of a byte that arrives in
 * between stays pending, and ends the sleep at once. */

#include "ska_baud.h"
#include "ska_board.h"
#include "ska_ring.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

/* At double speed a bit takes 8 * (UBRR0 + 1) clocks; the divisor is rounded to the nearest
 * integer. The limit of 2.5 % is our choice; for 8 data bits at double speed the data sheet
 * recommends less. At 16 MHz, 115,200 baud is 2.1 % too fast, and 250,000 and 500,000 baud are
 * exact. 230,400 baud is 3.5 % off and 921,600 baud is 8.5 % off, so both are refused. */
#define BAUD_STEPS ((SKA_CLOCK + 4ul * SKA_UART_BAUD) / (8ul * SKA_UART_BAUD))
#if BAUD_STEPS < 1 || BAUD_STEPS > 4096 || SKA_BAUD_IS_OFF(8ul * BAUD_STEPS)
#error "the clock of this board does not make this baud within 2.5 %: change baud in board.toml"
#endif

/* The vector has one name on chips with one USART, and another on chips with several. */
#if defined(USART_RX_vect)
#define RECEIVED_vect USART_RX_vect
#else
#define RECEIVED_vect USART0_RX_vect
#endif

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

ISR(RECEIVED_vect) { ska_ring_put(&received, UDR0); }

void ska_board_init(void) {
    UCSR0A = _BV(U2X0);
    UBRR0 = (uint16_t)(BAUD_STEPS - 1ul);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00); /* 8 data bits, no parity, 1 stop bit */
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
    SMCR = _BV(SE); /* SLEEP enters idle mode, in which the USART keeps working */
    sei();
}

/* The receive interrupt only adds bytes to the ring, so it need not be masked here. */
bool ska_board_has_byte(void) { return !ska_ring_is_empty(&received); }

int16_t ska_board_read(void) {
    uint8_t byte;

    cli();
    while (ska_ring_is_empty(&received)) {
        sei();
        sleep_cpu();
        cli();
    }
    byte = ska_ring_take(&received);
    sei();
    return (int16_t)byte;
}

void ska_board_write(uint8_t byte) {
    while ((UCSR0A & _BV(UDRE0)) == 0) {
    }
    UDR0 = byte;
}
