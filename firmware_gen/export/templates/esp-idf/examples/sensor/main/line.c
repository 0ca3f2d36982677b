/* line.c - UART 0, which most boards connect to USB. Its driver receives while the network
 * computes.
 */
#include "line.h"

#include <@NAME@.h>

#include "driver/uart.h"

#define LINE UART_NUM_0

void line_open(void) {
    const uart_config_t config = {
        .baud_rate = SKA_UART_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(LINE, SKA_UART_BUFFER, 0, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(LINE, &config));
}

int16_t line_read(bool wait) {
    uint8_t byte;
    return uart_read_bytes(LINE, &byte, 1, wait ? 1 : 0) == 1 ? (int16_t)byte : (int16_t)-1;
}

void line_write(uint8_t byte) { (void)uart_write_bytes(LINE, &byte, 1); }
