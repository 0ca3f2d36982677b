/*
 * ska_main.c: the firmware. Reads requests from the serial line, executes each once, answers each.
 *
 * The host repeats a request if its answer is late or damaged. Each request therefore carries a
 * sequence number. A repeat of the last request (same seq, same type) is answered again but not
 * executed again. This needs little memory, because an answer depends only on the network's state,
 * the request, and its outcome. A SAMPLE also has a number, computed from the token and the samples
 * before it, so it is learned once even if sessions or programs ended meanwhile.
 *
 * To add a message: a row in ska_edge/wire/protocol.py, a handler here, a case in request_execute.
 * The file is long so that a new message changes only one C file.
 */
#include "ska.h"
#include "ska_board.h"
#include "ska_crc.h"
#include "ska_frame.h"
#include "ska_journal.h"
#include "ska_key.h"
#include "ska_mac.h"
#include "ska_messages.h"
#include "ska_plan.h"

static ska_t network;
static ska_decoder_t decoder;

/* The outcome of a request: a code of STATUS and its detail. */
typedef struct {
    uint8_t code;
    uint32_t detail;
} outcome_t;

/* The session; HELLO opens it, a restart of the device ends it. */
static struct {
    bool open;
    uint8_t hello; /* seq of the HELLO that opened it; the same HELLO again opens no new one */
    uint8_t seq;   /* of the last request */
    uint8_t type;  /* of the last request */
    outcome_t last;
} session;

/* Identifies the history of the state. SET_TOKEN sets it, and it becomes 0 when another state
 * replaces this one. SAMPLE, SET_RATE and SAVE carry the token that they are meant for. They
 * therefore have no effect on a device that has restarted without the host's knowledge. */
static uint32_t token;

/* The outcome of the first request that was refused since the start. */
static outcome_t first_error;

static const uint8_t plan_digest[8] = SKA_PLAN_DIGEST;

static outcome_t outcome(uint8_t code, uint32_t detail) {
    const outcome_t made = {code, detail};
    return made;
}

static const outcome_t done = {SKA_STATUS_OK, 0};

/* The length of a payload is wrong. */
static outcome_t length_refused(const ska_frame_t *frame) {
    return outcome(SKA_STATUS_LENGTH, frame->length);
}

/* Reads an input from the line, little-endian, with two bytes per element if the plan has 16 bits.
 */
static const ska_signal_t *input_read(const uint8_t *bytes) {
#if SKA_SIGNAL_BYTES == 1
    return (const ska_signal_t *)bytes;
#else
    static ska_signal_t x[SKA_INPUTS];
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = (ska_signal_t)ska_bytes_get_u16(bytes + 2u * i);
    }
    return x;
#endif
}

static uint32_t state_crc(void) {
    uint32_t crc = 0;
    for (uint32_t offset = 0; offset < SKA_STATE_BYTES; offset += SKA_STATE_RUN) {
        crc = ska_crc32_update(crc, ska_state(&network, offset), SKA_STATE_RUN);
    }
    return crc;
}

/* Returns `count` consecutive bytes of the state from an offset on. */
static const uint8_t *state_piece(uint32_t offset, uint8_t count) {
#if SKA_LITTLE_ENDIAN
    (void)count;
    return ska_state(&network, offset);
#else
    static uint8_t piece[SKA_CHUNK_MAX];
    for (uint8_t i = 0; i < count; i++) {
        piece[i] = *ska_state(&network, offset + i);
    }
    return piece;
#endif
}

/* The number of requests that the host may have in flight: the one in progress, and those that the
 * board's receive buffer holds meanwhile. The largest request in a stream is SAMPLE. On the line it
 * has a code byte at least every 254 bytes, and a zero byte before and after it. */
#define SAMPLE_CONTENT (SKA_MESSAGE_SAMPLE_SIZE + SKA_TAG_BYTES + 4u)
#define SAMPLE_LINE (SAMPLE_CONTENT + SAMPLE_CONTENT / 254u + 3u)
#define CREDIT_MAX 8u
#define CREDIT_WHOLE (1u + SKA_UART_BUFFER / SAMPLE_LINE)
#define CREDIT (CREDIT_WHOLE < CREDIT_MAX ? CREDIT_WHOLE : CREDIT_MAX)

