/* storage.h: volatile memory for the tests; see ska_storage.h for its driver's functions. */
#ifndef STORAGE_H
#define STORAGE_H

#include <stdint.h>

/* Erases the whole memory, as if new. */
void storage_clear(void);

/* Counts how often a write broke the rules of the memory: it went over bytes that were not erased,
 * or past the end.
 */
extern uint64_t storage_misuses;

#endif
