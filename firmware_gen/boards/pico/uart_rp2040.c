/* UART driver for UART0 of an RP2040 on GP0 and GP1, with the core at 125 MHz (RP2040 data sheet,
 * 2.14 to 2.19 and 4.2). The receive interrupt moves bytes from the FIFO of 32 bytes to a ring
 * while the firmware computes, and the core sleeps while the ring is empty. */

#include "ska_baud.h"
#include "ska_board.h"
#include "uart_receive.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CLEAR(address) REGISTER((address) + 0x3000u) /* a written 1 clears its bit */

#define RESETS_RESET 0x4000C000u
#define RESETS_DONE REGISTER(0x4000C008u)
#define RESETS_USED 0x00401120u /* UART0, PLL_SYS, PADS_BANK0, IO_BANK0 */

#define XOSC_CTRL REGISTER(0x40024000u)
#define XOSC_STATUS REGISTER(0x40024004u)
#define XOSC_STARTUP REGISTER(0x4002400Cu)
#define XOSC_ENABLE 0x00FABAA0u /* on, for a crystal of 1 MHz to 15 MHz */
#define XOSC_STABLE 0x80000000u
#define XOSC_STARTUP_1MS 47u /* in units of 256 periods of the crystal of 12 MHz */

#define PLL_CS REGISTER(0x40028000u)
#define PLL_PWR 0x40028004u
#define PLL_FBDIV REGISTER(0x40028008u)
#define PLL_PRIM REGISTER(0x4002800Cu)
#define PLL_REFDIV 1u
#define PLL_LOCK 0x80000000u
#define PLL_PD_VCO 0x21u
#define PLL_PD_POSTDIV 0x08u
#define PLL_TIMES_125 125u         /* 12 MHz * 125 = 1500 MHz */
#define PLL_DIVIDED_BY_12 0x62000u /* first by 6, then by 2 */

#define CLK_REF_CTRL REGISTER(0x40008030u)
#define CLK_REF_SELECTED REGISTER(0x40008038u)
#define CLK_SYS_CTRL REGISTER(0x4000803Cu)
#define CLK_SYS_SELECTED REGISTER(0x40008044u)
#define CLK_PERI_CTRL REGISTER(0x40008048u)
#define CLK_REF_XOSC 2u
#define CLK_REF_IS_XOSC 4u
#define CLK_SYS_PLL 1u
#define CLK_SYS_IS_PLL 2u
#define CLK_PERI_ON 0x800u /* on, from clk_sys */

#define GPIO0_CTRL REGISTER(0x40014004u)
#define GPIO1_CTRL REGISTER(0x4001400Cu)
#define GPIO_UART 2u
#define PAD_GPIO1 REGISTER(0x4001C008u)
#define PAD_INPUT_PULLED_UP 0x4Au /* input, pull-up, Schmitt trigger */

#define UART_REGISTER(offset) REGISTER(SKA_UART_BASE + (offset))
#define UART_DR UART_REGISTER(0x00u)
#define UART_FR UART_REGISTER(0x18u)
#define UART_IBRD UART_REGISTER(0x24u)
#define UART_FBRD UART_REGISTER(0x28u)
#define UART_LCR_H UART_REGISTER(0x2Cu)
#define UART_CR UART_REGISTER(0x30u)
#define UART_IFLS UART_REGISTER(0x34u)
#define UART_IMSC UART_REGISTER(0x38u)
#define FR_RXFE 0x10u /* the receive FIFO is empty */
#define FR_TXFF 0x20u /* the transmit FIFO is full */
#define LCR_H_8_BITS 0x60u
#define LCR_H_FEN 0x10u
#define CR_UARTEN 0x001u
#define CR_TXE 0x100u
#define CR_RXE 0x200u
#define IFLS_4_BYTES 0u
#define IMSC_RXIM 0x10u /* the FIFO has as many bytes as IFLS says */
#define IMSC_RTIM 0x40u /* the FIFO has bytes, and 32 bit times passed without another */

#define NVIC_ENABLE REGISTER(0xE000E100u)
#define NVIC_UART_RX (1u << SKA_UART_RX_INTERRUPT)

/* 64 times the divisor of the clock; a bit takes 16 divided clocks. */
#define DIVISOR ((SKA_CLOCK * 4u + SKA_UART_BAUD / 2u) / SKA_UART_BAUD)
#if DIVISOR < 64 || SKA_BAUD_IS_OFF(DIVISOR / 4u)
#error "the clock of this board does not make this baud within 2.5 %, from 16 clocks a bit on"
#endif
#if SKA_CLOCK != 125000000
#error "this driver runs the core at 125 MHz"
#endif

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

void Uart_Handler(void); /* startup.c has it in the vector table */

/* The interrupts RXIM and RTIM end when the FIFO is empty. */
void Uart_Handler(void) {
    while ((UART_FR & FR_RXFE) == 0u) {
        ska_ring_put(&received, (uint8_t)(UART_DR & 0xFFu));
    }
}

/* Sets the core's clock to 125 MHz, made from the crystal. After a reset, the clock is an internal
 * oscillator of about 6 MHz. */
static void clocks_init(void) {
    XOSC_STARTUP = XOSC_STARTUP_1MS;
    XOSC_CTRL = XOSC_ENABLE;
    while ((XOSC_STATUS & XOSC_STABLE) == 0u) {
    }
    CLK_REF_CTRL = CLK_REF_XOSC;
    while ((CLK_REF_SELECTED & CLK_REF_IS_XOSC) == 0u) {
    }
    PLL_CS = PLL_REFDIV;
    PLL_FBDIV = PLL_TIMES_125;
    CLEAR(PLL_PWR) = PLL_PD_VCO;
    while ((PLL_CS & PLL_LOCK) == 0u) {
    }
    PLL_PRIM = PLL_DIVIDED_BY_12;
    CLEAR(PLL_PWR) = PLL_PD_POSTDIV;
    CLK_SYS_CTRL = CLK_SYS_PLL;
    while ((CLK_SYS_SELECTED & CLK_SYS_IS_PLL) == 0u) {
    }
    CLK_PERI_CTRL = CLK_PERI_ON;
}

void ska_board_init(void) {
    CLEAR(RESETS_RESET) = RESETS_USED;
    while ((RESETS_DONE & RESETS_USED) != RESETS_USED) {
    }
    clocks_init();
    PAD_GPIO1 = PAD_INPUT_PULLED_UP; /* a low line would be an endless break */
    UART_IBRD = DIVISOR / 64u;
    UART_FBRD = DIVISOR % 64u;
    UART_LCR_H = LCR_H_8_BITS | LCR_H_FEN; /* this write also takes over the divisor */
    UART_IFLS = IFLS_4_BYTES;
    UART_IMSC = IMSC_RXIM | IMSC_RTIM;
    UART_CR = CR_UARTEN | CR_TXE | CR_RXE;
    GPIO0_CTRL = GPIO_UART;
    GPIO1_CTRL = GPIO_UART;
    NVIC_ENABLE = NVIC_UART_RX;
    __asm__ volatile("cpsie i" ::: "memory");
}

/* The receive interrupt only adds bytes to the ring, so it need not be masked here. */
bool ska_board_has_byte(void) { return !ska_ring_is_empty(&received); }

int16_t ska_board_read(void) { return uart_receive(&received); }

void ska_board_write(uint8_t byte) {
    while ((UART_FR & FR_TXFF) != 0u) {
    }
    UART_DR = byte;
}
