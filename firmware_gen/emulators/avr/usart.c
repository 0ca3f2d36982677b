#include "usart.h"

#include "chip.h"

#include <simavr/avr_uart.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UCSR0A 0xC0u
#define UCSR0B 0xC1u
#define UCSR0C 0xC2u
#define UBRR0L 0xC4u
#define UBRR0H 0xC5u
#define UDR0 0xC6u

#define RXC0 0x80u
#define UDRE0 0x20u
#define FE0 0x10u
#define DOR0 0x08u
#define UPE0 0x04u
#define U2X0 0x02u

#define RXCIE0 0x80u
#define RXEN0 0x10u
#define TXEN0 0x08u
#define UCSZ02 0x04u

#define FORMAT_8N1 0x06u

#define BITS_A_BYTE 10u /* with the start and stop bits, but no parity bit, unlike in libsimavr */

#define HELD 3u /* bytes: two in the buffer, and one in the shift register */

static avr_uart_t *uart;
static uint32_t line_baud;
static void (*on_sent)(const avr_t *avr, uint8_t byte);
static handlers_t status;
static handlers_t control;
static handlers_t data;
static uint8_t held[HELD];
static unsigned held_count = 0;
static int was_read = 0; /* whether the firmware has read UDR0 in the handler that runs */

static avr_uart_t *uart_of(const avr_t *avr) {
    avr_io_t *io = avr->io_port;

    while (io != NULL && (strcmp(io->kind, "uart") != 0 || ((avr_uart_t *)io)->name != '0')) {
        io = io->next;
    }
    if (io == NULL) {
        (void)fprintf(stderr, "simulator: this chip has no USART0\n");
        exit(EXIT_FAILURE);
    }
    return (avr_uart_t *)io;
}

/* Ends the process if the USART is off, has another format than 8N1, or is more than 2.5 % faster
 * or slower than the line. This limit is that of ska_baud.h. */
static void check_line(const avr_t *avr) {
    unsigned steps = (unsigned)(avr->data[UBRR0L] | (avr->data[UBRR0H] & 0x0Fu) << 8) + 1u;
    unsigned clocks = (avr->data[UCSR0A] & U2X0) != 0 ? 8u : 16u;
    double bit = (double)clocks * line_baud;
    double baud = (double)avr->frequency / clocks / steps;

    if ((avr->data[PRR] & PRUSART0) != 0) {
        chip_fault(avr, "it uses USART0 while PRUSART0 turns it off; clear this bit of PRR first");
    }
    if (baud > line_baud * 1.025 || baud < line_baud * 0.975) {
        chip_fault(avr,
                   "USART0 runs at %.0f baud, but the line at %lu; at its clock of %lu Hz and with"
                   " U2X0 = %u, UBRR0 must be %.0f, not %u",
                   baud, (unsigned long)line_baud, (unsigned long)avr->frequency,
                   (unsigned)(clocks == 8u), (double)(long)(avr->frequency / bit + 0.5) - 1,
                   steps - 1u);
    }
    if (avr->data[UCSR0C] != FORMAT_8N1 || (avr->data[UCSR0B] & UCSZ02) != 0) {
        chip_fault(avr, "USART0 has another format than 8 data bits, no parity, 1 stop bit");
    }
}

/* Only U2X0, MPCM0 and TXC0 can be written. */
static void write_status(avr_t *avr, avr_io_addr_t address, uint8_t value, void *context) {
    uint8_t fixed = RXC0 | UDRE0 | FE0 | DOR0 | UPE0;
    uint8_t before = avr->data[address] & fixed;

    (void)context;
    chip_write(&status, avr, address, value);
    avr->data[address] = (uint8_t)((avr->data[address] & ~fixed) | before);
}

static void write_control(avr_t *avr, avr_io_addr_t address, uint8_t value, void *context) {
    (void)context;
    chip_write(&control, avr, address, value);
    if ((value & TXEN0) == 0) {
        avr->data[UCSR0A] |= UDRE0; /* libsimavr clears it */
    }
    if ((value & RXEN0) == 0) { /* a receiver that is off loses its bytes */
        held_count = 0;
        avr->data[UCSR0A] &= (uint8_t)~RXC0;
    } else if (held_count > 0 && (value & RXCIE0) != 0) {
        (void)avr_raise_interrupt(avr, &uart->rxc);
    }
}