#if SKA_PERSISTENT
#define CAPABILITIES_STORAGE (SKA_CAPABILITY_SAVE | SKA_CAPABILITY_PUSH)
#else
#define CAPABILITIES_STORAGE 0u
#endif
#define CAPABILITIES_KEY (SKA_KEYED ? SKA_CAPABILITY_KEY : 0u)
#define CAPABILITIES                                                                               \
    (SKA_CAPABILITY_LEARN | SKA_CAPABILITY_METRICS | SKA_CAPABILITY_PULL | SKA_CAPABILITY_RATE |   \
     CAPABILITIES_STORAGE | CAPABILITIES_KEY)

/* --- the key ---------------------------------------------------------------------------------- */

#if SKA_KEYED

static const uint8_t key[SKA_MAC_KEY_BYTES] = SKA_KEY;

/* What tags are made with; CHALLENGE begins it anew. */
static struct {
    bool open;
    uint8_t nonce[SKA_MAC_TAG_BYTES];
    uint32_t number; /* requests since then */
} challenge;

/* The first byte of what a tag is made of: a nonce is no request's tag. */
#define MAC_OF_NONCE 0u
#define MAC_OF_REQUEST 1u

static void mac_byte(ska_mac_t *mac, uint8_t byte) { ska_mac_update(mac, &byte, 1); }

static void mac_number(ska_mac_t *mac, uint32_t number) {
    uint8_t bytes[4];
    ska_bytes_put_u32(bytes, number);
    ska_mac_update(mac, bytes, (uint16_t)sizeof bytes);
}

/* A nonce follows from the state, the saves so far, and the challenges since the start. So one can
 * come again only after a restart, on a device that is back where it was when it gave it. */
static outcome_t challenge_execute(const ska_frame_t *frame) {
    static uint32_t challenges;
    ska_mac_t mac;
    if (frame->length != SKA_MESSAGE_CHALLENGE_SIZE) {
        return length_refused(frame);
    }
    challenges++;
    ska_mac_init(&mac, key);
    mac_byte(&mac, MAC_OF_NONCE);
    mac_number(&mac, challenges);
    mac_number(&mac, state_crc());
    mac_number(&mac, SKA_PERSISTENT ? ska_journal_saves() : 0u);
    ska_mac_tag(&mac, challenge.nonce);
    challenge.number = 0;
    challenge.open = true;
    return done;
}

static void nonce_send(uint8_t seq) {
    const ska_message_nonce_t nonce = {challenge.nonce};
    uint8_t payload[SKA_MESSAGE_NONCE_SIZE];
    const uint16_t length = ska_message_nonce_pack(&nonce, payload);
    ska_frame_write(SKA_MESSAGE_NONCE, seq, payload, length);
}

/* Whether the next request changes nothing, or ends in its tag. */
static bool tag_right(const ska_frame_t *frame) {
    ska_mac_t mac;
    if (!SKA_REQUEST_CHANGES(frame->type)) {
        return true;
    }
    if (!challenge.open || frame->length < SKA_TAG_BYTES) {
        return false;
    }
    const uint16_t length = (uint16_t)(frame->length - SKA_TAG_BYTES);
    ska_mac_init(&mac, key);
    mac_byte(&mac, MAC_OF_REQUEST);
    ska_mac_update(&mac, challenge.nonce, (uint16_t)sizeof challenge.nonce);
    mac_number(&mac, challenge.number + 1u);
    mac_byte(&mac, frame->type);
    ska_mac_update(&mac, frame->payload, length);
    return ska_mac_equal(&mac, &frame->payload[length]);
}

/* A request without its tag, as everything below takes it. */
static ska_frame_t tag_removed(const ska_frame_t *frame) {
    ska_frame_t content = *frame;
    if (SKA_REQUEST_CHANGES(frame->type) && frame->length >= SKA_TAG_BYTES) {
        content.length = (uint16_t)(frame->length - SKA_TAG_BYTES);
    }
    return content;
}

#endif

/* --- replies ---------------------------------------------------------------------------------- */

static void status_send(uint8_t seq, outcome_t went) {
    const ska_message_status_t status = {went.code, went.detail};
    uint8_t payload[SKA_MESSAGE_STATUS_SIZE];
    const uint16_t length = ska_message_status_pack(&status, payload);
    ska_frame_write(SKA_MESSAGE_STATUS, seq, payload, length);
}

