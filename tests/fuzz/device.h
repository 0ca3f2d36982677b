/* device.h: the whole firmware as a function, and a watcher.
 *
 * The watcher reads what the device reads, by line.c, and follows what the protocol promises: who
 * may change the network when, and that each good frame is answered once. It does not know what
 * learning computes; tests/agreement does. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t starts;
    uint64_t bytes;
    uint64_t frames;      /* pieces between zeros, good or not */
    uint64_t good;        /* of these, frames with a good CRC that fit the device's buffer */
    uint64_t executed;    /* requests */
    uint64_t repeated;    /* requests that were answered again */
    uint64_t out_of_turn; /* requests that were refused for their seq */
    uint64_t refused;     /* requests that were in turn, and were refused for what they hold */
    uint64_t pushed;      /* states that came by PUSH, the last piece included */
    uint64_t saved;       /* by SAVE */
    uint64_t changed;     /* times that a network changed without a good frame: must be 0 */
    uint64_t broken;      /* other promises that were broken: must be 0 */
    const char *first;    /* what was broken first, or null */
} device_counts_t;

extern device_counts_t device_counts;

/* Where the bytes for a device come from; a negative one ends its run. */
typedef int16_t (*device_source_t)(void);

/* Starts a device, which knows nothing of those before, and lets it run. */
void device_run(device_source_t source);

/* For sources that want to say what the device expects: the seq of its next request, the token of
 * its state, and the number of its next sample. */
uint8_t device_next_seq(void);
uint32_t device_token(void);
uint32_t device_number(void);

/* Its state, of so many bytes; whether it waits for pieces of another, and how much of it it has.
 */
const uint8_t *device_state(uint32_t *count);
bool device_is_pushed(void);
uint32_t device_push_offset(void);

/* Counts a promise as broken. */
void device_broke(const char *what);

#endif
