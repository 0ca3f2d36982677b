/* The functions of Zephyr that line.c uses, over the standard input and output. A thread plays the
 * receive interrupt. */
#define _POSIX_C_SOURCE 200112L

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/ring_buffer.h>

const struct device fake_uart = {1};

static uart_irq_callback_user_data_t on_interrupt;
static uint8_t arrived;
static int ready, updated;

static void *receive(void *unused) {
    while (read(STDIN_FILENO, &arrived, 1) == 1) {
        ready = 1;
        updated = 0;
        on_interrupt(&fake_uart, NULL);
    }
    exit(EXIT_SUCCESS);
    return unused;
}

int uart_irq_callback_user_data_set(const struct device *device,
                                    uart_irq_callback_user_data_t callback, void *data) {
    on_interrupt = callback;
    return device == &fake_uart && data == NULL ? 0 : -1;
}

void uart_irq_rx_enable(const struct device *device) {
    pthread_t thread;
    if (device != &fake_uart || pthread_create(&thread, NULL, receive, NULL) != 0) {
        abort();
    }
}

int uart_irq_update(const struct device *device) {
    updated = 1;
    return device == &fake_uart;
}

/* As in Zephyr, the answer is right only after uart_irq_update. */
int uart_irq_rx_ready(const struct device *device) {
    return device == &fake_uart && updated && ready;
}

int uart_fifo_read(const struct device *device, uint8_t *data, const int size) {
    if (device != &fake_uart || size < 1 || !ready) {
        return 0;
    }
    ready = 0;
    *data = arrived;
    return 1;
}

void uart_poll_out(const struct device *device, unsigned char character) {
    if (device != &fake_uart || write(STDOUT_FILENO, &character, 1) != 1) {
        abort();
    }
}

int32_t k_msleep(int32_t milliseconds) { return poll(NULL, 0, milliseconds); }

uint32_t ring_buf_put(struct ring_buf *ring, const uint8_t *data, uint32_t size) {
    if (size != 1 || ring->put - ring->take == ring->size) {
        return 0;
    }
    ring->bytes[ring->put % ring->size] = *data;
    __atomic_store_n(&ring->put, ring->put + 1, __ATOMIC_RELEASE);
    return 1;
}

uint32_t ring_buf_get(struct ring_buf *ring, uint8_t *data, uint32_t size) {
    if (size != 1 || __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) == ring->take) {
        return 0;
    }
    *data = ring->bytes[ring->take % ring->size];
    __atomic_store_n(&ring->take, ring->take + 1, __ATOMIC_RELEASE);
    return 1;
}