static void welcome_send(uint8_t seq) {
    ska_message_welcome_t welcome;
    welcome.protocol = SKA_PROTOCOL_VERSION;
    welcome.seq = session.seq;
    welcome.digest = plan_digest;
    welcome.step = ska_step(&network);
    welcome.samples = ska_samples(&network);
    welcome.token = token;
    welcome.crc = state_crc();
    welcome.state_bytes = SKA_STATE_BYTES;
    welcome.inputs = SKA_INPUTS;
    welcome.input_width = SKA_SIGNAL_BYTES;
    welcome.classes = SKA_CLASSES;
    welcome.layers = SKA_LAYERS;
    welcome.halvings = network.rate_halvings;
    welcome.credit = CREDIT;
    welcome.capabilities = CAPABILITIES;
    welcome.saves = SKA_PERSISTENT ? ska_journal_saves() : 0u;
    welcome.error = first_error.code;
    welcome.error_detail = first_error.detail;
    welcome.dropped = decoder.dropped;
    welcome.board = (const uint8_t *)ska_board_name;
    uint8_t payload[SKA_MESSAGE_WELCOME_SIZE];
    const uint16_t length = ska_message_welcome_pack(&welcome, payload);
    ska_frame_write(SKA_MESSAGE_WELCOME, seq, payload, length);
}

static void metrics_send(uint8_t seq, uint8_t layer) {
    ska_metrics_t sums;
    ska_metrics(&network, layer, &sums);
    ska_message_metrics_t metrics;
    metrics.layer = layer;
    metrics.step = ska_step(&network);
#define COPY(name) metrics.name = sums.name;
    SKA_METRICS_EACH(COPY)
#undef COPY
    uint8_t payload[SKA_MESSAGE_METRICS_SIZE];
    const uint16_t length = ska_message_metrics_pack(&metrics, payload);
    ska_frame_write(SKA_MESSAGE_METRICS, seq, payload, length);
}

static void result_send(uint8_t seq, bool with_crc) {
    ska_message_result_t result;
    result.step = ska_step(&network);
    result.samples = ska_samples(&network);
    result.crc = with_crc ? state_crc() : 0u;
    result.predicted = ska_predicted(&network);
    result.decisions = ska_decisions(&network);
    uint8_t payload[SKA_MESSAGE_RESULT_SIZE];
    const uint16_t length = ska_message_result_pack(&result, payload);
    ska_frame_write(SKA_MESSAGE_RESULT, seq, payload, length);
}

/* Sends the bytes of the state from an offset on, as many as fit a CHUNK. */
static void chunk_send(uint8_t seq, uint32_t offset) {
    const uint32_t left = SKA_STATE_BYTES - offset;
    ska_message_chunk_t chunk;
    chunk.offset = offset;
    chunk.data_count = (uint8_t)(left < SKA_CHUNK_MAX ? left : SKA_CHUNK_MAX);
    chunk.data = state_piece(offset, chunk.data_count);
    uint8_t payload[SKA_MESSAGE_CHUNK_SIZE];
    const uint16_t length = ska_message_chunk_pack(&chunk, payload);
    ska_frame_write(SKA_MESSAGE_CHUNK, seq, payload, length);
}

/* --- a state that is pushed ------------------------------------------------------------------- */

#if SKA_PERSISTENT

/* An incoming state is written to the memory for saves, so the state in use stays intact until the
 * last byte has arrived. */
static struct {
    bool open;
    uint32_t offered; /* CRC-32 of the whole state */
    uint32_t crc;     /* of the bytes received so far */
    uint32_t offset;  /* number of these bytes */
} push;

static outcome_t offer_execute(const ska_frame_t *frame) {
    ska_message_offer_t offer;
    if (!ska_message_offer_unpack(frame->payload, frame->length, &offer)) {
        return length_refused(frame);
    }
    for (uint8_t i = 0; i < sizeof plan_digest; i++) {
        if (offer.digest[i] != plan_digest[i]) {
            return outcome(SKA_STATUS_DIGEST, 0);
        }
    }
    if (!push.open || push.offered != offer.crc) {
        const ska_status_t begun = ska_journal_begin();
        push.open = begun == SKA_OK;
        push.offered = offer.crc;
        push.crc = 0;
        push.offset = 0;
        if (!push.open) {
            return outcome(SKA_STATUS_STORAGE, (uint32_t)begun);
        }
    }
    return outcome(SKA_STATUS_OK, push.offset);
}

/* All bytes have arrived: complete the save, then load it. */
static outcome_t push_end(void) {
    push.open = false;
    if (push.crc != push.offered) {
        return outcome(SKA_STATUS_CRC, push.crc);
    }
    ska_status_t stored = ska_journal_commit();
    if (stored == SKA_OK) {
        stored = ska_load(&network);
    }
    if (stored != SKA_OK) {
        return outcome(SKA_STATUS_STORAGE, (uint32_t)stored);
    }
    token = 0;
    return outcome(SKA_STATUS_OK, SKA_STATE_BYTES);
}

