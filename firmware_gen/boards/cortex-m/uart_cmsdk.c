/* UART driver for the Arm CMSDK APB UART. The receive interrupt fills a ring while the firmware
 * computes, and the core sleeps while the ring is empty. */

#include "uart_cmsdk.h"
#include "uart_receive.h"

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

void Uart_Handler(void); /* startup.c has it in the vector table */

/* The interrupt is cleared before the byte is read, so that the interrupt of the next byte is not
 * lost.
 */
void Uart_Handler(void) {
    UART->interrupt = UART_RX_INTERRUPT;
    if ((UART->state & UART_RX_FULL) != 0u) {
        ska_ring_put(&received, (uint8_t)(UART->data & 0xFFu));
    }
}

void ska_board_init(void) {
    uart_enable();
    __asm__ volatile("cpsie i" ::: "memory");
}

/* The receive interrupt only adds bytes to the ring, so it need not be masked here. */
bool ska_board_has_byte(void) { return !ska_ring_is_empty(&received); }

int16_t ska_board_read(void) { return uart_receive(&received); }

void ska_board_write(uint8_t byte) { uart_send(byte); }
