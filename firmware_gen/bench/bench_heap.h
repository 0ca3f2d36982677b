/* bench_heap.h - malloc and abort for a program of `ska-edge bench --compare FILE --library DIR`.
 *
 * FILE includes this header before the library. The heap is one array of BENCH_HEAP bytes. Blocks
 * are taken one after another. `free` frees only the newest block. This suits libraries that
 * allocate at the start. A library that needs more than the array gets NULL. Blocks have no header,
 * so a real allocator needs a little more RAM. */
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BENCH_ALIGNMENT 8u

static union {
    double aligned;
    unsigned char bytes[BENCH_HEAP];
} bench_heap;
static size_t bench_heap_used; /* bytes in use */
static size_t bench_heap_last; /* start of the newest block */
static size_t bench_heap_most; /* the largest number of bytes that were in use */

/* Empties the heap; `bench_init` calls it first. */
static void bench_heap_clear(void) {
    bench_heap_used = 0;
    bench_heap_last = 0;
}

uint32_t bench_heap_needed(void) { return (uint32_t)bench_heap_most; }

void *malloc(size_t size) {
    const size_t room = sizeof bench_heap.bytes - bench_heap_used;
    const size_t whole = (size + BENCH_ALIGNMENT - 1u) / BENCH_ALIGNMENT * BENCH_ALIGNMENT;
    if (whole < size || whole > room) {
        return NULL;
    }
    bench_heap_last = bench_heap_used;
    bench_heap_used += whole;
    if (bench_heap_used > bench_heap_most) {
        bench_heap_most = bench_heap_used;
    }
    return bench_heap.bytes + bench_heap_last;
}

void *calloc(size_t count, size_t size) {
    void *block = size != 0u && count > SIZE_MAX / size ? NULL : malloc(count * size);
    return block == NULL ? NULL : memset(block, 0, count * size);
}

void free(void *block) {
    if (block == bench_heap.bytes + bench_heap_last && bench_heap_used > bench_heap_last) {
        bench_heap_used = bench_heap_last;
    }
}

/* Copies the bytes of the old block to a new block. The size of the old block is not known, so
 * bytes after the old block are copied, too. */
void *realloc(void *block, size_t size) {
    void *moved = malloc(size);
    if (block != NULL && moved != NULL) {
        const size_t behind = (size_t)((unsigned char *)moved - (unsigned char *)block);
        memcpy(moved, block, behind < size ? behind : size);
    }
    return moved;
}

/* A board without an operating system cannot exit, so the host waits until its time limit. */
void abort(void) {
    for (;;) {
    }
}

#endif
