/* UART driver for USART2 of an STM32 on PA2 and PA3. The chip's registers, its clocks and its
 * handling of an overrun are in uart_chip.h. The receive interrupt fills a ring while the firmware
 * computes, and the core sleeps while the ring is empty. */

#include "ska_baud.h"
#include "ska_board.h"
#include "uart_chip.h"
#include "uart_receive.h"

#define GPIOA_MODER REGISTER(GPIOA_BASE)         /* 2 bits for each pin */
#define GPIOA_PUPDR REGISTER(GPIOA_BASE + 0x0Cu) /* 2 bits for each pin */
#define GPIOA_AFRL REGISTER(GPIOA_BASE + 0x20u)  /* 4 bits for each of the pins 0 to 7 */

/* The offset, in each group of registers, of the register that has the receive interrupt's bit. */
#define NVIC_OFFSET (SKA_UART_RX_INTERRUPT / 32u * 4u)
#define NVIC_ENABLE REGISTER(0xE000E100u + NVIC_OFFSET)
#define NVIC_UART_RX (1u << SKA_UART_RX_INTERRUPT % 32u)

/* A bit lasts BRR clocks. */
#define DIVIDER ((SKA_CLOCK + SKA_UART_BAUD / 2u) / SKA_UART_BAUD)
#if DIVIDER < 16 || SKA_BAUD_IS_OFF(DIVIDER)
#error "the clock of this board does not make this baud within 2.5 %, from 16 clocks a bit on"
#endif

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

void Uart_Handler(void); /* startup.c has it in the vector table */

void Uart_Handler(void) { usart_receive(&received); }

void ska_board_init(void) {
    start_clocks();
    GPIOA_AFRL = (GPIOA_AFRL & ~0xFF00u) | 0x7700u; /* PA2, PA3: function 7, USART2 */
    GPIOA_PUPDR = (GPIOA_PUPDR & ~0xC0u) | 0x40u;   /* PA3 is high if nothing drives it */
    GPIOA_MODER = (GPIOA_MODER & ~0xF0u) | 0xA0u;   /* PA2, PA3: alternate function */
    USART_BRR = DIVIDER;
    USART_CR1 = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
    NVIC_ENABLE = NVIC_UART_RX;
    __asm__ volatile("cpsie i" ::: "memory");
}

/* The receive interrupt only adds bytes to the ring, so it need not be masked here. */
bool ska_board_has_byte(void) { return !ska_ring_is_empty(&received); }

int16_t ska_board_read(void) { return uart_receive(&received); }

void ska_board_write(uint8_t byte) {
    while ((USART_STATUS & STATUS_TXE) == 0u) {
    }
    USART_TX_DATA = byte;
}
