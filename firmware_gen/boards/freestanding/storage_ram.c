/* Emulates flash in ordinary memory: a write needs erased bytes, and an erase sets a page to 0xFF.
 * The driver refuses writes that break these rules, because flash would store garbage.
 *
 * The memory is at SKA_STORAGE_ORIGIN, which no linker script contains: the linker puts nothing
 * there, and the start-up code does not clear it. A board without such an address defines
 * ska_storage_memory instead.
 */

#include "ska_storage.h"

#define ERASED 0xFFu

#ifdef SKA_STORAGE_ORIGIN
static uint8_t *ska_storage_memory(void) { return (uint8_t *)SKA_STORAGE_ORIGIN; }
#else
/* Returns the address of SKA_STORAGE_SIZE bytes, the same at every call. */
uint8_t *ska_storage_memory(void);
#endif

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    const uint8_t *memory = ska_storage_memory() + offset;
    for (uint16_t i = 0; i < count; i++) {
        bytes[i] = memory[i];
    }
}

bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    uint8_t *memory = ska_storage_memory() + offset;
    if (offset % SKA_STORAGE_UNIT != 0u || count % SKA_STORAGE_UNIT != 0u ||
        offset > SKA_STORAGE_SIZE || count > SKA_STORAGE_SIZE - offset) {
        return false;
    }
    for (uint16_t i = 0; i < count; i++) {
        if (memory[i] != ERASED) {
            return false;
        }
    }
    for (uint16_t i = 0; i < count; i++) {
        memory[i] = bytes[i];
    }
    return true;
}

bool ska_storage_erase(uint32_t offset) {
    uint8_t *memory = ska_storage_memory() + offset;
    if (offset % SKA_STORAGE_PAGE != 0u || offset >= SKA_STORAGE_SIZE) {
        return false;
    }
    for (uint32_t i = 0; i < SKA_STORAGE_PAGE; i++) {
        memory[i] = ERASED;
    }
    return true;
}
