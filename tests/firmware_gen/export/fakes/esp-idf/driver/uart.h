/* A part of ESP-IDF's driver/uart.h for tests on a computer; see ../fake.c. */
#ifndef DRIVER_UART_H
#define DRIVER_UART_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef int esp_err_t;
typedef int uart_port_t;
typedef uint32_t TickType_t;
typedef void *QueueHandle_t;
typedef enum { UART_DATA_8_BITS = 3 } uart_word_length_t;
typedef enum { UART_PARITY_DISABLE = 0 } uart_parity_t;
typedef enum { UART_STOP_BITS_1 = 1 } uart_stop_bits_t;
typedef enum { UART_HW_FLOWCTRL_DISABLE = 0 } uart_hw_flowcontrol_t;
typedef enum { UART_SCLK_DEFAULT = 4 } uart_sclk_t;

typedef struct {
    int baud_rate;
    uart_word_length_t data_bits;
    uart_parity_t parity;
    uart_stop_bits_t stop_bits;
    uart_hw_flowcontrol_t flow_ctrl;
    uint8_t rx_flow_ctrl_thresh;
    uart_sclk_t source_clk;
} uart_config_t;

#define UART_NUM_0 0
#define ESP_OK 0
#define ESP_ERROR_CHECK(result)                                                                    \
    do {                                                                                           \
        if ((result) != ESP_OK) {                                                                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

esp_err_t uart_driver_install(uart_port_t uart, int received, int sent, int queue_size,
                              QueueHandle_t *queue, int interrupts);
esp_err_t uart_param_config(uart_port_t uart, const uart_config_t *config);
int uart_read_bytes(uart_port_t uart, void *data, uint32_t size, TickType_t ticks);
int uart_write_bytes(uart_port_t uart, const void *data, size_t size);

#endif
