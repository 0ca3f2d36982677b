/* ska_push.c: handles states that arrive over the line, and saves that the host requests. */
#include "ska_push.h"

#if SKA_PERSISTENT

#include "ska_board.h"
#include "ska_crc.h"

#if SKA_SAVE_BUDGET > 0

#define BYTES_PER_SECOND (SKA_UART_BAUD / 10u) /* a start bit, 8 data bits and a stop bit */
#define SAVE_PRICE ((uint32_t)SKA_SAVE_INTERVAL * BYTES_PER_SECOND)
#if SKA_SAVE_INTERVAL < 1 || SKA_SAVE_INTERVAL > 4000000000 / BYTES_PER_SECOND
#error "SKA_SAVE_INTERVAL must be 1 second or more, and its bytes must fit 32 bits"
#endif

void ska_push_received(ska_push_t *push) {
    push->paid++;
    if (push->paid == SAVE_PRICE) {
        push->paid = 0;
        ska_journal_earn();
    }
}

#define BYTES_LEFT(push) (SAVE_PRICE - (push)->paid)
#else
#define BYTES_LEFT(push) 0u /* no save is ever too early */
#endif

/* Returns the outcome of a save that the journal refused, or that failed. */
static ska_outcome_t storage_failed(const ska_push_t *push, ska_status_t status) {
    (void)push;
    switch (status) {
    case SKA_ERROR_WORN:
        return ska_outcome(SKA_STATUS_WORN, 0);
    case SKA_ERROR_EARLY:
        return ska_outcome(SKA_STATUS_EARLY, BYTES_LEFT(push));
    default:
        return ska_outcome(SKA_STATUS_STORAGE, (uint32_t)status);
    }
}

ska_outcome_t ska_push_offer(ska_push_t *push, const ska_frame_t *frame) {
    ska_message_offer_t offer;
    if (!ska_message_offer_unpack(frame->payload, frame->length, &offer)) {
        return ska_outcome_length(frame);
    }
    for (uint8_t i = 0; i < sizeof ska_plan_digest; i++) {
        if (offer.digest[i] != ska_plan_digest[i]) {
            return ska_outcome(SKA_STATUS_DIGEST, 0);
        }
    }
    if (!push->open || push->offered != offer.crc) {
        const ska_status_t begun = ska_journal_begin();
        push->open = begun == SKA_OK;
        push->offered = offer.crc;
        push->crc = 0;
        push->offset = 0;
        if (!push->open) {
            return storage_failed(push, begun);
        }
    }
    return ska_outcome(SKA_STATUS_OK, push->offset);
}

/* Completes the save when all bytes have arrived, then loads it. */
static ska_outcome_t push_end(ska_push_t *push, ska_t *network) {
    push->open = false;
    if (push->crc != push->offered) {
        return ska_outcome(SKA_STATUS_CRC, push->crc);
    }
    ska_status_t stored = ska_journal_commit();
    if (stored == SKA_OK) {
        stored = ska_load(network);
    }
    return stored == SKA_OK ? ska_outcome(SKA_STATUS_OK, SKA_STATE_BYTES)
                            : storage_failed(push, stored);
}

#if SKA_FLASH_COUNT > 0

/* Stores the bytes of a piece that are in RAM; the others must be the bytes in flash. */
static ska_outcome_t piece_store(const ska_push_t *push, const ska_message_push_t *piece,
                                 const ska_t *network) {
    uint8_t at = 0;
    while (at < piece->data_count) {
        const uint8_t first = at;
        const bool in_flash = ska_state_is_in_flash(push->offset + first);
        while (at < piece->data_count && ska_state_is_in_flash(push->offset + at) == in_flash) {
            if (in_flash && piece->data[at] != *ska_state(network, push->offset + at)) {
                return ska_outcome(SKA_STATUS_FROZEN, push->offset + at);
            }
            at++;
        }
        if (!in_flash) {
            const uint8_t count = (uint8_t)(at - first);
            const ska_status_t stored = ska_journal_append(&piece->data[first], count);
            if (stored != SKA_OK) {
                return storage_failed(push, stored);
            }
        }
    }
    return ska_outcome_done();
}

#else

static ska_outcome_t piece_store(const ska_push_t *push, const ska_message_push_t *piece,
                                 const ska_t *network) {
    const ska_status_t stored = ska_journal_append(piece->data, piece->data_count);
    (void)network;
    return stored == SKA_OK ? ska_outcome_done() : storage_failed(push, stored);
}

#endif

ska_outcome_t ska_push_piece(ska_push_t *push, const ska_frame_t *frame, ska_t *network) {
    ska_message_push_t piece;
    if (!ska_message_push_unpack(frame->payload, frame->length, &piece)) {
        return ska_outcome_length(frame);
    }
    if (!push->open || piece.offset != push->offset) {
        return ska_outcome(SKA_STATUS_OFFSET, push->open ? push->offset : 0u);
    }
    if (piece.data_count > SKA_STATE_BYTES - push->offset) {
        return ska_outcome_length(frame);
    }
    const ska_outcome_t stored = piece_store(push, &piece, network);
    if (stored.code != SKA_STATUS_OK) {
        push->open = false;
        return stored;
    }
    push->crc = ska_crc32_update(push->crc, piece.data, piece.data_count);
    push->offset += piece.data_count;
    return push->offset == SKA_STATE_BYTES ? push_end(push, network)
                                           : ska_outcome(SKA_STATUS_OK, push->offset);
}

ska_outcome_t ska_push_save(ska_push_t *push, const ska_t *network) {
    push->open = false;
    const ska_status_t saved = ska_save(network);
    return saved == SKA_OK ? ska_outcome_done() : storage_failed(push, saved);
}

#endif
