/*
 * ska_main.c: the firmware. Reads requests from the serial line, executes each once, answers each.
 *
 * The host sends a request again when its answer is late or damaged. So a request carries a
 * sequence number, and one that repeats the last (same seq, same type) is answered again without
 * being executed again. Answers need no memory for that: they follow from the network's state and
 * the request.
 *
 * To add a message: a row in ska_edge/protocol.py, a handler here, a case in request_handle.
 */
#include "ska.h"
#include "ska_board.h"
#include "ska_frame.h"
#include "ska_messages.h"
#include "ska_plan.h"

static ska_t network;
static ska_decoder_t decoder;

/* The last request of the session; HELLO opens a session, a restart of the device ends it. */
static struct {
    bool open;
    uint8_t seq;
    uint8_t type;
    ska_status_t learned; /* what the last SAMPLE came to, to say it again */
} session;

/* An input as it came over the line, little-endian, two bytes an element where the plan has them.
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

/* --- replies ---------------------------------------------------------------------------------- */

static void status_send(uint8_t seq, uint8_t code, uint16_t detail) {
    const ska_message_status_t status = {code, detail};
    uint8_t payload[SKA_MESSAGE_STATUS_SIZE];
    const uint16_t length = ska_message_status_pack(&status, payload);
    ska_frame_write(SKA_MESSAGE_STATUS, seq, payload, length);
}

static void welcome_send(uint8_t seq) {
    static const uint8_t digest[8] = SKA_PLAN_DIGEST;
    const ska_message_welcome_t welcome = {
        .protocol = SKA_PROTOCOL_VERSION,
        .digest = digest,
        .step = ska_step(&network),
        .inputs = SKA_INPUTS,
        .input_width = SKA_SIGNAL_BYTES,
        .classes = SKA_CLASSES,
        .layers = SKA_LAYERS,
        .parameter_bytes = SKA_PARAMETER_BYTES,
        .capabilities = SKA_CAPABILITY_LEARN | SKA_CAPABILITY_METRICS | SKA_CAPABILITY_PULL,
        .board = (const uint8_t *)ska_board_name,
    };
    uint8_t payload[SKA_MESSAGE_WELCOME_SIZE];
    const uint16_t length = ska_message_welcome_pack(&welcome, payload);
    ska_frame_write(SKA_MESSAGE_WELCOME, seq, payload, length);
}

static void metrics_send(uint8_t seq, uint8_t layer) {
    ska_metrics_t sums;
    ska_metrics(&network, layer, &sums);
    ska_message_metrics_t metrics = {.layer = layer, .step = ska_step(&network)};
#define COPY(name) metrics.name = sums.name;
    SKA_METRICS_EACH(COPY)
#undef COPY
    uint8_t payload[SKA_MESSAGE_METRICS_SIZE];
    const uint16_t length = ska_message_metrics_pack(&metrics, payload);
    ska_frame_write(SKA_MESSAGE_METRICS, seq, payload, length);
}

static void result_send(uint8_t seq) {
    const ska_message_result_t result = {
        .step = ska_step(&network),
        .predicted = ska_predicted(&network),
        .decisions = ska_decisions(&network),
    };
    uint8_t payload[SKA_MESSAGE_RESULT_SIZE];
    const uint16_t length = ska_message_result_pack(&result, payload);
    ska_frame_write(SKA_MESSAGE_RESULT, seq, payload, length);
}

/* --- requests --------------------------------------------------------------------------------- */

/* Each handler answers once, and executes only what is not repeated. */

static void length_refuse(const ska_frame_t *frame) {
    status_send(frame->seq, SKA_STATUS_LENGTH, frame->length);
}

/* Whatever version the host speaks, it learns ours: the host decides whether they fit. */
static void hello_handle(const ska_frame_t *frame) {
    ska_message_hello_t hello;
    if (!ska_message_hello_unpack(frame->payload, frame->length, &hello)) {
        length_refuse(frame);
        return;
    }
    welcome_send(frame->seq);
}

