/* Flash driver for the Nordic nRF51 and nRF52, whose flash controller is the NVMC (nRF51 Series
 * Reference Manual and nRF52833 Product Specification, chapters NVMC).
 *
 * The core halts while its flash is erased or programmed. On an nRF51, an erase of a page takes
 * about 22 ms, and a write of a word takes 48 us (S130 SoftDevice Specification, Flash memory API).
 * On an nRF52833, they take about 85 ms and 42 us. Meanwhile, bytes that arrive over the UART wait
 * in its FIFO, which holds six bytes. */

#include "ska_storage.h"

#define NVMC_REGISTER(offset) (*(volatile uint32_t *)(0x4001E000u + (offset)))
#define NVMC_READY NVMC_REGISTER(0x400u)
#define NVMC_CONFIG NVMC_REGISTER(0x504u)
#define NVMC_ERASE_PAGE NVMC_REGISTER(0x508u)

#define CONFIG_READ 0u
#define CONFIG_WRITE 1u
#define CONFIG_ERASE 2u

#define FLASH(offset) (SKA_STORAGE_ORIGIN + (offset))

/* Flash is programmed by words; the source bytes may be unaligned. */
typedef union {
    uint32_t whole;
    uint8_t bytes[4];
} word_t;

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

/* The NVMC reports no failure; the journal reads back the bytes that it has written. */
bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    volatile uint32_t *flash = (volatile uint32_t *)FLASH(offset);
    NVMC_CONFIG = CONFIG_WRITE;
    nvmc_wait();
    for (uint16_t i = 0; i < count; i += sizeof(word_t)) {
        word_t word;
        for (uint8_t k = 0; k < sizeof(word_t); k++) {
            word.bytes[k] = bytes[i + k];
        }
        *flash = word.whole;
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
