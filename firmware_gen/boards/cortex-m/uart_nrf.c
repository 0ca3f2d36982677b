/* UART driver for the Nordic nRF51 and nRF52 (nRF51 Series Reference Manual 3.0 and nRF52833
 * Product Specification, chapters CLOCK, GPIO and UART). The pins are in uart_pins.h. The receive
 * interrupt fills a ring while the firmware computes, and the core sleeps while the ring is empty.
 */

#include "ska_board.h"
#include "uart_pins.h"
#include "uart_receive.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CLOCK_START_CRYSTAL REGISTER(0x40000000u)   /* task HFCLKSTART */
#define CLOCK_CRYSTAL_STARTED REGISTER(0x40000100u) /* event HFCLKSTARTED */

#define UART_REGISTER(offset) REGISTER(SKA_UART_BASE + (offset))
#define UART_START_RX UART_REGISTER(0x000u)
#define UART_START_TX UART_REGISTER(0x008u)
#define UART_RX_READY UART_REGISTER(0x108u) /* event RXDRDY: a byte can be read */
#define UART_TX_READY UART_REGISTER(0x11Cu) /* event TXDRDY: the byte was sent */
#define UART_INTERRUPT_SET UART_REGISTER(0x304u)
#define UART_ENABLE UART_REGISTER(0x500u)
#define UART_PIN_TX UART_REGISTER(0x50Cu)
#define UART_PIN_RX UART_REGISTER(0x514u)
#define UART_RX_DATA UART_REGISTER(0x518u)
#define UART_TX_DATA UART_REGISTER(0x51Cu)
#define UART_BAUD UART_REGISTER(0x524u)

#define UART_INTERRUPT_RX_READY 0x4u
#define UART_ENABLED 0x4u
/* The speed is 16 MHz * BAUD / 2^32. BAUD is rounded to a multiple of 2^12; the error is
 * at most 8 bits per second. 2^20 / 16,000,000 = 1024 / 15,625. */
#define UART_BAUD_STEPS ((SKA_UART_BAUD * 1024u + 15625u / 2u) / 15625u)

#define GPIO_OUTPUT_SET REGISTER(0x50000508u)
#define GPIO_DIRECTION_SET REGISTER(0x50000518u)
#define GPIO_TX (1u << PIN_TX)

#define NVIC_ENABLE REGISTER(0xE000E100u)
#define NVIC_UART_RX (1u << SKA_UART_RX_INTERRUPT)

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

void Uart_Handler(void); /* startup.c has it in the vector table */

/* The event is cleared before the byte is read, because a read can set the next event. */
void Uart_Handler(void) {
    if (UART_RX_READY != 0u) {
        UART_RX_READY = 0u;
        ska_ring_put(&received, (uint8_t)(UART_RX_DATA & 0xFFu));
    }
}

void ska_board_init(void) {
    /* The internal oscillator, which runs after reset, is too inexact for a serial line. */
    CLOCK_CRYSTAL_STARTED = 0u;
    CLOCK_START_CRYSTAL = 1u;
    while (CLOCK_CRYSTAL_STARTED == 0u) {
    }
    GPIO_OUTPUT_SET = GPIO_TX; /* an idle line is high */
    GPIO_DIRECTION_SET = GPIO_TX;
    UART_PIN_TX = PIN_TX;
    UART_PIN_RX = PIN_RX;
    UART_BAUD = UART_BAUD_STEPS * 4096u;
    UART_ENABLE = UART_ENABLED;
    UART_INTERRUPT_SET = UART_INTERRUPT_RX_READY;
    NVIC_ENABLE = NVIC_UART_RX;
    UART_START_TX = 1u;
    UART_START_RX = 1u;
    __asm__ volatile("cpsie i" ::: "memory");
}

/* The receive interrupt only adds bytes to the ring, so it need not be masked here. */
bool ska_board_has_byte(void) { return !ska_ring_is_empty(&received); }

int16_t ska_board_read(void) { return uart_receive(&received); }

void ska_board_write(uint8_t byte) {
    UART_TX_READY = 0u;
    UART_TX_DATA = byte;
    while (UART_TX_READY == 0u) {
    }
}
