/* fuzz_frame.c: libFuzzer tests the decoder and the encoder alone, against line.c. */
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "ska_board.h"
#include "ska_frame.h"

#if defined(SKA_MODEL_SYMBOL) /* ska.c would define this symbol */
__asm__(".globl " SKA_MODEL_SYMBOL "\n.set " SKA_MODEL_SYMBOL ", 1");
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t written[LINE_ROOM(LINE_MOST) + 1];
static size_t written_count;

void ska_board_write(uint8_t byte) {
    if (written_count == sizeof written) {
        abort();
    }
    written[written_count++] = byte;
}

static void require(bool kept) {
    if (!kept) {
        abort();
    }
}

/* Both decoders must find the same frames at the same bytes. */
static void decode(const uint8_t *data, size_t size) {
    static uint8_t content[LINE_MOST];
    ska_decoder_t decoder;
    size_t start = 0;
    uint32_t bad = 0;
    ska_decoder_init(&decoder);
    for (size_t i = 0; i < size; i++) {
        ska_frame_t frame;
        const bool found = ska_decoder_feed(&decoder, data[i]);
        size_t length = 0;
        bool expected = false;
        if (data[i] == 0) {
            expected = i > start && line_decode(data + start, i - start, content, &length) &&
                       length + 2 <= SKA_FRAME_MAX;
            bad += i > start && !expected;
            start = i + 1;
        }
        require(found == expected);
        if (found) {
            ska_decoder_frame(&decoder, &frame);
            require(frame.type == content[0] && frame.seq == content[1]);
            require(frame.length + 2u == length);
            require(memcmp(frame.payload, content + 2, frame.length) == 0);
        }
    }
    require(decoder.dropped == (bad < 0xFFFFu ? bad : 0xFFFFu));
}

/* Both encoders must write the same bytes. */
static void encode(const uint8_t *content, size_t length) {
    static uint8_t line[LINE_ROOM(LINE_MOST)];
    written_count = 0;
    ska_frame_write(content[0], content[1], content + 2, (uint16_t)(length - 2));
    const size_t count = line_encode(content, length, line);
    require(written_count == count + 1 && written[count] == 0);
    require(memcmp(written, line, count) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size <= LINE_MOST) {
        decode(data, size);
        if (size >= 2) {
            encode(data, size);
        }
    }
    return 0;
}
