/* EEPROM driver for an ATmega328P (data sheet, chapter AVR Memories) and an ATmega2560, whose
 * EEPROM is larger and otherwise the same. It uses avr-libc, which writes the registers in the
 * required order and time.
 *
 * A write of a byte typically takes 3.4 ms, including its erase (table EEPROM Mode Bits). Bytes
 * that already have the right value are not written, which saves wear and time. */

#include "ska_storage.h"

#include <avr/eeprom.h>

#ifndef SKA_STORAGE_ORIGIN
#define SKA_STORAGE_ORIGIN 0u
#endif

/* avr-libc takes EEPROM addresses as pointers. */
#define EEPROM(offset) ((void *)(uint16_t)(SKA_STORAGE_ORIGIN + (offset)))

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    eeprom_read_block(bytes, EEPROM(offset), count);
}

/* EEPROM reports no failure; the journal reads back the bytes that it has written. */
bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    eeprom_update_block(bytes, EEPROM(offset), count);
    eeprom_busy_wait(); /* until the last byte is written */
    return true;
}

/* Never called: bytes are overwritten without an erase. */
bool ska_storage_erase(uint32_t offset) {
    (void)offset;
    return false;
}
