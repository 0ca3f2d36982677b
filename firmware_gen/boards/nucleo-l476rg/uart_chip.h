/* USART2 of an STM32L4 with the core on HSI16, for uart_stm32.c (RM0351, chapters 6, 8 and 40). */
#ifndef UART_CHIP_H
#define UART_CHIP_H

#include "ska_board.h"
#include "ska_ring.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_CR REGISTER(0x40021000u)
#define RCC_CFGR REGISTER(0x40021008u)
#define RCC_AHB2ENR REGISTER(0x4002104Cu)
#define RCC_APB1ENR1 REGISTER(0x40021058u)
#define RCC_CR_HSION 0x100u
#define RCC_CR_HSIRDY 0x400u
#define RCC_CFGR_SW 0x3u
#define RCC_CFGR_SW_HSI16 0x1u
#define RCC_CFGR_SWS 0xCu
#define RCC_CFGR_SWS_HSI16 0x4u
#define RCC_AHB2ENR_GPIOAEN 0x1u
#define RCC_APB1ENR1_USART2EN 0x20000u

#define GPIOA_BASE 0x48000000u

#define USART_REGISTER(offset) REGISTER(SKA_UART_BASE + (offset))
#define USART_CR1 USART_REGISTER(0x00u)
#define USART_BRR USART_REGISTER(0x0Cu)    /* RM0351, 40.5.4 */
#define USART_STATUS USART_REGISTER(0x1Cu) /* ISR */
#define USART_ICR USART_REGISTER(0x20u)
#define USART_RX_DATA USART_REGISTER(0x24u) /* RDR */
#define USART_TX_DATA USART_REGISTER(0x28u) /* TDR */

#define CR1_UE 0x01u
#define CR1_RE 0x04u
#define CR1_TE 0x08u
#define CR1_RXNEIE 0x20u /* enables the interrupt of RXNE and of ORE */
#define STATUS_ORE 0x08u /* overrun: a byte came before the previous byte was read */
#define STATUS_RXNE 0x20u
#define STATUS_TXE 0x80u
#define ICR_ORECF 0x08u

#if SKA_CLOCK != 16000000
#error "this driver runs the core on HSI16, 16 MHz"
#endif

static inline void start_clocks(void) {
    RCC_CR |= RCC_CR_HSION; /* after reset, the core runs on MSI at 4 MHz */
    while ((RCC_CR & RCC_CR_HSIRDY) == 0u) {
    }
    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_SW) | RCC_CFGR_SW_HSI16;
    while ((RCC_CFGR & RCC_CFGR_SWS) != RCC_CFGR_SWS_HSI16) {
    }
    RCC_AHB2ENR |= RCC_AHB2ENR_GPIOAEN;
    RCC_APB1ENR1 |= RCC_APB1ENR1_USART2EN;
    (void)RCC_APB1ENR1; /* a new clock runs after two cycles (RM0351, 6.2.18) */
}

/* Puts the received byte, if there is one, in the ring. A read of RDR clears RXNE, but only ICR
 * clears ORE. If ORE stayed set, its interrupt would come again for ever. */
static inline void usart_receive(ska_ring_t *received) {
    const uint32_t status = USART_STATUS;
    if ((status & STATUS_RXNE) != 0u) {
        ska_ring_put(received, (uint8_t)(USART_RX_DATA & 0xFFu));
    }
    if ((status & STATUS_ORE) != 0u) {
        USART_ICR = ICR_ORECF;
    }
}

#endif
