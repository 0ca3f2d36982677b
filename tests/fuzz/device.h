/* device.h: the whole firmware as a function, and a watcher.
 *
 * The watcher reads the same bytes as the device, with line.c, and checks guarantees of the
 * protocol, such as that a request changes the network only when it may, and that each valid frame
 * is answered once. It does not check the results of learning; tests/agreement does that. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t starts;
    uint64_t bytes;
    uint64_t frames; /* pieces between zeros, valid frames or not */
    uint64_t good;   /* of these, frames with a good CRC that fit the device's buffer */
    uint64_t executed;
    uint64_t repeated;    /* requests that were answered again */
    uint64_t out_of_turn; /* requests that were refused for their seq */
    uint64_t refused;     /* requests in sequence that were refused for their contents */
    uint64_t pushed;      /* states received completely by PUSH */
    uint64_t saved;       /* SAVE requests that were executed */
    uint64_t changed;     /* changes of a network or token without a valid frame: must be 0 */
    uint64_t broken;      /* other broken guarantees: must be 0 */
    const char *first;    /* the first broken guarantee, or null */
} device_counts_t;

extern device_counts_t device_counts;

/* The source of the bytes for a device; a negative value ends the device's run. */
typedef int16_t (*device_source_t)(void);

/* Starts a new device and lets it run. */
void device_run(device_source_t source);

/* A source calls these to learn what the device expects: the seq of its next request, the token of
 * its state, and the number of its next sample. */
uint8_t device_next_seq(void);
uint32_t device_token(void);
uint32_t device_number(void);

/* These give the device's state and its size, whether the device waits for pieces of another state,
 * and how many bytes of that state it has.
 */
const uint8_t *device_state(uint32_t *count);
bool device_is_pushed(void);
uint32_t device_push_offset(void);

/* Counts a broken guarantee. */
void device_broke(const char *what);

#endif
