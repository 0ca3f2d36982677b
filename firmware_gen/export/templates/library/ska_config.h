/* ska_config.h - the values that depend on the board. Every file of the library includes this
 * header, so edit the values here, or define them for the library and the program alike.
 */
#ifndef SKA_CONFIG_H
#define SKA_CONFIG_H

/* The bytes that the serial line can receive while the network computes; the value is right for
 * the example that serves ska-edge. HardwareSerial of an Arduino with an AVR buffers 63 bytes.
 * If 0, a host sends one request at a time. */
#ifndef SKA_UART_BUFFER
#if defined(ARDUINO)
#define SKA_UART_BUFFER 63u
#else
#define SKA_UART_BUFFER 0u
#endif
#endif

/* Bits per second of the serial line. */
#ifndef SKA_UART_BAUD
#define SKA_UART_BAUD 115200u
#endif

/* The memory for saves; see ska_storage.h. An ATmega or ATtiny saves in its EEPROM, which
 * ska_storage_eeprom.c drives. On another core, define the four macros and write the three
 * functions of ska_storage.h. Without SKA_STORAGE_SIZE, the library cannot save.
 *
 * Two models in one program must not save in the same bytes. So give each model a part of the
 * EEPROM: define SKA_EEPROM_SIZE, its bytes, and SKA_STORAGE_ORIGIN, its first address; size 0
 * saves nothing. */
#if defined(__AVR__) && !defined(SKA_STORAGE_SIZE)
#include <avr/io.h>
#if defined(EECR)
#define SKA_EEPROM 1
#ifndef SKA_EEPROM_SIZE
#ifdef A_MODEL_HAS_THE_WHOLE_EEPROM
#error "two models save in the whole EEPROM; define SKA_EEPROM_SIZE and SKA_STORAGE_ORIGIN for both"
#endif
#define A_MODEL_HAS_THE_WHOLE_EEPROM 1
#define SKA_EEPROM_SIZE (E2END + 1u)
#endif
#define SKA_STORAGE_SIZE SKA_EEPROM_SIZE
#define SKA_STORAGE_PAGE 1u
#define SKA_STORAGE_UNIT 1u
#define SKA_STORAGE_WEAR 100000u
#endif
#endif

/* The limit on saves: SKA_SAVE_BUDGET in a row, and one more after each SKA_SAVE_INTERVAL seconds.
 * For requests over the line, the received bytes measure the time. A program that calls ska_save by
 * itself calls ska_journal_start once, and ska_journal_earn after each interval. If no host can
 * reach the program, set SKA_SAVE_BUDGET to 0, which turns the limit off. */
#ifndef SKA_SAVE_BUDGET
#define SKA_SAVE_BUDGET 200u
#endif
#ifndef SKA_SAVE_INTERVAL
#define SKA_SAVE_INTERVAL 30u
#endif

#endif
