/* ska_reply.c: packs replies and sends them; see ska_reply.h. */
#include "ska_reply.h"

#include "ska_board.h"
#include "ska_crc.h"

uint32_t ska_state_crc(const ska_t *network) {
    uint32_t crc = 0;
    for (uint32_t offset = 0; offset < SKA_STATE_BYTES; offset += SKA_STATE_RUN) {
        crc = ska_crc32_update(crc, ska_state(network, offset), SKA_STATE_RUN);
    }
    return crc;
}

/* --- WELCOME ---------------------------------------------------------------------------------- */

/* The number of requests that the host may have in flight: the request in progress, and the
 * requests that fit the board's receive buffer, but at most CREDIT_MAX. The largest request in a
 * stream is SAMPLE. On the line it has a code byte at least every 254 bytes, and a zero byte before
 * and after it. */
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
#if SKA_REGRESSION
#define CAPABILITIES_OUTPUT SKA_CAPABILITY_VALUES
#else
#define CAPABILITIES_OUTPUT 0u
#endif
#if SKA_FRONT_AXES > 0
#define CAPABILITIES_FRONT SKA_CAPABILITY_FRONT
#else
#define CAPABILITIES_FRONT 0u
#endif
#if SKA_SENSOR
#define CAPABILITIES_SENSOR                                                                        \
    (SKA_CAPABILITY_SENSOR | (SKA_SENSOR_KEEPS ? SKA_CAPABILITY_READ_RAW : 0u))
#else
#define CAPABILITIES_SENSOR 0u
#endif
#if SKA_INFERENCE_ONLY
#define CAPABILITIES                                                                               \
    (CAPABILITIES_OUTPUT | CAPABILITIES_FRONT | CAPABILITIES_SENSOR | SKA_TAG_CAPABILITY)
#define HALVINGS(network) 0u
#else
#define CAPABILITIES                                                                               \
    (SKA_CAPABILITY_LEARN | SKA_CAPABILITY_METRICS | SKA_CAPABILITY_PULL | SKA_CAPABILITY_RATE |   \
     CAPABILITIES_STORAGE | CAPABILITIES_OUTPUT | CAPABILITIES_FRONT | CAPABILITIES_SENSOR |       \
     SKA_TAG_CAPABILITY)
#define HALVINGS(network) ((network).rate_halvings)
#endif

void ska_reply_welcome(uint8_t seq, const ska_device_t *device) {
    ska_message_welcome_t welcome;
    welcome.protocol = SKA_PROTOCOL_VERSION;
    welcome.seq = device->session.seq;
    welcome.digest = ska_plan_digest;
    welcome.step = ska_step(&device->network);
    welcome.samples = ska_samples(&device->network);
    welcome.token = device->token;
    welcome.crc = ska_state_crc(&device->network);
    welcome.state_bytes = SKA_STATE_BYTES;
    welcome.inputs = SKA_INPUTS;
    welcome.input_width = SKA_SIGNAL_BYTES;
    welcome.classes = SKA_CLASSES;
    welcome.layers = SKA_LAYERS;
    welcome.halvings = HALVINGS(device->network);
    welcome.credit = CREDIT;
    welcome.capabilities = CAPABILITIES;
    welcome.saves = SKA_PERSISTENT ? ska_journal_saves() : 0u;
    welcome.error = device->session.first_error.code;
    welcome.error_detail = device->session.first_error.detail;
    welcome.dropped = device->decoder.dropped;
    welcome.board = (const uint8_t *)ska_board_name;
    uint8_t payload[SKA_MESSAGE_WELCOME_SIZE];
    const uint16_t length = ska_message_welcome_pack(&welcome, payload);
    ska_frame_write(SKA_MESSAGE_WELCOME, seq, payload, length);
}

/* --- other answers ---------------------------------------------------------------------------- */

void ska_reply_status(uint8_t seq, ska_outcome_t went) {
    const ska_message_status_t status = {went.code, went.detail};
    uint8_t payload[SKA_MESSAGE_STATUS_SIZE];
    const uint16_t length = ska_message_status_pack(&status, payload);
    ska_frame_write(SKA_MESSAGE_STATUS, seq, payload, length);
}

#if !SKA_INFERENCE_ONLY

/* One function reads METRICS and another function sends them, so that both use the same stack, one
 * after the other. */
static SKA_NOINLINE void metrics_read(ska_message_metrics_t *metrics, const ska_t *network,
                                      uint8_t layer) {
    ska_metrics_t sums;
    ska_metrics(network, layer, &sums);
    metrics->layer = layer;
    metrics->step = ska_step(network);
#define COPY(name) metrics->name = sums.name;
    SKA_METRICS_EACH(COPY)
#undef COPY
}

