/* storage.c: memory with the rules of flash, or of EEPROM if a page is one byte. */
#include "storage.h"

#include <string.h>

#include "ska_storage.h"

uint64_t storage_misuses;

static uint8_t memory[SKA_STORAGE_SIZE];

static bool fits(uint32_t offset, uint32_t count) {
    const bool inside = offset <= sizeof memory && count <= sizeof memory - offset;
    storage_misuses += !inside;
    return inside;
}

void storage_clear(void) { memset(memory, 0xFF, sizeof memory); }

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    if (fits(offset, count)) {
        memcpy(bytes, memory + offset, count);
    }
}

bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    storage_misuses += offset % SKA_STORAGE_UNIT != 0 || count % SKA_STORAGE_UNIT != 0;
    if (!fits(offset, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        storage_misuses += SKA_STORAGE_PAGE > 1 && memory[offset + i] != 0xFF;
        memory[offset + i] = bytes[i];
    }
    return true;
}

bool ska_storage_erase(uint32_t offset) {
    storage_misuses += offset % SKA_STORAGE_PAGE != 0;
    if (!fits(offset, SKA_STORAGE_PAGE)) {
        return false;
    }
    memset(memory + offset, 0xFF, SKA_STORAGE_PAGE);
    return true;
}
