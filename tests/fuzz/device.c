/* device.c: see device.h. */
#include "device.h"

/* The firmware itself is included in this file, so that its state can be seen here, and cleared
 * as by a reset of a microcontroller. */
#define main ska_firmware_main
#include "ska_main.c"
/* This file is included for the same reason: it has static variables, too. */
#include "ska_journal.c"
#undef main

#include <string.h>

#include "line.h"
#include "ska_reply.h"
#include "storage.h"

typedef char frames_fit[SKA_FRAME_MAX + 16 < LINE_MOST ? 1 : -1];

/* Maximum updates per sample. */
#if SKA_SUPERVISED
#define STEPS_MOST (1u + SKA_REPLAYS)
#else
#define STEPS_MOST (SKA_STEPS - 1u)
#endif

/* The content of a frame: type, seq and payload. */
typedef struct {
    bool good;
    size_t length;
    uint8_t content[LINE_MOST];
} content_seen_t;

/* A piece of a line, up to the next zero. A piece that does not fit is not a frame. */
typedef struct {
    size_t count;
    uint8_t bytes[LINE_MOST];
} piece_t;

device_counts_t device_counts;
const char ska_board_name[16] = "fuzz";

static device_source_t source;
static ska_t flashed; /* the state after a start */
static ska_t before;  /* the state before the last byte */
static uint32_t token_before;
#if SKA_FRONT_AXES > 0
static ska_front_t front_before;
static ska_window_t window_before;
static uint32_t sensed; /* samples of the sensor since the start */
#endif
static piece_t received;
static piece_t sent;
static content_seen_t request; /* the request that the last byte completed */
static uint64_t dropped;       /* pieces since the start that were not valid frames */

/* The answer to the request. */
static struct {
    unsigned frames;
    unsigned closing;
    uint8_t status; /* code of a STATUS, or OK */
} answer;

/* The session, according to the protocol. */
static struct {
    bool open;
    uint8_t hello;
    uint8_t seq;
    uint8_t type;
    uint8_t status; /* status of the last answer */
} turn;

void device_broke(const char *what) {
    device_counts.broken++;
    if (device_counts.first == NULL) {
        device_counts.first = what;
    }
}

static void promise(bool kept, const char *what) {
    if (!kept) {
        device_broke(what);
    }
}

uint8_t device_next_seq(void) { return (uint8_t)(turn.seq + 1u); }

uint32_t device_token(void) { return device.token; }

uint32_t device_number(void) { return device.token + device.network.samples; }

const uint8_t *device_state(uint32_t *count) {
    *count = SKA_STATE_BYTES;
    return ska_state(&device.network, 0);
}

bool device_is_pushed(void) { return device.push.open; }

uint32_t device_push_offset(void) { return device.push.open ? device.push.offset : 0u; }

static uint32_t number_at(const uint8_t *bytes, size_t count) {
    return count == 0 ? 0 : bytes[0] + 256u * number_at(bytes + 1, count - 1);
}

/* --- what a request may do to the network ----------------------------------------------------- */

static bool same(const ska_t *a, const ska_t *b) { return memcmp(a, b, sizeof *a) == 0; }

static bool same_state(const ska_t *a, const ska_t *b) {
    return memcmp(a, b, SKA_STATE_BYTES) == 0;
}

static bool sample_may(const uint8_t *payload, size_t length) {
    const uint32_t steps = device.network.step - before.step;
    return length == 7 + SKA_INPUT_BYTES &&
           number_at(payload, 4) == token_before + before.samples &&
           number_at(payload + 4, 2) < SKA_CLASSES &&
           device.network.samples - before.samples == 1 && steps <= STEPS_MOST &&
           device.network.rate_halvings == before.rate_halvings;
}

static bool rate_may(const uint8_t *payload, size_t length) {
    ska_t expected = before;
    if (length != 5 || payload[0] > SKA_RATE_HALVINGS_MAX ||
        number_at(payload + 1, 4) != token_before) {
        return false;
    }
    expected.rate_halvings = payload[0];
    return same_state(&expected, &device.network);
}

/* PUSH may change the network only by its last piece, which loads the pushed state. */
static bool push_may(const uint8_t *payload, size_t length) {
    const bool last = length > 4 && number_at(payload, 4) + length - 4 == SKA_STATE_BYTES;
    device_counts.pushed += last;
    return last || same(&device.network, &before);
}

#if SKA_SPARES > 0

/* ADD_CLASS may write its name, up to the first 0, to a single spare output, which is free or has
 * this name. */