static void sample_handle(const ska_frame_t *frame, bool repeated) {
    ska_message_sample_t sample;
    if (!ska_message_sample_unpack(frame->payload, frame->length, &sample)) {
        length_refuse(frame);
        return;
    }
    if (sample.label >= SKA_CLASSES) {
        status_send(frame->seq, SKA_STATUS_LABEL, sample.label);
        return;
    }
    if (!repeated) {
        session.learned = ska_learn(&network, input_read(sample.x), sample.label);
    }
    if (session.learned != SKA_OK) {
        status_send(frame->seq, SKA_STATUS_LEARN, (uint16_t)session.learned);
        return;
    }
    if (sample.metrics != 0) {
        for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
            metrics_send(frame->seq, layer);
        }
    }
    result_send(frame->seq);
}

static void infer_handle(const ska_frame_t *frame, bool repeated) {
    ska_message_infer_t infer;
    if (!ska_message_infer_unpack(frame->payload, frame->length, &infer)) {
        length_refuse(frame);
        return;
    }
    if (!repeated) {
        (void)ska_infer(&network, input_read(infer.x));
    }
    result_send(frame->seq);
}

/* Reads only, so a repeated PULL is simply executed again. */
static void pull_handle(const ska_frame_t *frame) {
    ska_message_pull_t pull;
    if (!ska_message_pull_unpack(frame->payload, frame->length, &pull)) {
        length_refuse(frame);
        return;
    }
    if (pull.region != SKA_REGION_PARAMETERS) {
        status_send(frame->seq, SKA_STATUS_REGION, pull.region);
        return;
    }
    if (pull.offset >= SKA_PARAMETER_BYTES) {
        status_send(frame->seq, SKA_STATUS_OFFSET, (uint16_t)(pull.offset & 0xFFFFu));
        return;
    }
    const uint32_t left = SKA_PARAMETER_BYTES - pull.offset;
    const uint8_t count = (uint8_t)(left < SKA_CHUNK_MAX ? left : SKA_CHUNK_MAX);
    /* The bytes are read to where they stand in the message: the stack has room for them once. */
    uint8_t payload[SKA_MESSAGE_CHUNK_SIZE];
    uint8_t *data = &payload[SKA_MESSAGE_CHUNK_SIZE - SKA_CHUNK_MAX];
    ska_parameters_read(&network, pull.offset, data, count);
    const ska_message_chunk_t chunk = {pull.region, pull.offset, count, data};
    const uint16_t length = ska_message_chunk_pack(&chunk, payload);
    ska_frame_write(SKA_MESSAGE_CHUNK, frame->seq, payload, length);
}

static void reset_handle(const ska_frame_t *frame, bool repeated) {
    if (frame->length != SKA_MESSAGE_RESET_SIZE) {
        length_refuse(frame);
        return;
    }
    if (!repeated) {
        ska_init(&network);
    }
    status_send(frame->seq, SKA_STATUS_OK, 0);
}

/* --- the main loop ---------------------------------------------------------------------------- */

/* A request is the last one again, or the next, or HELLO; anything else comes from a host that does
 * not know that the device has restarted, or has been overtaken on its way, and must change
 * nothing. */
static void request_handle(const ska_frame_t *frame) {
    const bool hello = frame->type == SKA_MESSAGE_HELLO;
    const bool repeated = session.open && frame->seq == session.seq && frame->type == session.type;
    const bool next = session.open && frame->seq == (uint8_t)(session.seq + 1u);
    if (!hello && !repeated && !next) {
        status_send(frame->seq, SKA_STATUS_SEQUENCE, session.open ? session.seq : 0xFFFFu);
        return;
    }
    session.open = true;
    session.seq = frame->seq;
    session.type = frame->type;

    switch (frame->type) {
    case SKA_MESSAGE_HELLO:
        hello_handle(frame);
        break;
    case SKA_MESSAGE_SAMPLE:
        sample_handle(frame, repeated);
        break;
    case SKA_MESSAGE_INFER:
        infer_handle(frame, repeated);
        break;
    case SKA_MESSAGE_PULL:
        pull_handle(frame);
        break;
    case SKA_MESSAGE_RESET:
        reset_handle(frame, repeated);
        break;
    default:
        status_send(frame->seq, SKA_STATUS_TYPE, frame->type);
        break;
    }
}

int main(void) {
    ska_board_init();
    ska_init(&network);
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
