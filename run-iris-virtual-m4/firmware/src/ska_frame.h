/*
 * ska_frame.h: frames on the serial line.
 *
 * A frame is COBS(type, seq, payload, CRC-16) and one zero byte. COBS rewrites its content without
 * zero bytes, so a zero always ends a frame and a receiver that lost its place finds it again at
 * the next zero. The CRC is CRC-16/CCITT-FALSE over type, seq and payload, low byte first.
 */
#ifndef SKA_FRAME_H
#define SKA_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_messages.h"

/* Largest content of a frame that is received: type, seq, payload and two bytes of CRC. */
#define SKA_FRAME_MAX (SKA_REQUEST_MAX + 4u)

/* A frame that arrived whole. The payload is valid until the decoder is fed again. */
typedef struct {
    uint8_t type;
    uint8_t seq;
    uint16_t length; /* bytes of the payload */
    const uint8_t *payload;
} ska_frame_t;

/* Turns a stream of bytes into frames; all members are private. */
typedef struct {
    uint8_t content[SKA_FRAME_MAX]; /* decoded so far */
    uint16_t length;                /* bytes of it */
    uint8_t block;                  /* bytes that the current COBS block still has to bring */
    bool zero;                      /* a zero byte of the content follows this block */
    bool broken;                    /* too long: ignore everything up to the next zero byte */
    uint16_t dropped;               /* pieces so far that were no good frame; ends at 65535 */
} ska_decoder_t;

/* The CRC after one more byte; start with SKA_CRC_START. */
#define SKA_CRC_START 0xFFFFu
uint16_t ska_crc_update(uint16_t crc, uint8_t byte);

/* Puts the decoder between two frames; nothing was dropped yet. */
void ska_decoder_init(ska_decoder_t *decoder);

/* Takes one received byte; true when it completes a good frame, which is then in *frame. Bytes that
 * are no good frame (cut, corrupted, too long) are dropped without a word. */
bool ska_decoder_feed(ska_decoder_t *decoder, uint8_t byte, ska_frame_t *frame);

/* Sends a frame by ska_board_write, byte by byte. Needs no buffer: COBS looks ahead in the payload
 * itself, which must not change meanwhile. length is at most SKA_PAYLOAD_MAX. Called directly, not
 * through a pointer, so that the stack has a bound that can be proven. */
void ska_frame_write(uint8_t type, uint8_t seq, const uint8_t *payload, uint16_t length);

#endif
