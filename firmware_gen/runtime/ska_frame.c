/* ska_frame.c: see ska_frame.h. COBS: S. Cheshire and M. Baker, IEEE/ACM ToN 7(2), 1999. */
#include "ska_frame.h"

#include "ska_board.h"

#define COBS_BLOCK_MAX 254u /* maximum bytes between two code bytes */
#define FRAME_HEAD 2u       /* type and seq */
#define FRAME_CRC 2u

/* --- CRC -------------------------------------------------------------------------------------- */

uint16_t ska_crc_update(uint16_t crc, uint8_t byte) {
    crc = (uint16_t)(crc ^ (uint16_t)((uint16_t)byte << 8));
    for (uint8_t bit = 0; bit < 8u; bit++) {
        const uint16_t polynomial = (crc & 0x8000u) != 0 ? 0x1021u : 0u;
        crc = (uint16_t)((uint16_t)(crc << 1) ^ polynomial);
    }
    return crc;
}

static uint16_t crc_of(uint16_t crc, const uint8_t *bytes, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
        crc = ska_crc_update(crc, bytes[i]);
    }
    return crc;
}

/* --- decoder ---------------------------------------------------------------------------------- */

void ska_decoder_begin(ska_decoder_t *decoder) {
    decoder->length = 0;
    decoder->block = 0;
    decoder->zero = false;
    decoder->broken = false;
    decoder->whole = false;
}

void ska_decoder_init(ska_decoder_t *decoder) {
    ska_decoder_begin(decoder);
    decoder->dropped = 0;
}

/* This is the only function that writes content, so no input can write past its end. */
static void content_append(ska_decoder_t *decoder, uint8_t byte) {
    if (decoder->length >= SKA_FRAME_MAX) {
        decoder->broken = true;
        return;
    }
    decoder->content[decoder->length] = byte;
    decoder->length++;
}

/* At the closing zero, checks whether the content is a valid frame. */
static bool content_is_good(const ska_decoder_t *decoder) {
    const uint8_t *content = decoder->content;
    if (decoder->broken || decoder->block != 0 || decoder->length < FRAME_HEAD + FRAME_CRC) {
        return false;
    }
    const uint16_t end = (uint16_t)(decoder->length - FRAME_CRC);
    return ska_bytes_get_u16(&content[end]) == crc_of(SKA_CRC_START, content, end);
}

void ska_decoder_frame(const ska_decoder_t *decoder, ska_frame_t *frame) {
    frame->type = decoder->content[0];
    frame->seq = decoder->content[1];
    frame->length = (uint16_t)(decoder->length - FRAME_HEAD - FRAME_CRC);
    frame->payload = &decoder->content[FRAME_HEAD];
}

bool ska_decoder_feed(ska_decoder_t *decoder, uint8_t byte) {
    if (decoder->whole) {
        ska_decoder_begin(decoder);
    }
    if (byte == 0) {
        if (content_is_good(decoder)) {
            decoder->whole = true;
            return true;
        }
        /* A lone zero byte is neither a frame nor a bad frame. */
        const bool started = decoder->length != 0 || decoder->block != 0 || decoder->zero;
        if (started && decoder->dropped < 0xFFFFu) {
            decoder->dropped++;
        }
        ska_decoder_begin(decoder);
        return false;
    }
    if (decoder->block != 0) {
        decoder->block--;
        content_append(decoder, byte);
        return false;
    }
    /* A code byte: the previous block is complete. If a zero follows that block, it is content. */
    if (decoder->zero) {
        content_append(decoder, 0);
    }
    decoder->block = (uint8_t)(byte - 1u);
    decoder->zero = decoder->block != COBS_BLOCK_MAX;
    return false;
}

/* --- encoder ---------------------------------------------------------------------------------- */

/* The content of a frame before COBS; the payload is not copied. */
typedef struct {
    uint8_t head[FRAME_HEAD];
    const uint8_t *payload;
    uint16_t payload_end; /* position after the payload */
    uint8_t crc[FRAME_CRC];
} content_t;

static uint8_t content_at(const content_t *content, uint16_t position) {
    if (position < FRAME_HEAD) {
        return content->head[position];
    }
    if (position < content->payload_end) {
        return content->payload[position - FRAME_HEAD];
    }
    return content->crc[position - content->payload_end];
}

void ska_frame_write(uint8_t type, uint8_t seq, const uint8_t *payload, uint16_t length) {
    content_t content = {{type, seq}, payload, (uint16_t)(FRAME_HEAD + length), {0, 0}};
    const uint16_t crc = crc_of(crc_of(SKA_CRC_START, content.head, FRAME_HEAD), payload, length);
    ska_bytes_put_u16(content.crc, crc);

    const uint16_t end = (uint16_t)(content.payload_end + FRAME_CRC);
    uint16_t start = 0;
    bool more = true;
    while (more) {
        /* One block: the bytes up to the next zero, to the end, or to the maximum length. */
        uint16_t stop = start;
        uint8_t count = 0;
        while (stop < end && count < COBS_BLOCK_MAX && content_at(&content, stop) != 0) {
            stop++;
            count++;
        }
        ska_board_write((uint8_t)(count + 1u));
        for (uint16_t position = start; position < stop; position++) {
            ska_board_write(content_at(&content, position));
        }
        /* If content remains after a block that is not full, its next byte is a zero. The zero is
         * not sent, because the code byte of the block implies it. */
        more = stop < end;
        start = more && count < COBS_BLOCK_MAX ? (uint16_t)(stop + 1u) : stop;
    }
    ska_board_write(0);
}
