/* Flash driver for bank 2 of an STM32L476 (RM0351, chapter 3), written by double words.
 *
 * Code runs from bank 1 while bank 2 is erased (22 ms per page) or written (82 us per double word),
 * and interrupts are served (DS10198, flash memory).
 *
 * A double word has an error correcting code. If power fails while it is written or erased, a later
 * read can find an error that cannot be corrected. The flash interface then raises the NMI, and the
 * read gives wrong bytes, which the CRC of the journal detects. The NMI must not stop the device.
 */

#include "ska_storage.h"

#define FLASH_REGISTER(offset) (*(volatile uint32_t *)(0x40022000u + (offset)))
#define FLASH_ACR FLASH_REGISTER(0x00u)
#define FLASH_KEYR FLASH_REGISTER(0x08u)
#define FLASH_SR FLASH_REGISTER(0x10u)
#define FLASH_CR FLASH_REGISTER(0x14u)
#define FLASH_ECCR FLASH_REGISTER(0x18u)

#define KEY_1 0x45670123u /* RM0351, 3.3.5 */
#define KEY_2 0xCDEF89ABu
#define ACR_DCEN 0x400u
#define ACR_DCRST 0x1000u
/* OPERR, PROGERR, WRPERR, PGAERR, SIZERR, PGSERR, MISERR, FASTERR, RDERR, OPTVERR; a written 1
 * clears its flag. */
#define SR_ERRORS 0xC3FAu
#define SR_BSY 0x10000u
#define CR_PG 0x1u
#define CR_PER 0x2u
#define CR_PNB 0x8u /* times the number of the page in its bank */
#define CR_BKER 0x800u
#define CR_STRT 0x10000u
#define CR_LOCK 0x80000000u
#define ECCR_BK_ECC 0x80000u /* the error is in bank 2 */
#define ECCR_ECCD 0x80000000u

#define BANK_2 0x08080000u
#define PAGE(offset) ((SKA_STORAGE_ORIGIN - BANK_2 + (offset)) / SKA_STORAGE_PAGE)
#if SKA_STORAGE_PAGE != 2048 || SKA_STORAGE_UNIT != 8
#error "this driver erases pages of 2 KB, and writes double words: see [storage] of board.toml"
#endif

/* Flash is written by double words; the source bytes may be unaligned. */
typedef union {
    uint32_t words[2];
    uint8_t bytes[8];
} double_word_t;

void Nmi_Handler(void); /* startup.c has it in the vector table */

/* Clears the error flag of a read in bank 2. Every other NMI stops the device, such as one for an
 * error in the image, which is in bank 1. */
void Nmi_Handler(void) {
    const uint32_t error = FLASH_ECCR;
    if ((error & ECCR_ECCD) == 0u || (error & ECCR_BK_ECC) == 0u) {
        for (;;) {
            __asm__ volatile("wfi");
        }
    }
    FLASH_ECCR = ECCR_ECCD;
}

/* Waits for the end of an operation; returns whether it succeeded. */
static bool flash_wait(void) {
    while ((FLASH_SR & SR_BSY) != 0u) {
    }
    return (FLASH_SR & SR_ERRORS) == 0u;
}

/* Unlocks CR and sets it; returns FLASH_ACR as it was. A wrong key would lock CR until the next
 * reset, and so would the right keys while CR is unlocked. Errors of earlier operations would stop
 * this operation, so they are cleared. A read of bank 1 while bank 2 is written can corrupt the
 * data cache (errata sheet ES0250, "Data cache might be corrupted"), so flash_begin turns the cache
 * off. */
static uint32_t flash_begin(uint32_t control) {
    const uint32_t access = FLASH_ACR;
    (void)flash_wait();
    FLASH_ACR = access & ~ACR_DCEN;
    if ((FLASH_CR & CR_LOCK) != 0u) {
        FLASH_KEYR = KEY_1;
        FLASH_KEYR = KEY_2;
    }
    FLASH_SR = SR_ERRORS;
    FLASH_CR = control;
    return access;
}

/* Locks CR, flushes the data cache, and restores FLASH_ACR. The cache must be flushed, because an
 * erase or a write does not change what it holds (RM0351, 3.3.4). */
static bool flash_end(uint32_t access) {
    const bool good = flash_wait();
    FLASH_CR = CR_LOCK;
    FLASH_ACR = (access & ~ACR_DCEN) | ACR_DCRST;
    FLASH_ACR = access & ~ACR_DCEN;
    FLASH_ACR = access;
    return good;
}

/* Interrupts are masked while a byte is read, so that the NMI never interrupts the UART's handler.
 * The bound of the stack counts only one handler. */
void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    const volatile uint8_t *flash = (const volatile uint8_t *)(SKA_STORAGE_ORIGIN + offset);
    for (uint16_t i = 0; i < count; i++) {
        __asm__ volatile("cpsid i" ::: "memory");
        bytes[i] = flash[i];
        __asm__ volatile("dsb\n\tcpsie i\n\tisb" ::: "memory");
    }
}

bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    volatile uint32_t *flash = (volatile uint32_t *)(SKA_STORAGE_ORIGIN + offset);
    bool good = true;
    const uint32_t access = flash_begin(CR_PG);
    for (uint16_t i = 0; good && i < count; i += sizeof(double_word_t)) {
        double_word_t both;
        for (uint8_t k = 0; k < sizeof(double_word_t); k++) {
            both.bytes[k] = bytes[i + k];
        }
        flash[0] = both.words[0];
        flash[1] = both.words[1];
        flash += 2;
        good = flash_wait();
    }
    return flash_end(access) && good;
}

bool ska_storage_erase(uint32_t offset) {
    const uint32_t control = CR_PER | CR_BKER | PAGE(offset) * CR_PNB;
    const uint32_t access = flash_begin(control);
    FLASH_CR = control | CR_STRT;
    return flash_end(access);
}
