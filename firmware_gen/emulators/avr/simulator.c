/* An ATmega in libsimavr, with its USART0 on a pseudo terminal:
 *
 *     simulator IMAGE MCU HERTZ BAUD [EEPROM [BOOT]]
 *
 * prints the path of the serial port and runs until it is stopped. firmware_gen/emulators/simavr.py
 * compiles and starts this program. IMAGE is an ELF file, or an Intel HEX file (.hex). EEPROM is
 * the descriptor of an open file with the bytes of the EEPROM, or -1 if all are erased. BOOT is the
 * address of a boot loader in IMAGE: the chip begins there after a reset, and opening the port
 * resets the chip, as DTR does on an Arduino board. A program that turns HUPCL off leaves DTR on
 * when it closes the port, so the next program that opens the port does not reset the chip.
 *
 * Time is counted in clock cycles of the simulated chip; the simulation runs as fast as this
 * computer can. Bytes take their time on the line. While the receiver is on, they arrive whether or
 * not the firmware reads them; while it is off, they wait. While the firmware sleeps and the line
 * is idle, simulated time stops and the simulator uses almost no processor time. */

#define _XOPEN_SOURCE 600

#include "chip.h"
#include "eeprom.h"
#include "usart.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <simavr/sim_hex.h>

#define BUFFER_SIZE 512u

#define BITS_A_BYTE 10u /* with the start and stop bits */

#define MCUSR 0x54u
#define EXTRF 0x02u

#define NO_BOOT UINT32_MAX
#define PATIENCE_MS 1000 /* how long simulated time may wait for a byte in a boot loader */

static int port = -1;
static uint32_t boot = NO_BOOT;
static int open_before = 0; /* with BOOT: whether a program had the port open when last checked */
static int dtr_stays = 0;   /* whether the last program that closed the port left DTR on */
static avr_cycle_count_t byte_time; /* clock cycles per byte on the line */

static uint8_t input[BUFFER_SIZE];
static size_t input_at = 0;
static size_t input_count = 0;
static avr_cycle_count_t next_move = 0; /* when move_bytes is due */
static avr_cycle_count_t last_move = 0; /* when the last byte was sent or received */

static uint8_t output[BUFFER_SIZE];
static size_t output_count = 0;

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

/* The firmware has sent a byte. */
static void on_output(const avr_t *avr, uint8_t byte) {
    last_move = avr->cycle;
    output[output_count++] = byte;
    if (output_count == sizeof output) {
        send_output();
    }
}

/* Called by libsimavr: the chip sleeps for this many clock cycles. Without this function, libsimavr
 * would make this computer sleep for the same time. */
static void on_sleep(avr_t *avr, avr_cycle_count_t clocks) {
    (void)clocks;
    if ((avr->data[SMCR] & SE) == 0) {
        chip_fault(avr, "it executes SLEEP while SE of SMCR is 0, so it does not sleep");
    }
    if ((avr->data[SMCR] & SM) != 0) {
        chip_fault(avr, "it sleeps in a mode that stops USART0; SM of SMCR must be 0");
    }
    usart_check_sleep(avr);
}

/* Opens a pseudo terminal in raw mode: no echo, no line discipline. Without a boot loader, the
 * simulator keeps the port open, so the port's settings stay when a program closes it. */
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
    if (boot != NO_BOOT) {
        settings.c_cflag |= HUPCL;
        (void)tcsetattr(terminal, TCSANOW, &settings);
        (void)close(terminal);
    }
    (void)printf("%s\n", path);
    (void)fflush(stdout);
}

/* Loads an Intel HEX file, which has no symbols. */
static void load_hex(avr_t *avr, const char *path) {
    ihex_chunk_p chunks = NULL;
    int count = read_ihex_chunks(path, &chunks);
    int i;

    if (count <= 0) {
        (void)fprintf(stderr, "simulator: %s cannot be loaded\n", path);
        exit(EXIT_FAILURE);
    }
    for (i = 0; i < count; i++) {
        if (chunks[i].baseaddr + chunks[i].size > avr->flashend + 1u) {
            (void)fprintf(stderr, "simulator: %s does not fit the flash\n", path);
            exit(EXIT_FAILURE);
        }
        avr_loadcode(avr, chunks[i].data, chunks[i].size, chunks[i].baseaddr);
    }
    avr->codeend = avr->flashend;
    chip_image(path, NULL);
}

static void load_elf(avr_t *avr, const char *path) {
    static elf_firmware_t firmware; /* the symbols are needed later */

    if (elf_read_firmware(path, &firmware) != 0) {
        (void)fprintf(stderr, "simulator: %s cannot be loaded\n", path);
        exit(EXIT_FAILURE);
    }
    firmware.frequency = avr->frequency;
    avr_load_firmware(avr, &firmware);
    chip_image(path, &firmware);
}

static avr_t *load(const char *path, const char *mcu, uint32_t hertz) {
    avr_t *avr = avr_make_mcu_by_name(mcu);
    size_t length = strlen(path);

    if (avr == NULL) {
        (void)fprintf(stderr, "simulator: libsimavr has no %s\n", mcu);
        exit(EXIT_FAILURE);
    }
    (void)avr_init(avr);
    avr->frequency = hertz;
    avr->log = LOG_ERROR;
    if (length > 4 && strcmp(path + length - 4, ".hex") == 0) {
        load_hex(avr, path);
    } else {
        load_elf(avr, path);
    }
    avr->log = LOG_ERROR;
    avr->sleep = on_sleep;
    if (boot != NO_BOOT) {
        avr->reset_pc = boot;
        avr->pc = boot;
        avr->codeend = avr->flashend;
    }
    return avr;
}

