/* An ATmega in libsimavr, its USART0 on a pseudo terminal:
 *
 *     simulator FIRMWARE.ELF MCU HERTZ
 *
 * prints the path of the serial port and runs until it is ended (firmware_gen/simavr.py compiles it
 * when a board is started). Time is that of the simulated chip: it runs as fast as this computer
 * can, bytes take their time on the line, and while the firmware waits for input it stands still
 * and takes no processor time. */

#define _XOPEN_SOURCE 600

#include <fcntl.h>
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

/* The firmware waits for input when it has looked so often at the state of the UART and neither got
 * nor sent a byte. Until the transmitter has sent the two bytes that it holds takes fewer looks: at
 * 10 bits of at most 200 clocks and 5 clocks a look, 800. */
#define WAITING_LOOKS 1000u

static int port = -1;
static unsigned looks = 0;
static int ready = 0; /* the UART takes bytes */

static uint8_t output[BUFFER_SIZE];
static size_t output_count = 0;

static void fail(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* Waits as long as it takes: a byte sent is never lost. */
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

/* libsimavr: the firmware has sent a byte. */
static void on_output(avr_irq_t *irq, uint32_t value, void *context) {
    (void)irq;
    (void)context;
    looks = 0;
    output[output_count++] = (uint8_t)value;
    if (output_count == sizeof output) {
        send_output();
    }
}

/* libsimavr: the firmware has looked at the state of a UART that has received all it was given. */
static void on_look(avr_irq_t *irq, uint32_t value, void *context) {
    (void)irq;
    (void)value;
    (void)context;
    ready = 1;
    ++looks;
}

/* libsimavr: the UART is full; more would be lost. */
static void on_full(avr_irq_t *irq, uint32_t value, void *context) {
    (void)irq;
    (void)value;
    (void)context;
    ready = 0;
}

/* A pseudo terminal with plain bytes both ways, no echo, no line discipline. Its other end stays
 * open: the port outlives every program that opens and closes it, with its settings. */
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

    /* By default libsimavr prints what a UART sends, and sleeps at every look at its state. */
    (void)avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    (void)avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(uart_irq(avr, UART_IRQ_OUTPUT), on_output, NULL);
    avr_irq_register_notify(uart_irq(avr, UART_IRQ_OUT_XON), on_look, NULL);
    avr_irq_register_notify(uart_irq(avr, UART_IRQ_OUT_XOFF), on_full, NULL);
    return avr;
}

int main(int count, char **arguments) {
    uint8_t input[BUFFER_SIZE];
    size_t input_at = 0;
    size_t input_count = 0;
    avr_t *avr;
    int state;

    if (count != 4) {
        (void)fprintf(stderr, "usage: simulator FIRMWARE.ELF MCU HERTZ\n");
        return EXIT_FAILURE;
    }
    avr = load(arguments[1], arguments[2], (uint32_t)strtoul(arguments[3], NULL, 10));
    open_port();
    do {
        state = avr_run(avr);
        while (ready && input_at < input_count) {
            looks = 0;
            avr_raise_irq(uart_irq(avr, UART_IRQ_INPUT), input[input_at++]);
        }
        if (ready && looks >= WAITING_LOOKS) {
            ssize_t got;

            send_output();
            got = read(port, input, sizeof input); /* sleeps until there is something */
            if (got < 0) {
                fail("simulator: reading from the port");
            }
            input_at = 0;
            input_count = (size_t)got;
        }
    } while (state != cpu_Done && state != cpu_Crashed);
    send_output();
    (void)fprintf(stderr, "the firmware failed at 0x%05lx\n", (unsigned long)avr->pc);
    return EXIT_FAILURE;
}
