/* storage.h: volatile memory for the tests; see ska_storage.h for its driver's functions. */
#ifndef STORAGE_H
#define STORAGE_H

#include <stdint.h>

/* Erases the whole memory, as if new. */
void storage_clear(void);

/* Counts how often the rules of the memory were broken, by a write over bytes that are not erased,
 * or past the end.
 */
extern uint64_t storage_misuses;

#endif