static bool add_may(const uint8_t *payload, size_t length) {
    ska_t expected = before;
    uint8_t name[SKA_NAME_BYTES] = {0};
    if (length != SKA_NAME_BYTES + 4u || payload[0] == 0u ||
        number_at(payload + SKA_NAME_BYTES, 4) != token_before) {
        return false;
    }
    for (size_t i = 0; i < SKA_NAME_BYTES && payload[i] != 0u; i++) {
        name[i] = payload[i];
    }
    for (size_t spare = 0; spare < SKA_SPARES; spare++) {
        const uint8_t *old = before.names[spare];
        const bool free = old[0] == 0u;
        if (free || memcmp(old, name, sizeof name) == 0) {
            memcpy(expected.names[spare], name, sizeof name);
            if (same(&expected, &device.network)) {
                return true;
            }
            memcpy(expected.names[spare], old, sizeof name);
        }
    }
    return false;
}

/* FORGET_CLASS may clear the name, the output row and the stored samples of an added class. The
 * output layer's parameters are the last ones: all rows, then the biases. */
static bool forget_may(const uint8_t *payload, size_t length) {
    const uint32_t label = length == 6 ? number_at(payload, 2) : 0;
    const uint32_t width = SKA_NEURONS - SKA_CLASSES; /* of the only hidden layer */
    ska_weight_t *weights;
    ska_t expected = before;
    if (length != 6 || label < SKA_NAMED || label >= SKA_CLASSES ||
        before.names[label - SKA_NAMED][0] == 0u || number_at(payload + 2, 4) != token_before) {
        return false;
    }
    memset(expected.names[label - SKA_NAMED], 0, SKA_NAME_BYTES);
    weights = expected.parameters + SKA_PARAMETER_COUNT - SKA_CLASSES * (width + 1u);
    memset(weights + label * width, 0, width * sizeof *weights);
    weights[SKA_CLASSES * width + label] = 0;
    expected.seen[label] = 0;
    memset(expected.replay[label], 0, sizeof expected.replay[label]);
    return same(&expected, &device.network);
}

#endif

#if SKA_FRONT_AXES > 0

static bool same_front(void) {
    return memcmp(&device.front, &front_before, sizeof front_before) == 0 &&
           memcmp(&device.window, &window_before, sizeof window_before) == 0;
}

/* WINDOW may take samples up to the end of a window, and learn this window by the button. */
static bool window_may(size_t length) {
    const uint32_t learned = device.network.samples - before.samples;
    const uint32_t windows = device.window.number - window_before.number;
    const bool pressed = learned == 1 && device.window.label < SKA_CLASSES && windows == 1;
    return length == 4 && windows <= 1 && !(windows != 0 && window_before.pushed) &&
           (pressed || same_state(&device.network, &before));
}

/* LABEL may learn the newest window, once. */
static bool label_may(const uint8_t *payload, size_t length) {
    const uint32_t steps = device.network.step - before.step;
    const bool fits = length == 11 && window_before.number != 0 &&
                      number_at(payload, 4) == window_before.number &&
                      number_at(payload + 4, 2) < SKA_CLASSES &&
                      device.window.label == number_at(payload + 4, 2) &&
                      number_at(payload + 7, 4) == token_before;
    if (window_before.label != SKA_UNLABELED) {
        return fits && same(&device.network, &before) && same_front();
    }
    return fits && device.network.samples - before.samples == 1 && steps <= STEPS_MOST;
}

/* Tells whether a request may change the front end or the newest window. */
static bool front_may(uint8_t type) {
    return type == SKA_MESSAGE_RAW || type == SKA_MESSAGE_WINDOW || type == SKA_MESSAGE_LABEL ||
           (type == SKA_MESSAGE_HELLO && window_before.pushed);
}

/* Returns the place of the next sample in the window. */
static size_t place_of(const ska_front_t *front) {
    return (size_t)(front->next * SKA_FRONT_PART + front->filled);
}

/* RAW may push its samples into the front end, each of them once. */
static bool raw_may(const uint8_t *payload, size_t length) {
    const size_t sample = 2u * SKA_FRONT_AXES;
    if (length == 0 || (length - 1) % sample != 0 || !same(&device.network, &before)) {
        return false;
    }
    const size_t place = payload[0] != 0u ? 0u : place_of(&front_before);
    return place_of(&device.front) == (place + (length - 1) / sample) % SKA_FRONT_LENGTH;
}

#else

static bool same_front(void) { return true; }
static bool front_may(uint8_t type) { return type == SKA_MESSAGE_RAW; }

#endif

/* Returns the token after an executed request. */
static uint32_t token_behind(uint8_t type, const uint8_t *payload, size_t length) {
    switch (type) {
    case SKA_MESSAGE_SET_TOKEN:
        return number_at(payload, 4);
    case SKA_MESSAGE_RESET:
        return 0;
    case SKA_MESSAGE_PUSH:
        return number_at(payload, 4) + length - 4 == SKA_STATE_BYTES ? 0 : token_before;
    default:
        return token_before;
    }
}

