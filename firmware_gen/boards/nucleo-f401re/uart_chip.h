/* USART2 of an STM32F4, for uart_stm32.c (RM0368, chapters 6, 8 and 19). */
#ifndef UART_CHIP_H
#define UART_CHIP_H

#include "ska_board.h"
#include "ska_ring.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_AHB1ENR REGISTER(0x40023830u) /* RM0368, 6.3.9 */
#define RCC_APB1ENR REGISTER(0x40023840u) /* RM0368, 6.3.11 */
#define RCC_AHB1ENR_GPIOAEN 0x1u
#define RCC_APB1ENR_USART2EN 0x20000u

#define GPIOA_BASE 0x40020000u

/* A bit has 16 samples, and BRR is the length of a sample in sixteenths of a clock (RM0368,
 * 19.3.4). */
#define USART_REGISTER(offset) REGISTER(SKA_UART_BASE + (offset))
#define USART_STATUS USART_REGISTER(0x00u)  /* SR */
#define USART_RX_DATA USART_REGISTER(0x04u) /* DR */
#define USART_TX_DATA USART_REGISTER(0x04u) /* DR, too */
#define USART_BRR USART_REGISTER(0x08u)
#define USART_CR1 USART_REGISTER(0x0Cu)

#define STATUS_ORE 0x08u /* overrun: a byte came before the previous byte was read */
#define STATUS_RXNE 0x20u
#define STATUS_TXE 0x80u
#define CR1_RE 0x0004u
#define CR1_TE 0x0008u
#define CR1_RXNEIE 0x0020u /* enables the interrupt of RXNE and of ORE */
#define CR1_UE 0x2000u

static inline void start_clocks(void) {
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOAEN;
    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;
    (void)RCC_APB1ENR; /* a new clock runs after two cycles (RM0368, 6.3.9) */
}

/* Puts the received byte, if there is one, in the ring. A read of SR and then of DR clears RXNE and
 * ORE. ORE can come alone, if a byte is lost between these two reads; DR then has no new byte. */
static inline void usart_receive(ska_ring_t *received) {
    const uint32_t status = USART_STATUS;
    if ((status & (STATUS_RXNE | STATUS_ORE)) != 0u) {
        const uint8_t byte = (uint8_t)(USART_RX_DATA & 0xFFu);
        if ((status & STATUS_RXNE) != 0u) {
            ska_ring_put(received, byte);
        }
    }
}

#endif
