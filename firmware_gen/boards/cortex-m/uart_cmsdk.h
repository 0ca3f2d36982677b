/* The Arm CMSDK APB UART (Cortex-M System Design Kit TRM, section 4.3) and its place in the nested
 * vectored interrupt controller: registers, and the code that both of its drivers share. */
#ifndef UART_CMSDK_H
#define UART_CMSDK_H

#include "ska_baud.h"
#include "ska_board.h"

#define UART_TX_FULL 0x1u
#define UART_RX_FULL 0x2u
#define UART_TX_ENABLE 0x1u
#define UART_RX_ENABLE 0x2u
#define UART_RX_INTERRUPT_ENABLE 0x8u
#define UART_RX_INTERRUPT 0x2u

struct uart {
    uint32_t data;
    uint32_t state;
    uint32_t control;
    uint32_t interrupt; /* a read gives the pending interrupts; a written 1 clears its interrupt */
    uint32_t baud_divider;
};

#define UART ((volatile struct uart *)SKA_UART_BASE)

/* The clocks per bit, rounded to the nearest integer. */
#define UART_DIVIDER ((SKA_CLOCK + SKA_UART_BAUD / 2u) / SKA_UART_BAUD)
#if UART_DIVIDER < 16 || SKA_BAUD_IS_OFF(UART_DIVIDER)
#error "the clock of this board does not make this baud within 2.5 %, from 16 clocks a bit on"
#endif

/* The offset, in each group of registers, of the register that has the receive interrupt's bit. */
#define NVIC_OFFSET (SKA_UART_RX_INTERRUPT / 32u * 4u)
#define NVIC_ENABLE (*(volatile uint32_t *)(0xE000E100u + NVIC_OFFSET))
#define NVIC_CLEAR_PENDING (*(volatile uint32_t *)(0xE000E280u + NVIC_OFFSET))
#define NVIC_UART_RX (1u << SKA_UART_RX_INTERRUPT % 32u)

static inline void uart_enable(void) {
    UART->baud_divider = UART_DIVIDER;
    UART->control = UART_TX_ENABLE | UART_RX_ENABLE | UART_RX_INTERRUPT_ENABLE;
    NVIC_ENABLE = NVIC_UART_RX;
}

static inline void uart_send(uint8_t byte) {
    while ((UART->state & UART_TX_FULL) != 0u) {
    }
    UART->data = byte;
}

#endif
