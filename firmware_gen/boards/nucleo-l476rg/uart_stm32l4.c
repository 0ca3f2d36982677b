/* UART driver for USART2 of an STM32L4 on PA2 and PA3, with the core on HSI16 (RM0351, chapters 6,
 * 8 and 40). The receive interrupt fills a ring while the firmware computes, and the core sleeps
 * while the ring is empty. */

#include "ska_baud.h"
#include "ska_board.h"
#include "uart_receive.h"

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

#define GPIOA_MODER REGISTER(0x48000000u) /* 2 bits for each pin */
#define GPIOA_PUPDR REGISTER(0x4800000Cu) /* 2 bits for each pin */
#define GPIOA_AFRL REGISTER(0x48000020u)  /* 4 bits for each of the pins 0 to 7 */

#define USART_REGISTER(offset) REGISTER(SKA_UART_BASE + (offset))
#define USART_CR1 USART_REGISTER(0x00u)
#define USART_BRR USART_REGISTER(0x0Cu)
#define USART_ISR USART_REGISTER(0x1Cu)
#define USART_ICR USART_REGISTER(0x20u)
#define USART_RDR USART_REGISTER(0x24u)
#define USART_TDR USART_REGISTER(0x28u)

#define CR1_UE 0x01u
#define CR1_RE 0x04u
#define CR1_TE 0x08u
#define CR1_RXNEIE 0x20u /* enables the interrupt of RXNE and of ORE */
#define ISR_ORE 0x08u    /* overrun: a byte came before the previous byte was read */
#define ISR_RXNE 0x20u
#define ISR_TXE 0x80u
#define ICR_ORECF 0x08u

/* The offset, in each group of registers, of the register that has the receive interrupt's bit. */
#define NVIC_OFFSET (SKA_UART_RX_INTERRUPT / 32u * 4u)
#define NVIC_ENABLE REGISTER(0xE000E100u + NVIC_OFFSET)
#define NVIC_UART_RX (1u << SKA_UART_RX_INTERRUPT % 32u)

/* A bit lasts BRR clocks (RM0351, 40.5.4). */
#define DIVIDER ((SKA_CLOCK + SKA_UART_BAUD / 2u) / SKA_UART_BAUD)
#if DIVIDER < 16 || SKA_BAUD_IS_OFF(DIVIDER)
#error "the clock of this board does not make this baud: take at least 16 clocks a bit"
#endif
#if SKA_CLOCK != 16000000
#error "this driver runs the core on HSI16, 16 MHz"
#endif

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

void Uart_Handler(void); /* startup.c has it in the vector table */

/* A read of RDR clears RXNE, but only ICR clears ORE. If ORE stayed set, its interrupt would come
 * again for ever. */
void Uart_Handler(void) {
    const uint32_t status = USART_ISR;
    if ((status & ISR_RXNE) != 0u) {
        ska_ring_put(&received, (uint8_t)(USART_RDR & 0xFFu));
    }
    if ((status & ISR_ORE) != 0u) {
        USART_ICR = ICR_ORECF;
    }
}

void ska_board_init(void) {
    RCC_CR |= RCC_CR_HSION; /* after reset, the core runs on MSI at 4 MHz */
    while ((RCC_CR & RCC_CR_HSIRDY) == 0u) {
    }
    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_SW) | RCC_CFGR_SW_HSI16;
    while ((RCC_CFGR & RCC_CFGR_SWS) != RCC_CFGR_SWS_HSI16) {
    }
    RCC_AHB2ENR |= RCC_AHB2ENR_GPIOAEN;
    RCC_APB1ENR1 |= RCC_APB1ENR1_USART2EN;
    (void)RCC_APB1ENR1; /* a new clock runs after two cycles (RM0351, 6.2.18) */
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
    while ((USART_ISR & ISR_TXE) == 0u) {
    }
    USART_TDR = byte;
}
