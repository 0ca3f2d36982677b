/* fuzz_firmware.c: libFuzzer generates the bytes on the line to a newly started device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

static const uint8_t *left;
static const uint8_t *end;

static int16_t next(void) { return left == end ? (int16_t)-1 : (int16_t)*left++; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    left = data;
    end = data + size;
    device_run(next);
    if (device_counts.changed + device_counts.broken != 0) {
        (void)fprintf(stderr, "%llu changes without a good frame; promises broken, the first: %s\n",
                      (unsigned long long)device_counts.changed,
                      device_counts.first == NULL ? "none" : device_counts.first);
        abort();
    }
    return 0;
}

/* Finds the first run of bytes without a zero at or after a place. */
static size_t piece_at(const uint8_t *data, size_t size, size_t place, size_t *count) {
    while (place < size && data[place] == 0) {
        place++;
    }
    *count = 0;
    while (place + *count < size && data[place + *count] != 0) {
        (*count)++;
    }
    return place;
}

/* Random bytes hardly ever have a valid CRC. So up to half of the mutations change the content of a
 * valid frame and give it a valid CRC. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    uint8_t content[LINE_MOST];
    uint8_t line[LINE_ROOM(LINE_MOST)];
    size_t length = 0;
    size_t count = 0;
    const size_t place = size == 0 ? 0 : piece_at(data, size, seed / 2 % size, &count);
    if (seed % 2 == 0 || count == 0 || count > LINE_MOST ||
        !line_decode(data + place, count, content, &length)) {
        return LLVMFuzzerMutate(data, size, room);
    }
    length = LLVMFuzzerMutate(content, length, LINE_MOST / 2);
    const size_t written = line_encode(content, length, line);
    if (size - count + written > room) {
        return LLVMFuzzerMutate(data, size, room);
    }
    memmove(data + place + written, data + place + count, size - place - count);
    memcpy(data + place, line, written);
    return size - count + written;
}
