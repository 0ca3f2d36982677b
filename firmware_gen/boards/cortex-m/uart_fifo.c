/* UART driver for a CMSDK APB UART that keeps SKA_UART_BUFFER received bytes itself, as that of the
 * emulator in firmware_gen/emulators/cortex_m4.py does: it models no exceptions, so no handler could run.
 *
 * The core sleeps in WFI while there is nothing to read. Interrupts stay masked (PRIMASK); the
 * receive interrupt is enabled only because a pending one ends WFI, masked or not. A byte that
 * comes between the last look at the state and WFI leaves its interrupt pending, so WFI falls
 * through and no byte can be slept over. */

#include "uart_cmsdk.h"

const char ska_board_name[16] = SKA_BOARD_NAME;

void ska_board_init(void) {
    __asm__ volatile("cpsid i" ::: "memory");
    uart_enable();
}

int16_t ska_board_read(void) {
    while ((UART->state & UART_RX_FULL) == 0u) {
        __asm__ volatile("wfi" ::: "memory");
        UART->interrupt = UART_RX_INTERRUPT;
        NVIC_CLEAR_PENDING = NVIC_UART_RX;
    }
    return (int16_t)(UART->data & 0xFFu);
}

void ska_board_write(uint8_t byte) { uart_send(byte); }
