/* UART driver for a CMSDK APB UART that itself buffers SKA_UART_BUFFER received bytes. The emulator
 * in firmware_gen/emulators/cortex_m4.py has such a UART, because it models no exceptions: no
 * interrupt handler could run.
 *
 * The core sleeps in WFI while there is nothing to read. Interrupts stay masked (PRIMASK). The
 * receive interrupt is enabled only because a pending interrupt ends WFI, masked or not. A byte
 * that arrives between the last check of the state and WFI leaves its interrupt pending, so WFI
 * returns at once and the byte is not missed. */

#include "uart_cmsdk.h"

const char ska_board_name[16] = SKA_BOARD_NAME;

void ska_board_init(void) {
    __asm__ volatile("cpsid i" ::: "memory");
    uart_enable();
}

bool ska_board_has_byte(void) { return (UART->state & UART_RX_FULL) != 0u; }

int16_t ska_board_read(void) {
    while ((UART->state & UART_RX_FULL) == 0u) {
        __asm__ volatile("wfi" ::: "memory");
        UART->interrupt = UART_RX_INTERRUPT;
        NVIC_CLEAR_PENDING = NVIC_UART_RX;
    }
    return (int16_t)(UART->data & 0xFFu);
}

void ska_board_write(uint8_t byte) { uart_send(byte); }
