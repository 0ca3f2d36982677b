/*
 * ska_storage.h: the interface between a board's non-volatile memory and ska_journal.c. The memory
 * is erased by pages (flash) or overwritten without an erase (EEPROM).
 *
 * The driver is the three functions below. Five macros describe the memory. The build defines them
 * from the table [storage] of board.toml; your own firmware defines them for all its files.
 *
 *     SKA_STORAGE_SIZE   bytes, from offset 0 on; undefined if the board has no such memory
 *     SKA_STORAGE_PAGE   bytes that one erase clears to 0xFF; 1: bytes are overwritten without
 *                        an erase, and ska_storage_erase is never called
 *     SKA_STORAGE_UNIT   bytes that one write programs: 1, 2, 4, 8, 16 or 32
 *     SKA_STORAGE_WEAR   erases that a page endures, from the data sheet
 *     SKA_STORAGE_ORIGIN only for the driver: the address of offset 0, if the memory has addresses
 *
 * The functions are never called from an interrupt, or while another of them runs.
 */
#ifndef SKA_STORAGE_H
#define SKA_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copies `count` bytes from `offset` on, for any range inside the memory. */
void ska_storage_read(uint32_t offset, uint8_t *bytes, uint16_t count);

/* Programs `count` bytes, which are erased unless SKA_STORAGE_PAGE is 1; offset and count are
 * multiples of the unit. Returns when the memory has finished; false if the memory reports a
 * failure. */
bool ska_storage_write(uint32_t offset, const uint8_t *bytes, uint16_t count);

/* Erases the page that begins at `offset`. Returns when the memory has finished; false on failure.
 */
bool ska_storage_erase(uint32_t offset);

#ifdef __cplusplus
}
#endif

#endif