static outcome_t push_execute(const ska_frame_t *frame) {
    ska_message_push_t piece;
    if (!ska_message_push_unpack(frame->payload, frame->length, &piece)) {
        return length_refused(frame);
    }
    if (!push.open || piece.offset != push.offset) {
        return outcome(SKA_STATUS_OFFSET, push.open ? push.offset : 0u);
    }
    if (piece.data_count > SKA_STATE_BYTES - push.offset) {
        return length_refused(frame);
    }
    const ska_status_t stored = ska_journal_append(piece.data, piece.data_count);
    if (stored != SKA_OK) {
        push.open = false;
        return outcome(SKA_STATUS_STORAGE, (uint32_t)stored);
    }
    push.crc = ska_crc32_update(push.crc, piece.data, piece.data_count);
    push.offset += piece.data_count;
    return push.offset == SKA_STATE_BYTES ? push_end() : outcome(SKA_STATUS_OK, push.offset);
}

static outcome_t save_execute(const ska_frame_t *frame) {
    ska_message_save_t save;
    if (!ska_message_save_unpack(frame->payload, frame->length, &save)) {
        return length_refused(frame);
    }
    if (save.token != token) {
        return outcome(SKA_STATUS_TOKEN, token);
    }
    push.open = false; /* the save uses the slot of the pushed state */
    const ska_status_t saved = ska_save(&network);
    return saved == SKA_OK ? done : outcome(SKA_STATUS_STORAGE, (uint32_t)saved);
}

#endif

/* --- requests --------------------------------------------------------------------------------- */

/* Each of these executes a request and returns its outcome. */

/* Accepts any version; the answer has the device's version, and the host decides whether it fits.
 */
static outcome_t hello_execute(const ska_frame_t *frame) {
    ska_message_hello_t hello;
    return ska_message_hello_unpack(frame->payload, frame->length, &hello) ? done
                                                                           : length_refused(frame);
}

static outcome_t sample_execute(const ska_frame_t *frame) {
    ska_message_sample_t sample;
    if (!ska_message_sample_unpack(frame->payload, frame->length, &sample)) {
        return length_refused(frame);
    }
    const uint32_t next = token + ska_samples(&network);
    if (sample.number != next) {
        return outcome(SKA_STATUS_NUMBER, next);
    }
    if (ska_learn(&network, input_read(sample.x), sample.label) != SKA_OK) {
        return outcome(SKA_STATUS_LABEL, sample.label);
    }
    return done;
}

static outcome_t infer_execute(const ska_frame_t *frame) {
    ska_message_infer_t infer;
    if (!ska_message_infer_unpack(frame->payload, frame->length, &infer)) {
        return length_refused(frame);
    }
    (void)ska_infer(&network, input_read(infer.x));
    return done;
}

static outcome_t rate_execute(const ska_frame_t *frame) {
    ska_message_set_rate_t rate;
    if (!ska_message_set_rate_unpack(frame->payload, frame->length, &rate)) {
        return length_refused(frame);
    }
    if (rate.token != token) {
        return outcome(SKA_STATUS_TOKEN, token);
    }
    if (ska_rate_halve(&network, rate.halvings) != SKA_OK) {
        return outcome(SKA_STATUS_RATE, SKA_RATE_HALVINGS_MAX);
    }
    return done;
}

static outcome_t pull_execute(const ska_frame_t *frame) {
    ska_message_pull_t pull;
    if (!ska_message_pull_unpack(frame->payload, frame->length, &pull)) {
        return length_refused(frame);
    }
    return pull.offset < SKA_STATE_BYTES ? done : outcome(SKA_STATUS_OFFSET, SKA_STATE_BYTES);
}

static outcome_t reset_execute(const ska_frame_t *frame) {
    if (frame->length != SKA_MESSAGE_RESET_SIZE) {
        return length_refused(frame);
    }
    ska_init(&network);
    token = 0;
    return done;
}

static outcome_t token_execute(const ska_frame_t *frame) {
    ska_message_set_token_t given;
    if (!ska_message_set_token_unpack(frame->payload, frame->length, &given)) {
        return length_refused(frame);
    }
    if (given.crc != state_crc()) {
        return outcome(SKA_STATUS_TOKEN, token);
    }
    token = given.token;
    return done;
}

