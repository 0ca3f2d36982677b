/* Flash driver for the serial flash of an RP2040, through the routines of its ROM (RP2040 data
 * sheet, 2.8.3.1.3).
 *
 * While a routine works on flash, nothing can be read from flash. The erase of a sector takes 45 ms
 * to 400 ms, and the programming of a page 0.4 ms to 3 ms (W25Q16JV data sheet, 9.6). So the
 * function that calls the routines is in RAM, and masks interrupts. Meanwhile, the UART keeps 32
 * received bytes; further ones are lost. */

#include "ska_storage.h"

#define FLASH_BEGIN 0x10000000u
#define SECTOR_BYTES 0x1000u
#define PAGE_BYTES 0x100u
#define ERASED 0xFFu
#if SKA_STORAGE_PAGE != 0x1000
#error "this driver erases sectors of 4 KB: see [storage] of board.toml"
#endif
/* Two arguments of flash_range_erase: the size of a larger block, and the flash command that erases
 * such a block. No erase here is as large as this block, so the routine erases only sectors. */
#define NO_BLOCK 0x80000000u
#define NO_COMMAND 0u

#define ROM_FUNCTION_TABLE 0x14u /* holds the 16-bit address of the routines' table */
#define ROM_CODE(first, second) ((uint32_t)(first) | (uint32_t)(second) << 8)

typedef struct {
    void (*connect_internal_flash)(void);
    void (*flash_exit_xip)(void);
    void (*flash_range_erase)(uint32_t, uint32_t, uint32_t, uint8_t);
    void (*flash_range_program)(uint32_t, const uint8_t *, uint32_t);
    void (*flash_flush_cache)(void);
    void (*flash_enter_cmd_xip)(void);
} rom_t;

static rom_t rom;
static uint8_t page[PAGE_BYTES];

/* The analysis of the stack cannot follow the calls that ska_flash_work makes. The value of this
 * symbol is the stack that these calls need, in bytes; test_machine.py measures this number. */
#define ROM_STACK "128"
__asm__(".globl ska_called_stack.ska_flash_work\n"
        "\t.set ska_called_stack.ska_flash_work, " ROM_STACK);

/* Hides a value from the compiler. Otherwise, the compiler would treat an address below 4096 as a
 * null pointer with an offset. It would also call a function in RAM with an instruction that does
 * not reach RAM. */
static uintptr_t hidden(uintptr_t value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

/* Returns the address of the routine with this code; the table has pairs of code and address. */
static uintptr_t rom_find(uint32_t code) {
    const uint16_t *entry = (const uint16_t *)hidden(*(const uint16_t *)hidden(ROM_FUNCTION_TABLE));
    while (entry[0] != code) {
        entry += 2;
    }
    return entry[1];
}

static void rom_init(void) {
    rom.connect_internal_flash = (void (*)(void))rom_find(ROM_CODE('I', 'F'));
    rom.flash_exit_xip = (void (*)(void))rom_find(ROM_CODE('E', 'X'));
    rom.flash_range_erase =
        (void (*)(uint32_t, uint32_t, uint32_t, uint8_t))rom_find(ROM_CODE('R', 'E'));
    rom.flash_range_program =
        (void (*)(uint32_t, const uint8_t *, uint32_t))rom_find(ROM_CODE('R', 'P'));
    rom.flash_flush_cache = (void (*)(void))rom_find(ROM_CODE('F', 'C'));
    rom.flash_enter_cmd_xip = (void (*)(void))rom_find(ROM_CODE('C', 'X'));
}

/* Programs a page, or erases a sector if `bytes` is null. `at` counts from the start of flash. */
void ska_flash_work(uint32_t at, const uint8_t *bytes);

__attribute__((section(".data.ska_flash_work"), noinline)) void
ska_flash_work(uint32_t at, const uint8_t *bytes) {
    uint32_t masked;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(masked)::"memory");
    rom.connect_internal_flash();
    rom.flash_exit_xip();
    if (bytes == 0) {
        rom.flash_range_erase(at, SECTOR_BYTES, NO_BLOCK, NO_COMMAND);
    } else {
        rom.flash_range_program(at, bytes, PAGE_BYTES);
    }
    rom.flash_flush_cache();
    rom.flash_enter_cmd_xip();
    __asm__ volatile("msr primask, %0" ::"r"(masked) : "memory");
}

static void flash_work(uint32_t offset, const uint8_t *bytes) {
    void (*work)(uint32_t, const uint8_t *);
    rom_init();
    work = (void (*)(uint32_t, const uint8_t *))hidden((uintptr_t)ska_flash_work);
    work(SKA_STORAGE_ORIGIN - FLASH_BEGIN + offset, bytes);
}

void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count) {
    const volatile uint8_t *flash = (const volatile uint8_t *)(SKA_STORAGE_ORIGIN + offset);
    for (uint16_t i = 0; i < count; i++) {
        bytes[i] = flash[i];
    }
}

/* Programs whole pages of 256 bytes; the bytes of 0xFF in a page change nothing. The ROM's routines
 * report no failure, so this function reports none. The journal reads back what it has written. */
bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count) {
    uint16_t done = 0;
    while (done < count) {
        const uint32_t start = (offset + done) / PAGE_BYTES * PAGE_BYTES;
        for (uint16_t i = 0; i < PAGE_BYTES; i++) {
            page[i] = ERASED;
        }
        for (uint32_t i = offset + done - start; i < PAGE_BYTES && done < count; i++) {
            page[i] = bytes[done];
            done++;
        }
        flash_work(start, page);
    }
    return true;
}

bool ska_storage_erase(uint32_t offset) {
    flash_work(offset, 0);
    return true;
}
