/* UART driver for USART2 of an STM32F4 on PA2 and PA3 (RM0368, chapters 6, 8 and 19). The receive
 * interrupt fills a ring while the firmware computes, and the core sleeps while the ring is empty.
 */

#include "ska_baud.h"
#include "ska_board.h"
#include "uart_receive.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_AHB1ENR REGISTER(0x40023830u) /* RM0368, 6.3.9 */
#define RCC_APB1ENR REGISTER(0x40023840u) /* RM0368, 6.3.11 */
#define RCC_AHB1ENR_GPIOAEN 0x1u
#define RCC_APB1ENR_USART2EN 0x20000u

#define GPIOA_MODER REGISTER(0x40020000u) /* 2 bits for each pin */
#define GPIOA_PUPDR REGISTER(0x4002000Cu) /* 2 bits for each pin */
#define GPIOA_AFRL REGISTER(0x40020020u)  /* 4 bits for each of the pins 0 to 7 */

#define USART_REGISTER(offset) REGISTER(SKA_UART_BASE + (offset))
#define USART_SR USART_REGISTER(0x00u)
#define USART_DR USART_REGISTER(0x04u)
#define USART_BRR USART_REGISTER(0x08u)
#define USART_CR1 USART_REGISTER(0x0Cu)

#define SR_ORE 0x08u /* overrun: a byte came before the previous byte was read */
#define SR_RXNE 0x20u
#define SR_TXE 0x80u
#define CR1_RE 0x0004u
#define CR1_TE 0x0008u
#define CR1_RXNEIE 0x0020u /* enables the interrupt of RXNE and of ORE */
#define CR1_UE 0x2000u

/* The offset, in each group of registers, of the register that has the receive interrupt's bit. */
#define NVIC_OFFSET (SKA_UART_RX_INTERRUPT / 32u * 4u)
#define NVIC_ENABLE REGISTER(0xE000E100u + NVIC_OFFSET)
#define NVIC_UART_RX (1u << SKA_UART_RX_INTERRUPT % 32u)

/* A bit has 16 samples, and BRR is the length of a sample in sixteenths of a clock (RM0368,
 * 19.3.4), so a bit lasts BRR clocks. */
#define DIVIDER ((SKA_CLOCK + SKA_UART_BAUD / 2u) / SKA_UART_BAUD)
#if DIVIDER < 16 || SKA_BAUD_IS_OFF(DIVIDER)
#error "the clock of this board does not make this baud: take at least 16 clocks a bit"
#endif

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

void Uart_Handler(void); /* startup.c has it in the vector table */

/* A read of SR and then of DR clears RXNE and ORE. ORE can come alone, if a byte is lost between
 * these two reads; DR then has no new byte. */
void Uart_Handler(void) {
    const uint32_t status = USART_SR;
    if ((status & (SR_RXNE | SR_ORE)) != 0u) {
        const uint8_t byte = (uint8_t)(USART_DR & 0xFFu);
        if ((status & SR_RXNE) != 0u) {
            ska_ring_put(&received, byte);
        }
    }
}

void ska_board_init(void) {
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOAEN;
    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;
    (void)RCC_APB1ENR; /* a new clock runs after two cycles (RM0368, 6.3.9) */
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
    while ((USART_SR & SR_TXE) == 0u) {
    }
    USART_DR = byte;
}