static SKA_NOINLINE void metrics_send(uint8_t seq, const ska_message_metrics_t *metrics) {
    uint8_t payload[SKA_MESSAGE_METRICS_SIZE];
    const uint16_t length = ska_message_metrics_pack(metrics, payload);
    ska_frame_write(SKA_MESSAGE_METRICS, seq, payload, length);
}

void ska_reply_metrics(uint8_t seq, const ska_t *network, uint8_t layer) {
    ska_message_metrics_t metrics;
    metrics_read(&metrics, network, layer);
    metrics_send(seq, &metrics);
}

#endif

void ska_reply_result(uint8_t seq, const ska_t *network, bool with_crc) {
    ska_message_result_t result;
    result.step = ska_step(network);
    result.samples = ska_samples(network);
    result.crc = with_crc ? ska_state_crc(network) : 0u;
#if SKA_REGRESSION
    result.predicted = 0;
    result.decisions = ska_values(network);
#else
    result.predicted = ska_classify(network);
    result.decisions = ska_decisions(network);
#endif
    uint8_t payload[SKA_MESSAGE_RESULT_SIZE];
    const uint16_t length = ska_message_result_pack(&result, payload);
    ska_frame_write(SKA_MESSAGE_RESULT, seq, payload, length);
}

#if !SKA_INFERENCE_ONLY || SKA_FRONT_AXES > 0

/* Sends a CHUNK with the first of the `left` bytes from an offset on, as many as it can hold. */
static void chunk_send(uint8_t seq, uint32_t offset, const uint8_t *data, uint32_t left) {
    ska_message_chunk_t chunk;
    chunk.offset = offset;
    chunk.data_count = (uint8_t)(left < SKA_CHUNK_MAX ? left : SKA_CHUNK_MAX);
    chunk.data = data;
    uint8_t payload[SKA_MESSAGE_CHUNK_SIZE];
    const uint16_t length = ska_message_chunk_pack(&chunk, payload);
    ska_frame_write(SKA_MESSAGE_CHUNK, seq, payload, length);
}

#endif

#if !SKA_INFERENCE_ONLY

/* Sends METRICS of every layer if `want` asks for them. */
static void metrics_send_all(uint8_t seq, const ska_t *network, uint8_t want) {
    for (uint8_t layer = 0; (want & SKA_WANT_METRICS) != 0u && layer < SKA_LAYERS; layer++) {
        ska_reply_metrics(seq, network, layer);
    }
}

void ska_reply_step(uint8_t seq, const ska_t *network, uint8_t want) {
    metrics_send_all(seq, network, want);
    ska_reply_result(seq, network, (want & SKA_WANT_CRC) != 0u);
}

#if SKA_REGRESSION
/* Writes targets as on the line, little-endian. */
static void targets_write(const int16_t targets[SKA_TARGETS], uint8_t bytes[SKA_TARGET_BYTES]) {
    for (uint16_t i = 0; i < SKA_TARGETS; i++) {
        ska_bytes_put_u16(&bytes[2u * i], (uint16_t)targets[i]);
    }
}

void ska_reply_learned(uint8_t seq, const ska_t *network, const ska_signal_t x[SKA_INPUTS],
                       const int16_t targets[SKA_TARGETS]) {
    ska_message_learned_t learned;
    uint8_t target_bytes[SKA_TARGET_BYTES];
    targets_write(targets, target_bytes);
    learned.targets = target_bytes;
#else
void ska_reply_learned(uint8_t seq, const ska_t *network, const ska_signal_t x[SKA_INPUTS],
                       uint16_t label) {
    ska_message_learned_t learned;
    learned.label = label;
#endif
    learned.samples = ska_samples(network);
#if SKA_SIGNAL_BYTES == 1 || SKA_LITTLE_ENDIAN
    learned.x = (const uint8_t *)x;
#else
    uint8_t bytes[SKA_INPUT_BYTES];
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        ska_bytes_put_u16(&bytes[2u * i], (uint16_t)x[i]);
    }
    learned.x = bytes;
#endif
    uint8_t payload[SKA_MESSAGE_LEARNED_SIZE];
    const uint16_t length = ska_message_learned_pack(&learned, payload);
    ska_frame_write(SKA_MESSAGE_LEARNED, seq, payload, length);
}

void ska_reply_chunk(uint8_t seq, const ska_t *network, uint32_t offset) {
#if SKA_LITTLE_ENDIAN && SKA_FLASH_COUNT == 0
    chunk_send(seq, offset, ska_state(network, offset), SKA_STATE_BYTES - offset);
#else
    uint8_t piece[SKA_CHUNK_MAX];
    uint8_t count = 0;
    while (count < SKA_CHUNK_MAX && offset + count < SKA_STATE_BYTES) {
        piece[count] = *ska_state(network, offset + count);
        count++;
    }
    chunk_send(seq, offset, piece, count);
#endif
}

