/* The four functions that a C compiler may call by itself, for images without a C library. They
 * are plain byte loops: the runtime copies little, so small code matters more than speed. */

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *left, const void *right, size_t count);

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    uint8_t *target = to;
    const uint8_t *source = from;
    size_t i;

    for (i = 0; i < count; ++i) {
        target[i] = source[i];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    uint8_t *target = to;
    const uint8_t *source = from;
    size_t i;

    if ((uintptr_t)target <= (uintptr_t)source) {
        for (i = 0; i < count; ++i) {
            target[i] = source[i];
        }
    } else {
        for (i = count; i > 0; --i) {
            target[i - 1] = source[i - 1];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t count) {
    uint8_t *target = to;
    size_t i;

    for (i = 0; i < count; ++i) {
        target[i] = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t count) {
    const uint8_t *a = left;
    const uint8_t *b = right;
    size_t i;

    for (i = 0; i < count; ++i) {
        if (a[i] != b[i]) {
            return (int)a[i] - (int)b[i];
        }
    }
    return 0;
}
