/* The functions of ESP-IDF that line.c uses, over the standard input and output. */
#define _POSIX_C_SOURCE 200112L

#include <poll.h>
#include <unistd.h>

#include "driver/uart.h"

#define FIFO 128 /* the buffer of the driver must be larger than that of the UART */

static int installed;

void app_main(void);

int main(void) {
    app_main();
    return 0;
}

esp_err_t uart_driver_install(uart_port_t uart, int received, int sent, int queue_size,
                              QueueHandle_t *queue, int interrupts) {
    installed = 1;
    return uart == UART_NUM_0 && received > FIFO && sent == 0 && queue_size == 0 && queue == NULL &&
                   interrupts == 0
               ? ESP_OK
               : -1;
}

esp_err_t uart_param_config(uart_port_t uart, const uart_config_t *config) {
    return uart == UART_NUM_0 && config->baud_rate == 115200 &&
                   config->data_bits == UART_DATA_8_BITS && config->stop_bits == UART_STOP_BITS_1
               ? ESP_OK
               : -1;
}

int uart_read_bytes(uart_port_t uart, void *data, uint32_t size, TickType_t ticks) {
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    if (!installed || uart != UART_NUM_0 || poll(&input, 1, (int)ticks * 10) <= 0) {
        return 0;
    }
    if (read(STDIN_FILENO, data, size) < 1) {
        exit(EXIT_SUCCESS);
    }
    return 1;
}

int uart_write_bytes(uart_port_t uart, const void *data, size_t size) {
    return installed && uart == UART_NUM_0 ? (int)write(STDOUT_FILENO, data, size) : -1;
}
