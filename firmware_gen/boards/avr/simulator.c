/* An ATmega in libsimavr, with its USART0 on a pseudo terminal:
 *
 *     simulator FIRMWARE.ELF MCU HERTZ BAUD
 *
 * prints the path of the serial port and runs until it is stopped. firmware_gen/emulators/simavr.py
 * compiles it when a board starts. Time is counted in clock cycles of the simulated chip; the
 * simulation runs as fast as this computer can. Bytes take their time on the line, and arrive
 * whether or not the firmware reads them, as on a real line. While the firmware sleeps and the line
 * is idle, simulated time stops and the simulator uses no processor time. */

#define _XOPEN_SOURCE 600

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

#define BUFFER_SIZE 512u

#define BITS_A_BYTE 10u /* with the start and stop bits */

/* The register that enables the receiver; it has the same address in all simulated chips. */
#define UCSR0B 0xC1u
#define RXEN0 0x10u

static int port = -1;
static avr_cycle_count_t byte_time; /* clock cycles per byte on the line */

static uint8_t input[BUFFER_SIZE];
static size_t input_at = 0;
static size_t input_count = 0;
static avr_cycle_count_t next_move = 0; /* when move_bytes is due */
static avr_cycle_count_t idle_from = 0; /* from here on, the chip has had time for the last byte */

static uint8_t output[BUFFER_SIZE];
static size_t output_count = 0;
static avr_cycle_count_t last_output = 0;

static void fail(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* Writes the buffered output to the port; waits as long as needed, so that no byte is lost. */
static void send_output(void) {
    size_t sent = 0;

    while (sent < output_count) {
        ssize_t count = write(port, output + sent, output_count - sent);

        if (count < 0) {
            fail("simulator: writing to the port");
        }
        sent += (size_t)count;
    }
    output_count = 0;
}

/* Called by libsimavr: the firmware has sent a byte. */
static void on_output(avr_irq_t *irq, uint32_t value, void *context) {
    const avr_t *avr = context;

    (void)irq;
    last_output = avr->cycle;
    output[output_count++] = (uint8_t)value;
    if (output_count == sizeof output) {
        send_output();
    }
}

/* Called by libsimavr: the chip sleeps for this many clocks. Without this
 * function, this computer would sleep for the same time.
 */
static void on_sleep(avr_t *avr, avr_cycle_count_t clocks) {
    (void)avr;
    (void)clocks;
}

/* Opens a pseudo terminal in raw mode: no echo, no line discipline. The
 * simulator also keeps the port itself open, so its settings outlive a program that closes it. */
static void open_port(void) {
    struct termios settings;
    const char *path;
    int terminal;

    port = posix_openpt(O_RDWR | O_NOCTTY);
    if (port < 0 || grantpt(port) != 0 || unlockpt(port) != 0) {
        fail("simulator: opening a pseudo terminal");
    }
    path = ptsname(port);
    terminal = path == NULL ? -1 : open(path, O_RDWR | O_NOCTTY);
    if (terminal < 0 || tcgetattr(terminal, &settings) != 0) {
        fail("simulator: opening the pseudo terminal");
    }
    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    if (tcsetattr(terminal, TCSANOW, &settings) != 0) {
        fail("simulator: setting the pseudo terminal to raw");
    }
    (void)printf("%s\n", path);
    (void)fflush(stdout);
}

/* The state of USART0 in libsimavr. */
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

static avr_irq_t *uart_irq(avr_t *avr, int number) {
    return avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), number);
}

static avr_t *load(const char *elf, const char *mcu, uint32_t hertz) {
    elf_firmware_t firmware;
    avr_t *avr = avr_make_mcu_by_name(mcu);
    uint32_t flags = 0;

    if (avr == NULL) {
        (void)fprintf(stderr, "simulator: libsimavr has no %s\n", mcu);
        exit(EXIT_FAILURE);
    }
    (void)avr_init(avr);
    (void)memset(&firmware, 0, sizeof firmware);
    if (elf_read_firmware(elf, &firmware) != 0) {
        (void)fprintf(stderr, "simulator: %s cannot be loaded\n", elf);
        exit(EXIT_FAILURE);
    }
    firmware.frequency = hertz;
    avr_load_firmware(avr, &firmware);
    avr->log = LOG_ERROR;
    avr->sleep = on_sleep;

    /* By default, libsimavr prints the output of a UART, and sleeps when its state is read. */
    (void)avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    (void)avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(uart_irq(avr, UART_IRQ_OUTPUT), on_output, avr);
    return avr;
}

/* Reads bytes that a program has written to the port; if there are none, waits for them only if
 * `wait` is not 0. */
static void fetch_input(int wait) {
    struct pollfd ports = {port, POLLIN, 0};
    ssize_t got;

    if (!wait && poll(&ports, 1, 0) <= 0) {
        return;
    }
    got = read(port, input, sizeof input);
    if (got < 0) {
        fail("simulator: reading from the port");
    }
    input_at = 0;
    input_count = (size_t)got;
}

/* Runs once per byte time: passes the next byte to the chip, and the chip's output to the port.
 * Consecutive bytes go to the port together. */
static void move_bytes(avr_t *avr, avr_uart_t *uart) {
    uart->cycles_per_byte = byte_time; /* libsimavr counts a parity bit, which is not used */
    if (input_at == input_count) {
        fetch_input(0);
    }
    if (input_at < input_count) {
        avr_raise_irq(uart_irq(avr, UART_IRQ_INPUT), input[input_at++]);
        idle_from = avr->cycle + 2 * byte_time; /* the UART needs one more byte time */
    }
    if (output_count > 0 && avr->cycle - last_output > 2 * byte_time) {
        send_output();
    }
    next_move = avr->cycle + byte_time;
}

int main(int count, char **arguments) {
    avr_t *avr;
    avr_uart_t *uart;
    int after_sei;
    int state;

    if (count != 5) {
        (void)fprintf(stderr, "usage: simulator FIRMWARE.ELF MCU HERTZ BAUD\n");
        return EXIT_FAILURE;
    }
    avr = load(arguments[1], arguments[2], (uint32_t)strtoul(arguments[3], NULL, 10));
    byte_time = avr->frequency * BITS_A_BYTE / strtoul(arguments[4], NULL, 10);
    uart = uart_of(avr);
    open_port();
    do {
        after_sei = avr->interrupt_state == -1;
        state = avr_run(avr);
        /* The instruction after SEI is done, so a pending interrupt is taken now. libsimavr would
         * first execute one more instruction, which turns interrupts off if the firmware has tried
         * to sleep. */
        if (after_sei && avr->interrupt_state > 0) {
            avr_service_interrupts(avr);
        }
        if (avr->cycle < next_move || (avr->data[UCSR0B] & RXEN0) == 0) {
            continue; /* the line waits for the receiver, so a starting board loses nothing */
        }
        if (state == cpu_Sleeping && input_at == input_count && avr->cycle >= idle_from) {
            send_output();
            fetch_input(1);
        }
        move_bytes(avr, uart);
    } while (state != cpu_Done && state != cpu_Crashed);
    send_output();
    (void)fprintf(stderr, "the firmware failed at 0x%05lx\n", (unsigned long)avr->pc);
    return EXIT_FAILURE;
}
