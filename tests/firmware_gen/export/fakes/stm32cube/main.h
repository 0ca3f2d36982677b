/* A part of what CubeMX's main.h includes, for tests on a computer; see fake.c. */
#ifndef MAIN_H
#define MAIN_H

#include <stdint.h>

typedef enum { HAL_OK = 0, HAL_ERROR = 1, HAL_BUSY = 2, HAL_TIMEOUT = 3 } HAL_StatusTypeDef;
typedef enum { HAL_UART_STATE_READY = 0x20, HAL_UART_STATE_BUSY_RX = 0x22 } HAL_UART_StateTypeDef;

typedef struct {
    volatile HAL_UART_StateTypeDef RxState;
    uint8_t *pRxBuffPtr;
    volatile int Lock;
} UART_HandleTypeDef;

#define HAL_MAX_DELAY 0xFFFFFFFFu

HAL_StatusTypeDef HAL_UART_Receive_IT(UART_HandleTypeDef *uart, uint8_t *data, uint16_t size);
HAL_StatusTypeDef HAL_UART_Transmit(UART_HandleTypeDef *uart, const uint8_t *data, uint16_t size,
                                    uint32_t timeout);
void HAL_UART_RxCpltCallback(UART_HandleTypeDef *uart);
void __WFI(void);

#endif
