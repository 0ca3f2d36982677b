/* The host board: the firmware as a process of this machine, with its UART on a pseudo terminal.
 *
 * It prints the path of the port on standard output and serves until SIGTERM. SIGTERM is unblocked
 * only inside pselect(), so it is never missed and never interrupts a computation. */

#define _XOPEN_SOURCE 600

#include "ska_board.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

/* Output is buffered, because one system call per byte would be slow. It is sent when this many
 * bytes are in the buffer, or when the firmware next asks for input. */
#define OUTPUT_SIZE 512

const char ska_board_name[16] = SKA_BOARD_NAME;

static int port = -1;
static sigset_t open_signals; /* the signal mask while waiting */
static volatile sig_atomic_t stopping = 0;

/* While the firmware computes, further bytes wait in the pseudo terminal. */
static uint8_t input[SKA_UART_BUFFER];
static size_t input_at = 0;
static size_t input_count = 0;
static uint8_t output[OUTPUT_SIZE];
static size_t output_count = 0;

static void on_terminate(int number) {
    (void)number;
    stopping = 1;
}

static void fail(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* Sets raw mode: no echo, no line discipline. */
static void make_raw(int terminal) {
    struct termios settings;

    if (tcgetattr(terminal, &settings) != 0) {
        fail("host board: reading the settings of the pseudo terminal");
    }
    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    if (tcsetattr(terminal, TCSANOW, &settings) != 0) {
        fail("host board: setting the pseudo terminal to raw");
    }
}

/* Waits until the port can be read (or written), or until the board must stop. */
static void wait_for_port(int to_write) {
    fd_set ports;

    FD_ZERO(&ports);
    FD_SET(port, &ports);
    if (pselect(port + 1, to_write ? NULL : &ports, to_write ? &ports : NULL, NULL, NULL,
                &open_signals) < 0 &&
        errno != EINTR) {
        fail("host board: waiting for the port");
    }
}

static void send_output(void) {
    size_t sent = 0;

    while (sent < output_count && !stopping) {
        ssize_t count = write(port, output + sent, output_count - sent);

        if (count > 0) {
            sent += (size_t)count;
        } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
            fail("host board: writing to the port");
        } else {
            wait_for_port(1);
        }
    }
    output_count = 0;
}

void ska_board_init(void) {
    struct sigaction action;
    sigset_t blocked;
    const char *path;

    action.sa_handler = on_terminate;
    action.sa_flags = 0;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &blocked, &open_signals) != 0 ||
        sigaction(SIGTERM, &action, NULL) != 0) {
        fail("host board: preparing for SIGTERM");
    }
    (void)sigdelset(&open_signals, SIGTERM);

    port = posix_openpt(O_RDWR | O_NOCTTY);
    if (port < 0 || grantpt(port) != 0 || unlockpt(port) != 0 || (path = ptsname(port)) == NULL) {
        fail("host board: opening a pseudo terminal");
    } else {
        /* The firmware also keeps the terminal's other end open. So the port and its settings stay
         * when a program closes the port. */
        int terminal = open(path, O_RDWR | O_NOCTTY);

        if (terminal < 0 || fcntl(port, F_SETFL, O_NONBLOCK) != 0) {
            fail("host board: opening the pseudo terminal");
        }
        make_raw(terminal);
        (void)printf("%s\n", path);
        (void)fflush(stdout);
    }
}

/* Reads what has arrived at the port into the empty buffer; returns false if nothing has. */
static bool take_input(void) {
    const ssize_t count = read(port, input, sizeof input);

    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        fail("host board: reading from the port");
    }
    if (count <= 0) {
        return false;
    }
    input_at = 0;
    input_count = (size_t)count;
    return true;
}

bool ska_board_has_byte(void) {
    send_output();
    return stopping || input_at != input_count || take_input();
}

int16_t ska_board_read(void) {
    send_output();
    while (input_at == input_count) {
        if (stopping) {
            return -1;
        }
        if (!take_input()) {
            wait_for_port(0);
        }
    }
    return (int16_t)input[input_at++];
}

void ska_board_write(uint8_t byte) {
    output[output_count++] = byte;
    if (output_count == sizeof output) {
        send_output();
    }
}
