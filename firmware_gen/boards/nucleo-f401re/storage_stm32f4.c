/* Flash driver for the sectors 1 to 3 of an STM32F4 (RM0368, chapter 3), written by words, for a
 * supply of 2.7 V to 3.6 V.
 *
 * The core halts while flash is erased (0.25 s to 0.5 s for a sector of 16 KB) or programmed (16 us
 * for a word; DS10086, flash memory). Bytes that arrive meanwhile are lost, except one or two in
 * the USART. */

#include "ska_storage.h"

#define FLASH_REGISTER(offset) (*(volatile uint32_t *)(0x40023C00u + (offset)))
#define FLASH_ACR FLASH_REGISTER(0x00u)
#define FLASH_KEYR FLASH_REGISTER(0x04u)
#define FLASH_SR FLASH_REGISTER(0x0Cu)
#define FLASH_CR FLASH_REGISTER(0x10u)

#define KEY_1 0x45670123u /* RM0368, 3.5.1 */
#define KEY_2 0xCDEF89ABu
#define ACR_DCEN 0x400u
#define ACR_DCRST 0x1000u
#define SR_ERRORS 0xF2u /* OPERR, WRPERR, PGAERR, PGPERR, PGSERR; a written 1 clears its flag */
#define SR_BSY 0x10000u
#define CR_PG 0x1u
#define CR_SER 0x2u
#define CR_SNB 0x8u /* multiplied by the number of the sector */
#define CR_PSIZE_WORD 0x200u
#define CR_STRT 0x10000u
#define CR_LOCK 0x80000000u

#define FLASH_BEGIN 0x08000000u
#define SECTOR_BYTES 0x4000u /* the size of each of the sectors 0 to 3 */
#define SECTOR(offset) ((SKA_STORAGE_ORIGIN - FLASH_BEGIN + (offset)) / SECTOR_BYTES)
#if SKA_STORAGE_PAGE != 0x4000 || SKA_STORAGE_UNIT != 4
#error "this driver erases sectors of 16 KB, and writes words: see [storage] of board.toml"
#endif

/* Flash is programmed by words; the source bytes may be unaligned. */
typedef union {
    uint32_t whole;
    uint8_t bytes[4];
} word_t;

/* Waits for the end of an operation; returns whether it succeeded. */
static bool flash_wait(void) {
    while ((FLASH_SR & SR_BSY) != 0u) {
    }
    return (FLASH_SR & SR_ERRORS) == 0u;
}

/* Unlocks CR and sets it. A wrong key locks CR until the next reset, and so do the right keys while
 * CR is unlocked. Errors of earlier operations would stop this operation, so they are cleared. */
static void flash_begin(uint32_t control) {
    (void)flash_wait();
    if ((FLASH_CR & CR_LOCK) != 0u) {
        FLASH_KEYR = KEY_1;
        FLASH_KEYR = KEY_2;
    }
    FLASH_SR = SR_ERRORS;
    FLASH_CR = control;
}

static bool flash_end(void) {
    const bool good = flash_wait();
    FLASH_CR = CR_LOCK;
    return good;
}

/* An erase does not change what the data cache holds (RM0368, 3.5.5). The cache is off after reset,
 * and must be off while it is flushed. */
static void flash_flush_cache(void) {
    const uint32_t control = FLASH_ACR;
    if ((control & ACR_DCEN) != 0u) {
        FLASH_ACR = control & ~ACR_DCEN;
        FLASH_ACR = (control & ~ACR_DCEN) | ACR_DCRST;
        FLASH_ACR = control & ~ACR_DCEN;
        FLASH_ACR = control;
    }
}

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    const volatile uint8_t *flash = (const volatile uint8_t *)(SKA_STORAGE_ORIGIN + offset);
    for (uint16_t i = 0; i < count; i++) {
        bytes[i] = flash[i];
    }
}

bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    volatile uint32_t *flash = (volatile uint32_t *)(SKA_STORAGE_ORIGIN + offset);
    bool good = true;
    flash_begin(CR_PG | CR_PSIZE_WORD);
    for (uint16_t i = 0; good && i < count; i += sizeof(word_t)) {
        word_t word;
        for (uint8_t k = 0; k < sizeof(word_t); k++) {
            word.bytes[k] = bytes[i + k];
        }
        *flash = word.whole;
        flash++;
        good = flash_wait();
    }
    return flash_end() && good;
}

bool ska_storage_erase(uint32_t offset) {
    const uint32_t control = CR_SER | CR_PSIZE_WORD | SECTOR(offset) * CR_SNB;
    flash_begin(control);
    FLASH_CR = control | CR_STRT;
    const bool good = flash_end();
    flash_flush_cache();
    return good;
}
