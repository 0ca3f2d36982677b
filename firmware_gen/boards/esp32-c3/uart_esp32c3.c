/* UART driver for UART0 of an ESP32-C3 (Technical Reference Manual, chapters UART and Watchdog
 * Timers). The UART keeps 128 received bytes while the firmware computes; the driver polls it.
 *
 * The ROM has connected UART0 to its pins, with 8 data bits and 115,200 baud. It also leaves
 * watchdogs on, which would reset the chip. */

#include "ska_board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_FIFO REGISTER(SKA_UART_BASE + 0x00u)
#define UART_STATUS REGISTER(SKA_UART_BASE + 0x1Cu)
#define STATUS_RXFIFO_CNT 0x3FFu
#define STATUS_TXFIFO_CNT 0x3FF0000u
#define STATUS_TXFIFO_ONE 0x10000u
#define FIFO_BYTES 128u
#if SKA_UART_BUFFER > 128
#error "the FIFO keeps 128 bytes: see buffer of [uart] in board.toml"
#endif
#if SKA_UART_BAUD != 115200
#error "the ROM has set 115200 baud: see baud of [uart] in board.toml"
#endif

#define RTC_WDT_CONFIG REGISTER(0x60008090u)
#define RTC_WDT_PROTECT REGISTER(0x600080A8u)
#define SUPER_WDT_CONFIG REGISTER(0x600080ACu)
#define SUPER_WDT_PROTECT REGISTER(0x600080B0u)
#define TIMG0_WDT_CONFIG REGISTER(0x6001F048u)
#define TIMG0_WDT_PROTECT REGISTER(0x6001F064u)
#define WDT_KEY 0x50D83AA1u
#define SUPER_WDT_KEY 0x8F1D312Au
#define SUPER_WDT_AUTO_FEED 0x80000000u

const char ska_board_name[16] = SKA_BOARD_NAME;

void Uart_Handler(void); /* startup.c calls it for each interrupt, but none is enabled */
void Uart_Handler(void) {}

/* Turns two watchdogs off, and makes the third, the super watchdog, feed itself. */
static void watchdogs_off(void) {
    RTC_WDT_PROTECT = WDT_KEY;
    RTC_WDT_CONFIG = 0u;
    RTC_WDT_PROTECT = 0u;
    SUPER_WDT_PROTECT = SUPER_WDT_KEY;
    SUPER_WDT_CONFIG |= SUPER_WDT_AUTO_FEED;
    SUPER_WDT_PROTECT = 0u;
    TIMG0_WDT_PROTECT = WDT_KEY;
    TIMG0_WDT_CONFIG = 0u;
    TIMG0_WDT_PROTECT = 0u;
}

void ska_board_init(void) { watchdogs_off(); }

bool ska_board_has_byte(void) { return (UART_STATUS & STATUS_RXFIFO_CNT) != 0u; }

int16_t ska_board_read(void) {
    while ((UART_STATUS & STATUS_RXFIFO_CNT) == 0u) {
    }
    return (int16_t)(UART_FIFO & 0xFFu);
}

void ska_board_write(uint8_t byte) {
    while ((UART_STATUS & STATUS_TXFIFO_CNT) >= (FIFO_BYTES - 1u) * STATUS_TXFIFO_ONE) {
    }
    UART_FIFO = byte;
}