/* Tells whether an executed request has left the network in an allowed state. */
static bool executed_well(uint8_t type, const uint8_t *payload, size_t length) {
    switch (type) {
    case SKA_MESSAGE_SAMPLE:
        return sample_may(payload, length);
    case SKA_MESSAGE_SET_RATE:
        return rate_may(payload, length);
    case SKA_MESSAGE_RESET:
        return length == 0 && same(&device.network, &flashed);
    case SKA_MESSAGE_SET_TOKEN:
        return length == 8 && number_at(payload + 4, 4) == ska_state_crc(&device.network) &&
               same(&device.network, &before);
    case SKA_MESSAGE_SAVE:
        return length == 4 && number_at(payload, 4) == token_before &&
               same(&device.network, &before);
    case SKA_MESSAGE_INFER: /* INFER changes only activations */
        return length == SKA_INPUT_BYTES && same_state(&device.network, &before);
    case SKA_MESSAGE_PUSH:
        return push_may(payload, length);
#if SKA_SPARES > 0
    case SKA_MESSAGE_ADD_CLASS:
        return add_may(payload, length);
    case SKA_MESSAGE_FORGET_CLASS:
        return forget_may(payload, length);
#endif
#if SKA_FRONT_AXES > 0
    case SKA_MESSAGE_RAW:
        return raw_may(payload, length);
    case SKA_MESSAGE_WINDOW:
        return window_may(length);
    case SKA_MESSAGE_LABEL:
        return label_may(payload, length);
#endif
    default:
        return same(&device.network, &before);
    }
}

/* Tells whether the counters of the network are in their ranges. */
static bool is_sane(void) {
    bool sane = device.network.rate_halvings <= SKA_RATE_HALVINGS_MAX;
#if SKA_REPLAY_SLOTS > 0
    for (size_t c = 0; c < SKA_CLASSES; c++) {
        sane = sane && device.network.seen[c] <= SKA_MOST_SEEN;
    }
#endif
#if !SKA_SUPERVISED
    sane = sane && device.network.held < SKA_BATCH;
#endif
#if SKA_FRONT_AXES > 0
    const ska_front_t *front = &device.front;
    sane = sane && front->next < SKA_FRONT_PARTS && front->filled < SKA_FRONT_PART &&
           front->missing > 0u;
    const ska_window_t *window = &device.window;
    sane = sane && (window->label == SKA_UNLABELED || window->label < SKA_CLASSES);
    sane = sane && window->kept <= SKA_FRONT_LENGTH && window->kept <= window->taken;
    sane = sane && window->end <= window->taken && (!window->pushed || window->kept == 0u);
#endif
    return sane;
}

/* --- what follows from a frame ---------------------------------------------------------------- */

static void request_judge(void) {
    const uint8_t type = request.content[0];
    const uint8_t seq = request.content[1];
    const bool repeated = turn.open && seq == turn.seq && type == turn.type;
    const bool next = turn.open && seq == (uint8_t)(turn.seq + 1u);
    const bool hello = type == SKA_MESSAGE_HELLO;
    const bool late = hello && turn.open && !repeated && !next && seq == turn.hello;
    promise(answer.closing == 1, "a good frame is answered once");
    if (repeated || late) {
        device_counts.repeated++;
        promise(same(&device.network, &before) && same_front() && device.token == token_before,
                "a repeated request changes nothing");
        promise(answer.status == (late ? SKA_STATUS_OK : turn.status),
                "a repeated request is answered as before");
        return;
    }
    const bool refused = answer.status != SKA_STATUS_OK;
    promise(!refused ||
                (same(&device.network, &before) && same_front() && device.token == token_before),
            "a refused request changes nothing");
    promise((answer.status == SKA_STATUS_SEQUENCE) == (!next && !hello),
            "what is out of turn is refused, and only that for its seq");
    if (!next && !hello) {
        device_counts.out_of_turn++;
        return;
    }
    device_counts.refused += refused;
    device_counts.executed += !refused;
    device_counts.saved += !refused && type == SKA_MESSAGE_SAVE;
    turn.open = true;
    turn.seq = seq;
    turn.type = type;
    turn.status = answer.status;
    turn.hello = hello ? seq : turn.hello;
    if (!refused) {
        promise(executed_well(type, request.content + 2, request.length - 2),
                "a request changes what it is for, and only when it fits");
        promise(front_may(type) || same_front(), "only a request for it changes the front end");
        promise(device.token == token_behind(type, request.content + 2, request.length - 2),
                "a token lasts as long as the state learns on");
    }
}