#endif

#if SKA_FRONT_AXES > 0

/* A window, in the order of its bytes on the line. */
typedef struct {
    int32_t features[SKA_INPUTS];
    ska_signal_t x[SKA_INPUTS];
} window_t;

static SKA_NOINLINE void window_read(window_t *window, const ska_front_t *front) {
    ska_front_features(front, window->features);
    ska_standardize_i32(window->features, window->x);
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        ska_bytes_put_u32((uint8_t *)&window->features[i], (uint32_t)window->features[i]);
#if SKA_SIGNAL_BYTES > 1
        ska_bytes_put_u16((uint8_t *)&window->x[i], (uint16_t)window->x[i]);
#endif
    }
}

void ska_reply_features(uint8_t seq, const ska_front_t *front, uint32_t offset) {
    window_t window;
    window_read(&window, front);
    chunk_send(seq, offset, (const uint8_t *)&window + offset, SKA_FRONT_BYTES - offset);
}

#endif

#if SKA_SENSOR

void ska_reply_window(uint8_t seq, const ska_device_t *device, uint8_t want) {
    const ska_window_t *window = &device->window;
#if SKA_INFERENCE_ONLY
    (void)want;
#else
    metrics_send_all(seq, &device->network, want);
#endif
    ska_message_classified_t classified;
    classified.number = window->number;
    classified.label = window->label;
#if SKA_REGRESSION
    uint8_t target_bytes[SKA_TARGET_BYTES] = {0};
#if !SKA_INFERENCE_ONLY
    targets_write(window->targets, target_bytes);
#endif
    classified.targets = target_bytes;
#endif
    classified.step = ska_step(&device->network);
    classified.samples = ska_samples(&device->network);
    classified.predicted = window->predicted;
    classified.decisions = window->decisions;
#if SKA_SIGNAL_BYTES == 1 || SKA_LITTLE_ENDIAN
    classified.x = (const uint8_t *)window->x;
#else
    uint8_t bytes[SKA_INPUT_BYTES];
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        ska_bytes_put_u16(&bytes[2u * i], (uint16_t)window->x[i]);
    }
    classified.x = bytes;
#endif
    uint8_t payload[SKA_MESSAGE_CLASSIFIED_SIZE];
    const uint16_t length = ska_message_classified_pack(&classified, payload);
    ska_frame_write(SKA_MESSAGE_CLASSIFIED, seq, payload, length);
}

#if SKA_SENSOR_KEEPS

/* Returns a sample's number if the front end has the samples from it on; otherwise the number of
 * the oldest one that the front end has. */
static uint32_t raw_first(const ska_window_t *window, uint32_t first) {
    return window->taken - first <= window->kept ? first : window->taken - window->kept;
}

/* Returns a value of a sample that the front end has. */
static int16_t raw_value(const ska_device_t *device, uint32_t number, uint8_t axis) {
    const ska_front_t *front = &device->front;
#if SKA_FRONT_PARTS > 1
    const uint16_t next = front->next; /* each part is a sample */
#else
    const uint16_t next = front->filled; /* the only part is an image */
#endif
    const uint16_t back = (uint16_t)(device->window.taken - number);
    const uint16_t place = (uint16_t)(next >= back ? next - back : next + SKA_FRONT_LENGTH - back);
    return ska_front_kept(front->parts, place, axis);
}

void ska_reply_sensed(uint8_t seq, const ska_device_t *device, uint32_t first) {
    const ska_window_t *window = &device->window;
    uint8_t bytes[SKA_SENSED_MAX];
    ska_message_sensed_t sensed;
    sensed.first = raw_first(window, first);
    sensed.window = window->number;
    sensed.end = window->end;
    sensed.data_count = 0;
    sensed.data = bytes;
    for (uint32_t number = sensed.first;
         number != window->taken && sensed.data_count + 2u * SKA_FRONT_AXES <= SKA_SENSED_MAX;
         number++) {
        for (uint8_t axis = 0; axis < SKA_FRONT_AXES; axis++) {
            const int16_t value = raw_value(device, number, axis);
            ska_bytes_put_u16(&bytes[sensed.data_count], (uint16_t)value);
            sensed.data_count = (uint8_t)(sensed.data_count + 2u);
        }
    }
    uint8_t payload[SKA_MESSAGE_SENSED_SIZE];
    const uint16_t length = ska_message_sensed_pack(&sensed, payload);
    ska_frame_write(SKA_MESSAGE_SENSED, seq, payload, length);
}

#endif

#endif
