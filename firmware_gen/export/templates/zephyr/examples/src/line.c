/* line.c - the UART of Zephyr's console. The receive interrupt fills a ring while the network
 * computes.
 */
#include "line.h"

#include <@NAME@.h>
#include <stddef.h>
#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/ring_buffer.h>

static const struct device *const uart = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));
RING_BUF_DECLARE(received, SKA_UART_BUFFER);

static void on_interrupt(const struct device *device, void *data) {
    uint8_t byte;
    (void)data;
    (void)uart_irq_update(device);
    while (uart_irq_rx_ready(device) && uart_fifo_read(device, &byte, 1) == 1) {
        (void)ring_buf_put(&received, &byte, 1); /* if it is full, the host repeats its request */
    }
}

void line_open(void) {
    (void)uart_irq_callback_user_data_set(uart, on_interrupt, NULL);
    uart_irq_rx_enable(uart);
}

int16_t line_read(bool wait) {
    uint8_t byte;
    if (ring_buf_get(&received, &byte, 1) == 1) {
        return byte;
    }
    if (wait) {
        (void)k_msleep(1);
    }
    return -1;
}

void line_write(uint8_t byte) { uart_poll_out(uart, byte); }