/* Reads bytes that a program has written to the port; if there are none, waits for them for at
 * most this many milliseconds (-1: as long as needed). Returns whether there are any. */
static int fetch_input(int milliseconds) {
    struct pollfd ports = {port, POLLIN, 0};
    ssize_t got;

    if (poll(&ports, 1, milliseconds) <= 0 || (ports.revents & POLLIN) == 0) {
        return 0;
    }
    got = read(port, input, sizeof input);
    if (got < 0) {
        fail("simulator: reading from the port");
    }
    input_at = 0;
    input_count = (size_t)got;
    return 1;
}

/* Runs once per byte time: passes the next byte to the chip, and the chip's output to the port.
 * Consecutive bytes go to the port together. */
static void move_bytes(avr_t *avr) {
    if (input_at == input_count) {
        (void)fetch_input(0);
    }
    if (input_at < input_count) {
        usart_receive(avr, input[input_at++]);
        last_move = avr->cycle;
    }
    if (output_count > 0 && avr->cycle - last_move > 2 * byte_time) {
        send_output();
    }
    next_move = avr->cycle + byte_time;
}

static int port_is_open(void) {
    struct pollfd ports = {port, 0, 0};

    return poll(&ports, 1, 0) == 0 || (ports.revents & POLLHUP) == 0;
}

/* Resets the chip, as its reset pin does, when a program opens the port, unless DTR stayed on. */
static void watch_port(avr_t *avr) {
    struct termios settings;
    int is_open = port_is_open();

    if (is_open && !open_before && !dtr_stays) {
        input_at = input_count = output_count = 0;
        avr_reset(avr);
        avr->data[MCUSR] = EXTRF;
        last_move = avr->cycle;
    }
    if (!is_open && tcgetattr(port, &settings) == 0) {
        dtr_stays = (settings.c_cflag & HUPCL) == 0;
    }
    open_before = is_open;
}

static void pause_shortly(void) {
    const struct timespec pause = {0, 2000000};

    (void)nanosleep(&pause, NULL);
}

/* Stops simulated time while a program has the port open and the boot loader waits for a byte, but
 * for at most PATIENCE_MS. The boot loader has a time limit, and the program on this computer may
 * be slow. */
static void wait_in_boot_loader(avr_t *avr) {
    if (!open_before || input_at < input_count || avr->cycle < last_move + avr->frequency / 10u) {
        return;
    }
    send_output();
    if (!fetch_input(PATIENCE_MS) && port_is_open()) {
        last_move = avr->cycle + (avr_cycle_count_t)avr->frequency * 10u; /* let time go on */
    }
}

/* Waits for a byte while the chip sleeps; with a boot loader, only for a short time. */
static void wait_asleep(void) {
    if (boot == NO_BOOT) {
        (void)fetch_input(-1);
    } else if (open_before) {
        (void)fetch_input(2); /* the program may close the port */
    } else {
        pause_shortly();
    }
}

int main(int count, char **arguments) {
    avr_t *avr;
    int after_sei;
    int is_ready = 0;
    int state;

    if (count < 5 || count > 7) {
        (void)fprintf(stderr, "usage: simulator IMAGE MCU HERTZ BAUD [EEPROM [BOOT]]\n");
        return EXIT_FAILURE;
    }
    if (count > 6) {
        boot = (uint32_t)strtoul(arguments[6], NULL, 0);
    }
    avr = load(arguments[1], arguments[2], (uint32_t)strtoul(arguments[3], NULL, 10));
    byte_time = avr->frequency * BITS_A_BYTE / strtoul(arguments[4], NULL, 10);
    usart_connect(avr, (uint32_t)strtoul(arguments[4], NULL, 10), on_output);
    eeprom_connect(avr, count > 5 ? atoi(arguments[5]) : -1);
    open_port();
    while (boot != NO_BOOT && !open_before) { /* the chip starts when a program opens the port */
        pause_shortly();
        watch_port(avr);
    }
    do {
        after_sei = avr->interrupt_state == -1;
        state = avr_run(avr);
        /* The instruction after SEI is done, so a pending interrupt is taken now. libsimavr would
         * first execute one more instruction, which turns interrupts off if the firmware has tried
         * to sleep. */
        if (after_sei && avr->interrupt_state > 0) {
            avr_service_interrupts(avr);
        }
        if (avr->cycle < next_move) {
            continue;
        }
        if (boot != NO_BOOT) {
            watch_port(avr);
            if (avr->pc >= boot) {
                wait_in_boot_loader(avr);
            }
        }
        if (!usart_listens(avr)) {
            next_move = avr->cycle + byte_time;
            is_ready = 0;
            continue; /* the line waits for the receiver, so a starting board loses nothing */
        }
        if (!is_ready) { /* the receiver needs the whole time of its first byte */
            next_move = avr->cycle + byte_time;
            is_ready = 1;
            continue;
        }
        if (state == cpu_Sleeping && input_at == input_count &&
            avr->cycle - last_move > 2 * byte_time) {
            send_output();
            wait_asleep();
        }
        move_bytes(avr);
    } while (state != cpu_Done && state != cpu_Crashed);
    send_output();
    if (state == cpu_Done && avr->sreg[S_I] == 0) {
        chip_fault(avr, "it sleeps with interrupts off, so no byte can wake it");
    }
    chip_fault(avr, "it has left its code, or met an instruction that the chip does not have");
    return EXIT_FAILURE;
}
