/*
 * ska_main.c: the firmware. It reads requests from the serial line, executes each once, and answers
 * each.
 *
 * The host repeats a request if its answer is late or damaged. Each request therefore carries a
 * sequence number. A repeat of the last request (same seq, same type) is answered again but not
 * executed again. This needs little memory, because an answer depends only on the network's state,
 * the request, and its outcome. A SAMPLE also has a number, computed from the token and the samples
 * before it. So it is learned once, even if sessions or programs have ended in the meantime.
 *
 * To add a message, add a row to ska_edge/wire/protocol.py, a handler here, and a case to
 * request_execute. ska_reply.c packs the answers, ska_push.c writes the memory for saves, ska_tag.c
 * has the key.
 */
#include "ska.h"
#include "ska_board.h"
#include "ska_frame.h"
#include "ska_journal.h"
#include "ska_messages.h"
#include "ska_push.h"
#include "ska_reply.h"
#include "ska_tag.h"

static ska_t network;
static ska_decoder_t decoder;

/* The session; HELLO opens it, and a restart of the device ends it. */
typedef struct {
    bool open;
    uint8_t hello; /* seq of the HELLO that opened the session; its copy opens no new session */
    uint8_t seq;   /* seq of the last request */
    uint8_t type;  /* type of the last request */
    ska_outcome_t last;
} session_t;

static session_t session;

/* The token identifies the history of the state. SET_TOKEN sets it, and it becomes 0 when another
 * state replaces this one. SAMPLE, SET_RATE and SAVE carry the token of the state for which they
 * are meant. So they have no effect on a device that has restarted without the host's knowledge. */
static uint32_t token;

/* The outcome of the first request that was refused since the start. */
static ska_outcome_t first_error;

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

/* Returns the number of requests that the host may have in flight: the request in progress, and the
 * requests that fit the board's receive buffer. The largest request in a stream is SAMPLE. On the
 * line it has a code byte at least every 254 bytes, and a zero byte before and after it. */
#define SAMPLE_CONTENT (SKA_MESSAGE_SAMPLE_SIZE + SKA_TAG_ROOM + 4u)
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

static void welcome_send(uint8_t seq) {
    ska_message_welcome_t welcome;
    welcome.protocol = SKA_PROTOCOL_VERSION;
    welcome.seq = session.seq;
    welcome.digest = ska_plan_digest;
    welcome.step = ska_step(&network);
    welcome.samples = ska_samples(&network);
    welcome.token = token;
    welcome.crc = ska_state_crc(&network);
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

/* --- requests --------------------------------------------------------------------------------- */

/* Each function of this part executes a request and returns its outcome. */

/* Accepts any version. The answer has the device's version, and the host decides whether that
 * version fits.
 */
static ska_outcome_t hello_execute(const ska_frame_t *frame) {
    ska_message_hello_t hello;
    return ska_message_hello_unpack(frame->payload, frame->length, &hello)
               ? ska_outcome_done()
               : ska_outcome_length(frame);
}

static ska_outcome_t sample_execute(const ska_frame_t *frame) {
    ska_message_sample_t sample;
    if (!ska_message_sample_unpack(frame->payload, frame->length, &sample)) {
        return ska_outcome_length(frame);
    }
    const uint32_t next = token + ska_samples(&network);
    if (sample.number != next) {
        return ska_outcome(SKA_STATUS_NUMBER, next);
    }
    if (ska_learn(&network, input_read(sample.x), sample.label) != SKA_OK) {
        return ska_outcome(SKA_STATUS_LABEL, sample.label);
    }
    return ska_outcome_done();
}

static ska_outcome_t infer_execute(const ska_frame_t *frame) {
    ska_message_infer_t infer;
    if (!ska_message_infer_unpack(frame->payload, frame->length, &infer)) {
        return ska_outcome_length(frame);
    }
    (void)ska_infer(&network, input_read(infer.x));
    return ska_outcome_done();
}

static ska_outcome_t rate_execute(const ska_frame_t *frame) {
    ska_message_set_rate_t rate;
    if (!ska_message_set_rate_unpack(frame->payload, frame->length, &rate)) {
        return ska_outcome_length(frame);
    }
    if (rate.token != token) {
        return ska_outcome(SKA_STATUS_TOKEN, token);
    }
    if (ska_rate_halve(&network, rate.halvings) != SKA_OK) {
        return ska_outcome(SKA_STATUS_RATE, SKA_RATE_HALVINGS_MAX);
    }
    return ska_outcome_done();
}

static ska_outcome_t pull_execute(const ska_frame_t *frame) {
    ska_message_pull_t pull;
    if (!ska_message_pull_unpack(frame->payload, frame->length, &pull)) {
        return ska_outcome_length(frame);
    }
    return pull.offset < SKA_STATE_BYTES ? ska_outcome_done()
                                         : ska_outcome(SKA_STATUS_OFFSET, SKA_STATE_BYTES);
}

static ska_outcome_t reset_execute(const ska_frame_t *frame) {
    if (frame->length != SKA_MESSAGE_RESET_SIZE) {
        return ska_outcome_length(frame);
    }
    ska_init(&network);
    token = 0;
    return ska_outcome_done();
}

static ska_outcome_t token_execute(const ska_frame_t *frame) {
    ska_message_set_token_t given;
    if (!ska_message_set_token_unpack(frame->payload, frame->length, &given)) {
        return ska_outcome_length(frame);
    }
    if (given.crc != ska_state_crc(&network)) {
        return ska_outcome(SKA_STATUS_TOKEN, token);
    }
    token = given.token;
    return ska_outcome_done();
}

#if SKA_PERSISTENT

static ska_outcome_t push_execute(const ska_frame_t *frame) {
    const ska_outcome_t went = ska_push_piece(frame, &network);
    if (ska_push_ended(went)) {
        token = 0;
    }
    return went;
}

static ska_outcome_t save_execute(const ska_frame_t *frame) {
    ska_message_save_t save;
    if (!ska_message_save_unpack(frame->payload, frame->length, &save)) {
        return ska_outcome_length(frame);
    }
    return save.token == token ? ska_push_save(&network) : ska_outcome(SKA_STATUS_TOKEN, token);
}

#endif

static ska_outcome_t request_execute(const ska_frame_t *frame) {
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
        return ska_push_offer(frame);
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
        return ska_tag_challenge(frame, &network);
#endif
    default:
        return ska_outcome(SKA_STATUS_TYPE, frame->type);
    }
}

