/* UART driver for the 16550 (National Semiconductor PC16550D data sheet), with a platform-level
 * interrupt controller (RISC-V PLIC specification 1.0). The FIFOs stay off: enabling them empties
 * them, and would drop a byte that a host has sent while the board started.
 *
 * The core sleeps in WFI while there is nothing to read. Interrupts stay off (mstatus.MIE is 0
 * after reset), so no handler ever runs; the receive interrupt is enabled only because a pending
 * one ends WFI, taken or not (Privileged Architecture 1.12, section 3.3.3). A byte that comes
 * between the last look at the state and WFI leaves it pending, so no byte can be slept over. */

#include "ska_board.h"

struct uart {
    uint8_t data; /* low byte of the divisor while LINE_DIVISOR is set */
    uint8_t interrupts;
    uint8_t fifo;
    uint8_t line;
    uint8_t modem;
    uint8_t state;
};

#define UART ((volatile struct uart *)SKA_UART_BASE)
#define UART_INTERRUPT_RX 0x01u
#define UART_LINE_8N1 0x03u
#define UART_LINE_DIVISOR 0x80u
#define UART_RX_FULL 0x01u
#define UART_TX_EMPTY 0x20u
#define UART_BAUD 115200u

/* Context 0 of the controller: machine mode of the first core. */
#define PLIC_REGISTER(offset) (*(volatile uint32_t *)(0x0C000000u + (offset)))
#define PLIC_PRIORITY PLIC_REGISTER(4u * SKA_UART_RX_INTERRUPT)
#define PLIC_ENABLE PLIC_REGISTER(0x2000u + SKA_UART_RX_INTERRUPT / 32u * 4u)
#define PLIC_UART_RX (1u << SKA_UART_RX_INTERRUPT % 32u)
#define PLIC_THRESHOLD PLIC_REGISTER(0x200000u)
#define PLIC_CLAIM PLIC_REGISTER(0x200004u) /* read: take the interrupt; write it back: done */

#define MIE_EXTERNAL 0x800u

const char ska_board_name[16] = SKA_BOARD_NAME;

void ska_board_init(void) {
    UART->line = UART_LINE_DIVISOR;
    UART->data = (uint8_t)(SKA_CLOCK / (16u * UART_BAUD)); /* below 256 up to 471 MHz */
    UART->interrupts = 0u;                                 /* high byte of the divisor, here */
    UART->line = UART_LINE_8N1;
    UART->interrupts = UART_INTERRUPT_RX;
    PLIC_PRIORITY = 1u;
    PLIC_THRESHOLD = 0u;
    PLIC_ENABLE = PLIC_UART_RX;
    __asm__ volatile(".option arch, +zicsr\n\t" /* see board.toml */
                     "csrs mie, %0" ::"r"(MIE_EXTERNAL)
                     : "memory");
}

int16_t ska_board_read(void) {
    while ((UART->state & UART_RX_FULL) == 0u) {
        __asm__ volatile("wfi" ::: "memory");
        PLIC_CLAIM = PLIC_CLAIM;
    }
    return (int16_t)UART->data;
}

void ska_board_write(uint8_t byte) {
    while ((UART->state & UART_TX_EMPTY) == 0u) {
    }
    UART->data = byte;
}
