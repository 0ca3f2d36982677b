/* The pins of the micro:bit's USB interface: P0.24 and P0.25. */
#ifndef UART_PINS_H
#define UART_PINS_H

#define PIN_TX 24u
#define PIN_RX 25u

#if SKA_CLOCK != 16000000
#error "the core of the nRF51 has a clock of 16 MHz"
#endif

#endif
