/* UART driver for the Arm CMSDK APB UART (Cortex-M System Design Kit TRM, section 4.3).
 *
 * The core sleeps in WFI while there is nothing to read. Interrupts stay masked (PRIMASK), so no
 * handler ever runs; the receive interrupt is enabled only because a pending one ends WFI, masked
 * or not. A byte that comes between the last look at the state and WFI leaves its interrupt
 * pending, so WFI falls through and no byte can be slept over. */

#include "ska_board.h"

#define UART_TX_FULL 0x1u
#define UART_RX_FULL 0x2u
#define UART_TX_ENABLE 0x1u
#define UART_RX_ENABLE 0x2u
#define UART_RX_INTERRUPT_ENABLE 0x8u
#define UART_RX_INTERRUPT 0x2u
#define UART_BAUD 115200u

struct uart {
    uint32_t data;
    uint32_t state;
    uint32_t control;
    uint32_t interrupt; /* read: pending; write ones: clear */
    uint32_t baud_divider;
};

#define UART ((volatile struct uart *)SKA_UART_BASE)

/* Nested vectored interrupt controller: of each kind, the register with this interrupt's bit. */
#define NVIC_OFFSET (SKA_UART_RX_INTERRUPT / 32u * 4u)
#define NVIC_ENABLE (*(volatile uint32_t *)(0xE000E100u + NVIC_OFFSET))
#define NVIC_CLEAR_PENDING (*(volatile uint32_t *)(0xE000E280u + NVIC_OFFSET))
#define NVIC_UART_RX (1u << SKA_UART_RX_INTERRUPT % 32u)

const char ska_board_name[16] = SKA_BOARD_NAME;

void ska_board_init(void) {
    __asm__ volatile("cpsid i" ::: "memory");
    UART->baud_divider = SKA_CLOCK / UART_BAUD;
    UART->control = UART_TX_ENABLE | UART_RX_ENABLE | UART_RX_INTERRUPT_ENABLE;
    NVIC_ENABLE = NVIC_UART_RX;
}

int16_t ska_board_read(void) {
    while ((UART->state & UART_RX_FULL) == 0u) {
        __asm__ volatile("wfi" ::: "memory");
        UART->interrupt = UART_RX_INTERRUPT;
        NVIC_CLEAR_PENDING = NVIC_UART_RX;
    }
    return (int16_t)(UART->data & 0xFFu);
}

void ska_board_write(uint8_t byte) {
    while ((UART->state & UART_TX_FULL) != 0u) {
    }
    UART->data = byte;
}