/* Checks the effect of the last byte. */
static void byte_judge(void) {
    promise(device.decoder.dropped == (dropped < 0xFFFFu ? dropped : 0xFFFFu),
            "what is no good frame is counted");
    if (request.good) {
        request_judge();
    } else {
        device_counts.changed +=
            !same(&device.network, &before) || !same_front() || device.token != token_before;
        promise(answer.frames == 0, "nothing is answered but a good frame");
    }
    promise(storage_misuses == 0, "memory is erased before it is written, and used where it is");
    promise(is_sane(), "the counters of a network stay in their range");
}

/* --- the board -------------------------------------------------------------------------------- */

void ska_board_init(void) {}

#if SKA_FRONT_AXES > 0

const bool ska_sensor_runs = false;

/* Now and then, the sensor has no sample at the moment. */
bool ska_sensor_read(int16_t sample[SKA_SENSOR_AXES]) {
    sensed++;
    for (size_t axis = 0; axis < SKA_SENSOR_AXES; axis++) {
        sample[axis] = (int16_t)(sensed * 40503u);
    }
    return sensed % 7u != 0u;
}

/* Now and then, samples are missing; most windows are complete before. */
bool ska_sensor_gap(void) { return sensed % 101u == 0u; }

/* A button is pressed for some windows, unless a host follows: then the device would announce what
 * it learns. */
int16_t ska_sensor_label(void) {
    return sensed % 3u == 0u && !ska_device_followed(&device) ? (int16_t)(sensed % SKA_CLASSES)
                                                              : SKA_SENSOR_NO_LABEL;
}

#endif

/* Takes a byte of a line; returns true if it is a zero that ends a piece of at least one byte. */
static bool piece_take(piece_t *piece, uint8_t byte) {
    if (byte != 0) {
        if (piece->count < LINE_MOST) {
            piece->bytes[piece->count] = byte;
        }
        piece->count++;
    }
    return byte == 0 && piece->count != 0;
}

/* Decodes a finished piece; returns whether it is a valid frame. */
static bool piece_end(piece_t *piece, content_seen_t *content) {
    const size_t count = piece->count;
    piece->count = 0;
    return count <= LINE_MOST &&
           line_decode(piece->bytes, count, content->content, &content->length);
}

/* Between two bytes the firmware is idle, so its state is compared here. */
int16_t ska_board_read(void) {
    if (device_counts.starts == 1 && device_counts.bytes == 0) {
        flashed = device.network;
    }
    byte_judge();
    memcpy(&before, &device.network, sizeof device.network);
#if SKA_FRONT_AXES > 0
    memcpy(&front_before, &device.front, sizeof device.front);
    memcpy(&window_before, &device.window, sizeof device.window);
#endif
    token_before = device.token;
    memset(&answer, 0, sizeof answer);
    request.good = false;
    const int16_t byte = source();
    if (byte < 0) {
        return byte;
    }
    device_counts.bytes++;
    if (piece_take(&received, (uint8_t)byte)) {
        device_counts.frames++;
        request.good = piece_end(&received, &request) && request.length + 2 <= SKA_FRAME_MAX;
        device_counts.good += request.good;
        dropped += !request.good;
    }
    return byte;
}

void ska_board_write(uint8_t byte) {
    static content_seen_t reply;
    if (!piece_take(&sent, byte)) {
        return;
    }
    answer.frames++;
    const bool good = piece_end(&sent, &reply);
    promise(good, "an answer is a good frame");
    if (good) {
        promise(request.good && reply.content[1] == request.content[1],
                "an answer has the seq of its request");
        answer.closing += reply.content[0] != SKA_MESSAGE_METRICS;
        if (reply.content[0] == SKA_MESSAGE_STATUS) {
            answer.status = reply.content[2];
        }
    }
}

/* --- life ------------------------------------------------------------------------------------- */

void device_run(device_source_t from) {
    source = from;
    /* Clears .bss like a start-up file. */
    memset(&device, 0, sizeof device);
    token_before = 0;
    memset(&writing, 0, sizeof writing);
    storage_clear();
    memset(&turn, 0, sizeof turn);
    received.count = 0;
    sent.count = 0;
    dropped = 0;
    request.good = false;
    memset(&answer, 0, sizeof answer);
    device_counts.starts++;
    ska_init(&before);
#if SKA_FRONT_AXES > 0
    memset(&front_before, 0, sizeof front_before);
    memset(&window_before, 0, sizeof window_before);
    sensed = 0;
    ska_front_reset(&front_before);
#endif
    promise(ska_firmware_main() == 0, "the firmware ends when its board does");
}
