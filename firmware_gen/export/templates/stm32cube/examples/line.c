/* line.c - the UART that CubeMX initialized as `huart2`. Its interrupt fills a ring while the
 * network computes. The example learn prints to the same UART with printf.
 */
#include "line.h"

#include "main.h" /* CubeMX writes it; it includes the HAL */

extern UART_HandleTypeDef huart2;
#define LINE huart2

int __io_putchar(int character); /* syscalls.c of CubeIDE calls it for printf */

static volatile uint8_t bytes[256];
static volatile uint8_t put;  /* position of the next received byte; it wraps by itself */
static volatile uint8_t take; /* position of the oldest byte */
static uint8_t latest;

/* Waits for the next byte, by interrupt. */
static void listen(void) { (void)HAL_UART_Receive_IT(&LINE, &latest, 1); }

void HAL_UART_RxCpltCallback(UART_HandleTypeDef *uart) {
    if (uart == &LINE) {
        if ((uint8_t)(put + 1u) != take) { /* if the ring is full, the host repeats its request */
            bytes[put] = latest;
            put = (uint8_t)(put + 1u);
        }
        listen();
    }
}

void line_open(void) { listen(); }

int16_t line_read(bool wait) {
    uint8_t byte;
    if (LINE.RxState == HAL_UART_STATE_READY) {
        listen(); /* an error has ended the reception, or a locked handle has prevented it */
    }
    if (put == take) {
        if (wait) {
            __WFI(); /* sleep until an interrupt; the HAL's tick comes every millisecond */
        }
        return -1;
    }
    byte = bytes[take];
    take = (uint8_t)(take + 1u);
    return byte;
}

void line_write(uint8_t byte) { (void)HAL_UART_Transmit(&LINE, &byte, 1, HAL_MAX_DELAY); }

int __io_putchar(int character) {
    line_write((uint8_t)character);
    return character;
}
