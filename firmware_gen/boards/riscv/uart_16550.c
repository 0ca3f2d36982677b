/* UART driver for the 16550 (National Semiconductor PC16550D data sheet), with a platform-level
 * interrupt controller (RISC-V PLIC specification 1.0). The FIFOs stay off: an enabled FIFO starts
 * empty, which would drop a byte that a host has sent while the board started.
 *
 * The receive interrupt fills a ring while the firmware computes, and the core sleeps in WFI while
 * the ring is empty. Interrupts are off (mstatus.MIE) from the check of the ring to WFI. A pending
 * interrupt ends WFI, taken or not (Privileged Architecture 1.12, section 3.3.3), so a byte that
 * arrives in between is not missed: WFI returns at once, and the handler runs as soon as interrupts
 * are on again. */

#include "ska_baud.h"
#include "ska_board.h"
#include "ska_ring.h"

struct uart {
    uint8_t data; /* while LINE_DIVISOR is set: low byte of the divisor */
    uint8_t interrupts;
    uint8_t fifo;
    uint8_t line;
    uint8_t modem;
    uint8_t state;
};

#define UART ((volatile struct uart *)SKA_UART_BASE)
#define UART_INTERRUPT_RX 0x01u
#define UART_LINE_8N1 0x03u
#define UART_LINE_DIVISOR 0x80u
#define UART_RX_FULL 0x01u
#define UART_TX_EMPTY 0x20u

/* A bit takes 16 * divisor clocks; the divisor is rounded to the nearest integer. */
#define UART_DIVISOR ((SKA_CLOCK + 8u * SKA_UART_BAUD) / (16u * SKA_UART_BAUD))
#if UART_DIVISOR < 1 || UART_DIVISOR > 0xFFFF || SKA_BAUD_IS_OFF(16u * UART_DIVISOR)
#error "the clock of this board does not make this baud within 2.5 %: change baud in board.toml"
#endif

/* Context 0 of the controller: machine mode of the first core. */
#define PLIC_REGISTER(offset) (*(volatile uint32_t *)(0x0C000000u + (offset)))
#define PLIC_PRIORITY PLIC_REGISTER(4u * SKA_UART_RX_INTERRUPT)
#define PLIC_ENABLE PLIC_REGISTER(0x2000u + SKA_UART_RX_INTERRUPT / 32u * 4u)
#define PLIC_UART_RX (1u << SKA_UART_RX_INTERRUPT % 32u)
#define PLIC_THRESHOLD PLIC_REGISTER(0x200000u)
#define PLIC_CLAIM PLIC_REGISTER(0x200004u) /* a read claims an interrupt, a write completes it */

#define MIE_EXTERNAL 0x800u
#define MSTATUS_MIE "8" /* the bit MIE, as text for the instructions below */

/* The option enables Zicsr in the assembler; see board.toml. */
#define INTERRUPTS_OFF ".option arch, +zicsr\n\tcsrci mstatus, " MSTATUS_MIE
#define INTERRUPTS_ON ".option arch, +zicsr\n\tcsrsi mstatus, " MSTATUS_MIE

const char ska_board_name[16] = SKA_BOARD_NAME;

static ska_ring_t received;

/* Saves the registers that it uses, and ends with MRET; the trap handler of startup.c jumps here.
 */
__attribute__((interrupt)) void Uart_Handler(void);

__attribute__((interrupt)) void Uart_Handler(void) {
    const uint32_t number = PLIC_CLAIM;

    if ((UART->state & UART_RX_FULL) != 0u) {
        ska_ring_put(&received, UART->data);
    }
    PLIC_CLAIM = number;
}

void ska_board_init(void) {
    UART->line = UART_LINE_DIVISOR;
    UART->data = (uint8_t)(UART_DIVISOR % 256u);
    UART->interrupts = (uint8_t)(UART_DIVISOR / 256u); /* high byte of the divisor */
    UART->line = UART_LINE_8N1;
    PLIC_PRIORITY = 1u;
    PLIC_THRESHOLD = 0u;
    PLIC_ENABLE = PLIC_UART_RX;
    /* Last, because a waiting byte requests an interrupt from here on. */
    UART->interrupts = UART_INTERRUPT_RX;
    __asm__ volatile(".option arch, +zicsr\n\tcsrs mie, %0" ::"r"(MIE_EXTERNAL) : "memory");
    __asm__ volatile(INTERRUPTS_ON ::: "memory");
}

/* The receive interrupt only adds bytes to the ring, so it need not be masked here. */
bool ska_board_has_byte(void) { return !ska_ring_is_empty(&received); }

int16_t ska_board_read(void) {
    uint8_t byte;

    __asm__ volatile(INTERRUPTS_OFF ::: "memory");
    while (ska_ring_is_empty(&received)) {
        __asm__ volatile("wfi\n\t" INTERRUPTS_ON "\n\t" INTERRUPTS_OFF ::: "memory");
    }
    byte = ska_ring_take(&received);
    __asm__ volatile(INTERRUPTS_ON ::: "memory");
    return (int16_t)byte;
}

void ska_board_write(uint8_t byte) {
    while ((UART->state & UART_TX_EMPTY) == 0u) {
    }
    UART->data = byte;
}
