/* Flash driver for the serial flash of an ESP32-C3, through the routines of its ROM (ESP-IDF,
 * rom/spi_flash.h and esp32c3.rom.ld).
 *
 * The routines return when flash has finished. Code and data are in SRAM, so they need no flash
 * meanwhile. The erase of a sector takes about 45 ms, and at most 400 ms; the UART keeps 128
 * received bytes. The routines do not use the cache, so no cache must be flushed. */

#include "ska_storage.h"

#define SECTOR_BYTES 0x1000u
#define BLOCK_BYTES 0x10000u
#define PAGE_BYTES 0x100u
#define STATUS_MASK 0xFFFFu
#define FLASH_BYTES (SKA_STORAGE_ORIGIN + SKA_STORAGE_SIZE) /* the routines refuse more bytes */
#if SKA_STORAGE_PAGE != 0x1000 || SKA_STORAGE_UNIT != 4
#error "this driver erases sectors of 4 KB, and writes words: see [storage] of board.toml"
#endif

/* Routines of the ROM, which return 0 if they succeed; link_sram.ld has their addresses. `at` is a
 * byte address in flash, a multiple of 4; the argument of erase_sector is the number of a sector.
 */
int32_t esp_rom_spiflash_erase_sector(uint32_t sector);
int32_t esp_rom_spiflash_write(uint32_t at, const uint32_t *words, int32_t bytes);
int32_t esp_rom_spiflash_read(uint32_t at, uint32_t *words, int32_t bytes);
int32_t esp_rom_spiflash_config_param(uint32_t device, uint32_t flash, uint32_t block,
                                      uint32_t sector, uint32_t page, uint32_t status_mask);
int32_t esp_rom_spiflash_unlock(void);

enum { READ, WRITE, ERASE };

/* A piece of flash. */
static union {
    uint32_t words[16];
    uint8_t bytes[64];
} piece;
static uint32_t ready; /* 1 if the ROM knows the flash, and the protection is off */

/* The analysis of the stack cannot follow the calls that ska_flash_work makes. The value of this
 * symbol is an estimate of the stack that these calls need, in bytes. Espressif does not state this
 * number; the routines make few calls, so 512 bytes should suffice. */
#define ROM_STACK "512"
__asm__(".globl ska_called_stack.ska_flash_work\n"
        "\t.set ska_called_stack.ska_flash_work, " ROM_STACK);

/* Copies `bytes` bytes between flash and `piece`, or erases a sector. `at` counts from the start of
 * flash. Returns whether the ROM reports success. */
bool ska_flash_work(uint32_t kind, uint32_t at, uint32_t bytes);

__attribute__((noinline)) bool ska_flash_work(uint32_t kind, uint32_t at, uint32_t bytes) {
    int32_t failure;
    if (ready == 0u) {
        failure = esp_rom_spiflash_config_param(0u, FLASH_BYTES, BLOCK_BYTES, SECTOR_BYTES,
                                                PAGE_BYTES, STATUS_MASK);
        if (failure != 0 || esp_rom_spiflash_unlock() != 0) {
            return false;
        }
        ready = 1u;
    }
    if (kind == READ) {
        failure = esp_rom_spiflash_read(at, piece.words, (int32_t)bytes);
    } else if (kind == WRITE) {
        failure = esp_rom_spiflash_write(at, piece.words, (int32_t)bytes);
    } else {
        failure = esp_rom_spiflash_erase_sector(at / SECTOR_BYTES);
    }
    return failure == 0;
}

/* Returns how many of `count` bytes from `offset` on are in the same piece of flash. */
static uint16_t in_piece(uint32_t offset, uint16_t count) {
    const uint16_t room = (uint16_t)(sizeof piece - offset % sizeof piece);
    return count < room ? count : room;
}

/* If the ROM cannot read, the bytes are those of erased flash. */
void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    uint16_t done = 0;
    while (done < count) {
        const uint32_t first = (offset + done) % sizeof piece;
        const uint16_t part = in_piece(offset + done, (uint16_t)(count - done));
        const bool good =
            ska_flash_work(READ, SKA_STORAGE_ORIGIN + offset + done - first, sizeof piece);
        for (uint16_t i = 0; i < part; i++) {
            bytes[done + i] = good ? piece.bytes[first + i] : 0xFFu;
        }
        done = (uint16_t)(done + part);
    }
}

bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    uint16_t done = 0;
    bool good = true;
    while (good && done < count) {
        const uint16_t part = in_piece(offset + done, (uint16_t)(count - done));
        for (uint16_t i = 0; i < part; i++) {
            piece.bytes[i] = bytes[done + i];
        }
        good = ska_flash_work(WRITE, SKA_STORAGE_ORIGIN + offset + done, part);
        done = (uint16_t)(done + part);
    }
    return good;
}

bool ska_storage_erase(uint32_t offset) {
    return ska_flash_work(ERASE, SKA_STORAGE_ORIGIN + offset, 0u);
}
