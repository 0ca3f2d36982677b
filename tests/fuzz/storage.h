/* storage.h: volatile memory for the tests; see ska_storage.h for its driver's functions. */
#ifndef STORAGE_H
#define STORAGE_H

#include <stdint.h>

/* Erases all of it, like new memory. */
void storage_clear(void);

/* How often the rules of the memory were broken: a write over what is not erased, or past the end.
 */
extern uint64_t storage_misuses;

#endif