/* Answers a request that was executed, now or before; the state has not changed since. */
static void request_answer(const ska_frame_t *frame) {
    ska_message_sample_t sample;
    ska_message_pull_t pull;
    if (session.last.code != SKA_STATUS_OK) {
        ska_reply_status(frame->seq, session.last);
    } else if (frame->type == SKA_MESSAGE_HELLO) {
        welcome_send(frame->seq);
    } else if (frame->type == SKA_MESSAGE_SAMPLE &&
               ska_message_sample_unpack(frame->payload, frame->length, &sample)) {
        for (uint8_t layer = 0; (sample.want & SKA_WANT_METRICS) != 0 && layer < SKA_LAYERS;
             layer++) {
            ska_reply_metrics(frame->seq, &network, layer);
        }
        ska_reply_result(frame->seq, &network, (sample.want & SKA_WANT_CRC) != 0);
    } else if (frame->type == SKA_MESSAGE_INFER) {
        ska_reply_result(frame->seq, &network, false);
    } else if (frame->type == SKA_MESSAGE_PULL &&
               ska_message_pull_unpack(frame->payload, frame->length, &pull) &&
               pull.offset < SKA_STATE_BYTES) {
        ska_reply_chunk(frame->seq, &network, pull.offset);
#if SKA_KEYED
    } else if (frame->type == SKA_MESSAGE_CHALLENGE) {
        ska_tag_nonce(frame->seq);
#endif
    } else {
        ska_reply_status(frame->seq, session.last);
    }
}

/* A valid request is a repeat of the last request, the next request, or a new HELLO. Any other
 * request was overtaken, or comes from a host that does not know that the device has restarted. It
 * must change nothing. A late copy of a HELLO must not reset the session, because the samples after
 * it would be accepted as new samples. */
static void request_handle(const ska_frame_t *frame) {
    const ska_frame_t content = ska_tag_removed(frame);
    const bool repeated = session.open && frame->seq == session.seq && frame->type == session.type;
    const bool next = session.open && frame->seq == (uint8_t)(session.seq + 1u);
    if (!repeated && !next) {
        if (frame->type != SKA_MESSAGE_HELLO) {
            const uint32_t last = session.open ? session.seq : 0xFFFFu;
            ska_reply_status(frame->seq, ska_outcome(SKA_STATUS_SEQUENCE, last));
            return;
        }
        if (session.open && frame->seq == session.hello) {
            welcome_send(frame->seq);
            return;
        }
    }
    if (!repeated) {
        if (!ska_tag_right(frame)) { /* the session stays as it is */
            ska_reply_status(frame->seq, ska_outcome(SKA_STATUS_KEY, 0));
            return;
        }
        ska_tag_count();
        if (frame->type == SKA_MESSAGE_HELLO) {
            session.hello = frame->seq;
        }
        session.open = true;
        session.seq = frame->seq;
        session.type = frame->type;
        session.last = request_execute(&content);
        if (session.last.code != SKA_STATUS_OK && session.last.code != SKA_STATUS_EARLY &&
            first_error.code == SKA_STATUS_OK) {
            first_error = session.last;
        }
    }
    request_answer(&content);
}

int main(void) {
    ska_board_init();
    ska_init(&network);
#if SKA_PERSISTENT
    (void)ska_load(&network); /* without a valid save, the initial weights stay */
#endif
    ska_push_start();
    ska_decoder_init(&decoder);
    for (;;) {
        const int16_t byte = ska_board_read();
        if (byte < 0) {
            return 0;
        }
        ska_push_received();
        ska_frame_t frame;
        if (ska_decoder_feed(&decoder, (uint8_t)byte, &frame)) {
            request_handle(&frame);
        }
    }
}
