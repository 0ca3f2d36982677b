/* The pins of the micro:bit's USB interface: P0.06 and P1.08. */
#ifndef UART_PINS_H
#define UART_PINS_H

#define PIN_TX 6u
#define PIN_RX 40u /* 32 for port 1, and 8 */

#if SKA_CLOCK != 64000000
#error "the core of the nRF52 has a clock of 64 MHz"
#endif

#endif