static outcome_t request_execute(const ska_frame_t *frame) {
    switch (frame->type) {
    case SKA_MESSAGE_HELLO:
        return hello_execute(frame);
    case SKA_MESSAGE_SAMPLE:
        return sample_execute(frame);
    case SKA_MESSAGE_INFER:
        return infer_execute(frame);
    case SKA_MESSAGE_SET_RATE:
        return rate_execute(frame);
    case SKA_MESSAGE_PULL:
        return pull_execute(frame);
#if SKA_PERSISTENT
    case SKA_MESSAGE_OFFER:
        return offer_execute(frame);
    case SKA_MESSAGE_PUSH:
        return push_execute(frame);
    case SKA_MESSAGE_SAVE:
        return save_execute(frame);
#endif
    case SKA_MESSAGE_RESET:
        return reset_execute(frame);
    case SKA_MESSAGE_SET_TOKEN:
        return token_execute(frame);
#if SKA_KEYED
    case SKA_MESSAGE_CHALLENGE:
        return challenge_execute(frame);
#endif
    default:
        return outcome(SKA_STATUS_TYPE, frame->type);
    }
}

/* Answers a request that was executed, now or before; the state has not changed since. */
static void request_answer(const ska_frame_t *frame) {
    ska_message_sample_t sample;
    ska_message_pull_t pull;
    if (session.last.code != SKA_STATUS_OK) {
        status_send(frame->seq, session.last);
    } else if (frame->type == SKA_MESSAGE_HELLO) {
        welcome_send(frame->seq);
    } else if (frame->type == SKA_MESSAGE_SAMPLE &&
               ska_message_sample_unpack(frame->payload, frame->length, &sample)) {
        for (uint8_t layer = 0; (sample.want & SKA_WANT_METRICS) != 0 && layer < SKA_LAYERS;
             layer++) {
            metrics_send(frame->seq, layer);
        }
        result_send(frame->seq, (sample.want & SKA_WANT_CRC) != 0);
    } else if (frame->type == SKA_MESSAGE_INFER) {
        result_send(frame->seq, false);
    } else if (frame->type == SKA_MESSAGE_PULL &&
               ska_message_pull_unpack(frame->payload, frame->length, &pull) &&
               pull.offset < SKA_STATE_BYTES) {
        chunk_send(frame->seq, pull.offset);
#if SKA_KEYED
    } else if (frame->type == SKA_MESSAGE_CHALLENGE) {
        nonce_send(frame->seq);
#endif
    } else {
        status_send(frame->seq, session.last);
    }
}

/* A valid request is a repeat of the last one, the next one, or a new HELLO. Any other was
 * overtaken, or comes from a host that does not know that the device has restarted, and must change
 * nothing. A HELLO that arrives again late must not reset the session, because the samples after it
 * would be accepted as new ones. */
static void request_handle(const ska_frame_t *frame) {
#if SKA_KEYED
    const ska_frame_t content = tag_removed(frame);
#else
    const ska_frame_t content = *frame;
#endif
    const bool repeated = session.open && frame->seq == session.seq && frame->type == session.type;
    const bool next = session.open && frame->seq == (uint8_t)(session.seq + 1u);
    if (!repeated && !next) {
        if (frame->type != SKA_MESSAGE_HELLO) {
            const uint32_t last = session.open ? session.seq : 0xFFFFu;
            status_send(frame->seq, outcome(SKA_STATUS_SEQUENCE, last));
            return;
        }
        if (session.open && frame->seq == session.hello) {
            welcome_send(frame->seq);
            return;
        }
    }
    if (!repeated) {
#if SKA_KEYED
        if (!tag_right(frame)) { /* the session stays as it is */
            status_send(frame->seq, outcome(SKA_STATUS_KEY, 0));
            return;
        }
        challenge.number++;
#endif
        if (frame->type == SKA_MESSAGE_HELLO) {
            session.hello = frame->seq;
        }
        session.open = true;
        session.seq = frame->seq;
        session.type = frame->type;
        session.last = request_execute(&content);
        if (session.last.code != SKA_STATUS_OK && first_error.code == SKA_STATUS_OK) {
            first_error = session.last;
        }
    }
    request_answer(&content);
}

int main(void) {
    ska_board_init();
    ska_init(&network);
#if SKA_PERSISTENT
    (void)ska_load(&network); /* without a valid save, the plan's weights stay */
#endif
    ska_decoder_init(&decoder);
    for (;;) {
        const int16_t byte = ska_board_read();
        if (byte < 0) {
            return 0;
        }
        ska_frame_t frame;
        if (ska_decoder_feed(&decoder, (uint8_t)byte, &frame)) {
            request_handle(&frame);
        }
    }
}
