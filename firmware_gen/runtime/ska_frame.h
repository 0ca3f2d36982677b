/*
 * ska_frame.h: frames on the serial line.
 *
 * A frame is COBS(type, seq, payload, CRC-16) and one zero byte. COBS encodes the content without
 * zero bytes, so a zero always ends a frame, and a receiver can resynchronize at the next zero. The
 * CRC is CRC-16/CCITT-FALSE over type, seq and payload, low byte first.
 */
#ifndef SKA_FRAME_H
#define SKA_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_key.h"
#include "ska_messages.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes of the tag after a request that changes the device. */
#define SKA_TAG_ROOM (SKA_KEYED ? SKA_TAG_BYTES : 0u)

/* The largest content of a received frame: type, seq, payload, tag and two bytes of CRC. */
#define SKA_FRAME_MAX (SKA_REQUEST_MAX + SKA_TAG_ROOM + 4u)

/* A received frame with the right CRC. Its payload stays in place until the next byte goes to the
 * decoder. */
typedef struct {
    uint8_t type;
    uint8_t seq;
    uint16_t length; /* bytes of the payload */
    const uint8_t *payload;
} ska_frame_t;

/* Turns a stream of bytes into frames; all members are private. If all members are 0, it waits
 * for a frame. */
typedef struct {
    uint16_t length;  /* number of the decoded bytes */
    uint16_t dropped; /* invalid frames so far; the count stops at 65535 */
    uint8_t block;    /* bytes that the current COBS block still lacks */
    bool zero;        /* a zero byte of the content follows this block */
    bool broken;      /* the frame is too long: ignore everything up to the next zero byte */
    bool whole;       /* the content is a valid frame; the next byte discards it */
    uint8_t content[SKA_FRAME_MAX]; /* the bytes decoded so far */
} ska_decoder_t;

/* Returns the CRC after one more byte; start with SKA_CRC_START. */
#define SKA_CRC_START 0xFFFFu
uint16_t ska_crc_update(uint16_t crc, uint8_t byte);

/* Initializes the decoder: it waits for a frame, and has dropped nothing. */
void ska_decoder_init(ska_decoder_t *decoder);

/* Processes one received byte; returns true if it completes a valid frame. An invalid frame
 * (truncated, corrupted, too long) is dropped, and counted in `dropped`. */
bool ska_decoder_feed(ska_decoder_t *decoder, uint8_t byte);

/* Writes the valid frame to *frame. */
void ska_decoder_frame(const ska_decoder_t *decoder, ska_frame_t *frame);

/* Discards the content: the next byte begins a frame. */
void ska_decoder_begin(ska_decoder_t *decoder);

/* Sends a frame by ska_board_write, byte by byte. It needs no buffer, because COBS looks ahead
 * in the payload itself. The payload must not change during the call. length is at most
 * SKA_PAYLOAD_MAX. The call of ska_board_write is direct, not through a pointer, so that the
 * stack has a provable bound. */
void ska_frame_write(uint8_t type, uint8_t seq, const uint8_t *payload, uint16_t length);

#ifdef __cplusplus
}
#endif

#endif
