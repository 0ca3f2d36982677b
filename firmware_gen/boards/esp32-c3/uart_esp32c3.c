/* UART driver for UART0 of an ESP32-C3 (Technical Reference Manual, chapters UART, IO MUX and
 * Watchdog Timers). The UART keeps 128 received bytes while the firmware computes; the driver polls
 * it.
 *
 * When the ROM starts the image, watchdogs are on, which would reset the chip. The UART may
 * still be sending a text of the ROM at 115,200 baud. */

#include "ska_board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_FIFO REGISTER(SKA_UART_BASE + 0x00u)
#define UART_CLKDIV REGISTER(SKA_UART_BASE + 0x14u)
#define UART_STATUS REGISTER(SKA_UART_BASE + 0x1Cu)
#define UART_CONF0 REGISTER(SKA_UART_BASE + 0x20u)
#define UART_FSM_STATUS REGISTER(SKA_UART_BASE + 0x6Cu)
#define UART_CLK_CONF REGISTER(SKA_UART_BASE + 0x78u)
#define STATUS_RXFIFO_CNT 0x3FFu
#define STATUS_TXFIFO_CNT 0x3FF0000u
#define STATUS_TXFIFO_ONE 0x10000u
#define FSM_STATUS_ST_UTX_OUT 0xF0u
#define CONF0_8N1 0x1000001Cu    /* UART_MEM_CLK_EN, 1 stop bit, 8 data bits, no parity */
#define CLK_CONF_XTAL 0x3700000u /* the crystal; clocks for the UART, its sender and receiver */
#define FIFO_BYTES 128u
#if SKA_UART_BUFFER > 128
#error "the FIFO keeps 128 bytes: see buffer of [uart] in board.toml"
#endif

/* The crystal has 40 MHz. A bit takes CLKDIV clocks of the crystal; CLKDIV includes sixteenths. */
#define XTAL_HZ 40000000u
#define UART_SIXTEENTHS ((16u * XTAL_HZ + SKA_UART_BAUD / 2u) / SKA_UART_BAUD)
#define UART_CLKDIV_VALUE (UART_SIXTEENTHS / 16u + (UART_SIXTEENTHS % 16u) * 0x100000u)
#if UART_SIXTEENTHS > 0xFFFF
#error "this baud is too low for the crystal: raise baud of [uart] in board.toml"
#endif

#define IO_MUX_U0RXD REGISTER(0x60009054u)
#define IO_MUX_U0TXD REGISTER(0x60009058u)
#define PIN_INPUT 0x300u  /* the UART's input, with a resistor that keeps an open line high */
#define PIN_OUTPUT 0x800u /* the UART's output, 20 mA */

#define RTC_WDT_CONFIG REGISTER(0x60008090u)
#define RTC_WDT_PROTECT REGISTER(0x600080A8u)
#define SUPER_WDT_CONFIG REGISTER(0x600080ACu)
#define SUPER_WDT_PROTECT REGISTER(0x600080B0u)
#define TIMG0_WDT_CONFIG REGISTER(0x6001F048u)
#define TIMG0_WDT_PROTECT REGISTER(0x6001F064u)
#define WDT_KEY 0x50D83AA1u
#define SUPER_WDT_KEY 0x8F1D312Au
#define SUPER_WDT_AUTO_FEED 0x80000000u
#define TIMG0_WDT_UPDATE 0x400000u /* all other bits are 0: the watchdog is off */

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
    TIMG0_WDT_CONFIG = TIMG0_WDT_UPDATE;
    TIMG0_WDT_PROTECT = 0u;
}

void ska_board_init(void) {
    watchdogs_off();
    while ((UART_STATUS & STATUS_TXFIFO_CNT) != 0u) {
    }
    while ((UART_FSM_STATUS & FSM_STATUS_ST_UTX_OUT) != 0u) {
    }
    UART_CLK_CONF = CLK_CONF_XTAL;
    UART_CLKDIV = UART_CLKDIV_VALUE;
    UART_CONF0 = CONF0_8N1;
    IO_MUX_U0RXD = PIN_INPUT;
    IO_MUX_U0TXD = PIN_OUTPUT;
}

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
