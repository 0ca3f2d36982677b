/* The functions of the HAL that line.c uses, over the standard input and output. A thread plays the
 * receive interrupt. As in early HALs, HAL_UART_Transmit locks the handle. If a byte arrives
 * meanwhile, its interrupt cannot ask for the next byte. */
#define _POSIX_C_SOURCE 200112L

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "main.h"

UART_HandleTypeDef huart2 = {HAL_UART_STATE_READY, NULL, 0};

void EXAMPLE(void);
int __io_putchar(int character);

static void *receive(void *unused) {
    uint8_t byte;
    for (;;) {
        while (huart2.RxState == HAL_UART_STATE_READY) {
            (void)poll(NULL, 0, 1); /* the byte waits on the line */
        }
        if (read(STDIN_FILENO, &byte, 1) != 1) {
            exit(EXIT_SUCCESS);
        }
        *huart2.pRxBuffPtr = byte;
        huart2.RxState = HAL_UART_STATE_READY;
        HAL_UART_RxCpltCallback(&huart2);
    }
    return unused;
}

HAL_StatusTypeDef HAL_UART_Receive_IT(UART_HandleTypeDef *uart, uint8_t *data, uint16_t size) {
    if (uart->Lock || uart->RxState != HAL_UART_STATE_READY) {
        return HAL_BUSY;
    }
    if (data == NULL || size != 1) {
        return HAL_ERROR;
    }
    uart->pRxBuffPtr = data;
    uart->RxState = HAL_UART_STATE_BUSY_RX;
    return HAL_OK;
}

HAL_StatusTypeDef HAL_UART_Transmit(UART_HandleTypeDef *uart, const uint8_t *data, uint16_t size,
                                    uint32_t timeout) {
    if (timeout != HAL_MAX_DELAY) {
        return HAL_ERROR;
    }
    uart->Lock = 1;
    if (write(STDOUT_FILENO, data, size) != (ssize_t)size) {
        abort();
    }
    uart->Lock = 0;
    return HAL_OK;
}

void __WFI(void) { (void)poll(NULL, 0, 1); }

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, receive, NULL) != 0) {
        abort();
    }
    EXAMPLE();
    return 0;
}
