/* Flash driver for the Nordic nRF51 by its NVMC (nRF51 Series Reference Manual 3.0, chapter 6).
 *
 * The core stands still while its flash is erased or programmed: 22 ms a page, 46 us a word. Bytes
 * that come over the UART meanwhile wait in its FIFO, which holds six. */

#include "ska_storage.h"

#define NVMC_REGISTER(offset) (*(volatile uint32_t *)(0x4001E000u + (offset)))
#define NVMC_READY NVMC_REGISTER(0x400u)
#define NVMC_CONFIG NVMC_REGISTER(0x504u)
#define NVMC_ERASE_PAGE NVMC_REGISTER(0x508u)

#define CONFIG_READ 0u
#define CONFIG_WRITE 1u
#define CONFIG_ERASE 2u

#define FLASH(offset) (SKA_STORAGE_ORIGIN + (offset))

static void nvmc_wait(void) {
    while (NVMC_READY == 0u) {
    }
}

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    const volatile uint8_t *flash = (const volatile uint8_t *)FLASH(offset);
    for (uint16_t i = 0; i < count; i++) {
        bytes[i] = flash[i];
    }
}

/* The NVMC reports no failure; the journal reads back what it has written. */
bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    volatile uint32_t *flash = (volatile uint32_t *)FLASH(offset);
    NVMC_CONFIG = CONFIG_WRITE;
    nvmc_wait();
    for (uint16_t i = 0; i < count; i += 4u) {
        *flash = (uint32_t)bytes[i] | (uint32_t)bytes[i + 1u] << 8 | (uint32_t)bytes[i + 2u] << 16 |
                 (uint32_t)bytes[i + 3u] << 24;
        flash++;
        nvmc_wait();
    }
    NVMC_CONFIG = CONFIG_READ;
    nvmc_wait();
    return true;
}

bool ska_storage_erase(uint32_t offset) {
    NVMC_CONFIG = CONFIG_ERASE;
    nvmc_wait();
    NVMC_ERASE_PAGE = FLASH(offset);
    nvmc_wait();
    NVMC_CONFIG = CONFIG_READ;
    nvmc_wait();
    return true;
}
