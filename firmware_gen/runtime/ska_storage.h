/*
 * ska_storage.h: what a board gives to ska_journal.c, so that a network outlives a restart: memory
 * that keeps its bytes without power and is erased by pages (flash), or written over (EEPROM).
 *
 * The driver is the three functions below. Its geometry is five macros, which the build makes of
 * the table [storage] of board.toml; a firmware of one's own defines them for all files it
 * compiles.
 *
 *     SKA_STORAGE_SIZE   bytes, from offset 0 on; not defined: the board has no such memory
 *     SKA_STORAGE_PAGE   bytes that one erase clears to 0xFF; 1: bytes are written over without
 *                        an erase, and ska_storage_erase is never called
 *     SKA_STORAGE_UNIT   bytes that are programmed at once: 1, 2, 4, 8, 16 or 32
 *     SKA_STORAGE_WEAR   erases that a page endures, by the data sheet
 *     SKA_STORAGE_ORIGIN for the driver alone: the address of offset 0, where memory has addresses
 *
 * No call is made from an interrupt, or while another one runs.
 */
#ifndef SKA_STORAGE_H
#define SKA_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copies `count` bytes from `offset` on; any offset and count inside the memory. */
void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count);

/* Programs `count` bytes, which were erased before; offset and count are multiples of the unit.
 * Waits until it is done; false when the memory reports that it failed. */
bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count);

/* Erases the page that begins at `offset`. Waits until it is done; false when that failed. */
bool ska_storage_erase(uint32_t offset);

#ifdef __cplusplus
}
#endif

#endif
