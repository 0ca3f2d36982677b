/* line.c - the line of a program on a computer: its standard input and output. */
#define _POSIX_C_SOURCE 200112L

#include "line.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

void line_open(void) {}

int16_t line_read(bool wait) {
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    uint8_t byte;
    if (poll(&input, 1, wait ? -1 : 0) <= 0) {
        return -1;
    }
    if (read(STDIN_FILENO, &byte, 1) != 1) {
        exit(EXIT_SUCCESS); /* nobody can send any more */
    }
    return byte;
}

void line_write(uint8_t byte) {
    if (write(STDOUT_FILENO, &byte, 1) != 1) {
        exit(EXIT_FAILURE);
    }
}
