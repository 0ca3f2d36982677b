/* storage.h: the firmware's flash or EEPROM, simulated in RAM; see ska_storage.h. */
#ifndef STORAGE_H
#define STORAGE_H

#include <stdint.h>

/* Erases the whole memory, as if new. */
void storage_clear(void);

/* Counts what broke the rules of the memory: accesses outside of it, writes of incomplete units,
 * erases that do not begin at a page, and bytes of flash that were written without an erase. */
extern uint64_t storage_misuses;

#endif