static uint8_t read_data(avr_t *avr, avr_io_addr_t address, void *context) {
    (void)context;
    if (held_count == 0) {
        chip_fault(avr, "it reads UDR0 although no byte has arrived; wait for RXC0");
    }
    was_read = 1;
    avr->data[address] = held[0];
    held_count--;
    (void)memmove(held, held + 1, held_count);
    avr->data[UCSR0A] &= (uint8_t)~(RXC0 | DOR0);
    avr_clear_interrupt(avr, &uart->rxc);
    if (held_count > 0) {
        (void)avr_raise_interrupt(avr, &uart->rxc);
    }
    return avr->data[address];
}

static void write_data(avr_t *avr, avr_io_addr_t address, uint8_t value, void *context) {
    (void)context;
    check_line(avr);
    if ((avr->data[UCSR0B] & TXEN0) == 0) {
        chip_fault(avr, "it sends a byte while TXEN0 of UCSR0B is 0");
    }
    if ((avr->data[UCSR0A] & UDRE0) == 0) {
        chip_fault(avr, "it sends a byte before UDR0 is free; wait for UDRE0");
    }
    uart->cycles_per_byte = avr->frequency * BITS_A_BYTE / line_baud;
    chip_write(&data, avr, address, value);
}

/* Called by libsimavr: the firmware has sent a byte. */
static void on_output(avr_irq_t *irq, uint32_t value, void *context) {
    (void)irq;
    on_sent(context, (uint8_t)value);
}

/* Called by libsimavr when the handler of the receive interrupt begins (1) or ends (0). */
static void on_handler(avr_irq_t *irq, uint32_t value, void *context) {
    (void)irq;
    if (value == 0 && !was_read) {
        chip_fault(context, "the interrupt handler leaves the byte in UDR0, so the interrupt comes"
                            " again for ever");
    }
    was_read = 0;
}

static void on_reset(avr_io_t *io) {
    uint8_t *registers = io->avr->data;

    held_count = 0;
    was_read = 0;
    registers[UCSR0A] = UDRE0;
    registers[UCSR0B] = 0;
    registers[UCSR0C] = FORMAT_8N1;
    registers[UBRR0L] = registers[UBRR0H] = 0;
}

void usart_connect(avr_t *avr, uint32_t baud, void (*sent)(const avr_t *avr, uint8_t byte)) {
    static avr_io_t part;
    uint32_t flags = 0;

    uart = uart_of(avr);
    line_baud = baud;
    on_sent = sent;
    part.kind = "line";
    part.reset = on_reset;
    avr_register_io(avr, &part);
    status = chip_hook(avr, UCSR0A, NULL, write_status);
    control = chip_hook(avr, UCSR0B, NULL, write_control);
    data = chip_hook(avr, UDR0, read_data, write_data);

    /* By default, libsimavr prints the output of a UART, and sleeps when its state is read. */
    (void)avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    (void)avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT),
                            on_output, avr);
    avr_irq_register_notify(uart->rxc.irq + AVR_INT_IRQ_RUNNING, on_handler, avr);
}

int usart_listens(const avr_t *avr) { return (avr->data[UCSR0B] & RXEN0) != 0; }

void usart_receive(avr_t *avr, uint8_t byte) {
    check_line(avr);
    if (held_count == HELD) {
        avr->data[UCSR0A] |= DOR0;
        return;
    }
    held[held_count++] = byte;
    (void)avr_raise_interrupt(avr, &uart->rxc);
}

void usart_check_sleep(const avr_t *avr) {
    if ((avr->data[UCSR0B] & RXEN0) == 0) {
        chip_fault(avr, "it sleeps, but no byte can wake it: set RXEN0 in UCSR0B");
    }
    if ((avr->data[UCSR0B] & RXCIE0) == 0) {
        chip_fault(avr, "it sleeps, but no byte can wake it: set RXCIE0 in UCSR0B");
    }
}
