/* eva_sensor.c - runs a device that takes samples of its own sensor, for Frama-C Eva.
 *
 * The sensor gives samples with any values and any labels, and one run has a gap after a window.
 * After each sample, a host makes every request about the sensor, with any contents. A read of a
 * volatile variable gives any value of its type. eva_main.c analyzes the network, which here
 * answers with any values. */
#include "ska_board.h"
#include "ska_reply.h"
#include "ska_sensor.h"
#include "ska_window_request.h"

#define MOST (SKA_FRONT_LENGTH + SKA_FRONT_HOP) /* samples of two windows */

static volatile uint32_t any_u32;
static volatile int16_t any_i16;
static volatile uint8_t any_u8;
static volatile ska_signal_t any_signal;

static ska_device_t device;
static uint16_t samples_left; /* samples that the sensor has now */
static bool gap;              /* whether samples are missing before the last one */

/* --- the board -------------------------------------------------------------------------------- */

const bool ska_sensor_runs = SENSOR_RUNS;

bool ska_sensor_read(int16_t sample[SKA_SENSOR_AXES]) {
    if (samples_left == 0u) {
        return false;
    }
    samples_left--;
    for (uint8_t axis = 0; axis < SKA_SENSOR_AXES; axis++) {
        sample[axis] = any_i16;
    }
    return true;
}

bool ska_sensor_gap(void) { return gap; }

int16_t ska_sensor_label(void) { return any_i16; }

void ska_frame_write(uint8_t type, uint8_t seq, const uint8_t *payload, uint16_t length) {
    (void)type;
    (void)seq;
    (void)payload;
    /*@ check reply_fits: length <= SKA_PAYLOAD_MAX; */
    /*@ check reply_written: \initialized(payload + (0 .. length - 1)); */
}

#if SKA_SENSOR_KEEPS
/* Reads the ring, whose samples must be initialized, and makes features; eva_front.c analyzes how
 * they are computed. */
void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    int16_t read = 0;
    for (uint16_t i = 0; i < SKA_FRONT_LENGTH; i++) {
        read |= ska_front_kept(parts, ska_front_place(oldest, i), 0);
    }
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        features[i] = read == 0 ? 0 : (int32_t)any_u8;
    }
}
#endif

/* --- the network ------------------------------------------------------------------------------ */

static int16_t decisions[SKA_CLASSES];

/* Reads an input, whose elements must be initialized, and makes decisions. */
static void inputs_read(const ska_signal_t x[SKA_INPUTS]) {
    uint8_t read = 0;
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        read ^= (uint8_t)x[i];
    }
    for (uint16_t i = 0; i < SKA_CLASSES; i++) {
        decisions[i] = read == 0u ? 0 : any_i16;
    }
}

void ska_init(ska_t *ska) { (void)ska; }

#if SKA_REGRESSION

const int16_t *ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]) {
    (void)ska;
    inputs_read(x);
    return decisions;
}

void ska_learn_values(ska_t *ska, const ska_signal_t x[SKA_INPUTS],
                      const int16_t targets[SKA_TARGETS]) {
    (void)ska;
    inputs_read(x);
    for (uint16_t i = 0; i < SKA_TARGETS; i++) {
        decisions[i] = targets[i];
    }
}

const int16_t *ska_values(const ska_t *ska) {
    (void)ska;
    return decisions;
}

#else

uint16_t ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]) {
    (void)ska;
    inputs_read(x);
    return any_u8;
}

const int16_t *ska_decisions(const ska_t *ska) {
    (void)ska;
    return decisions;
}

uint16_t ska_classify(const ska_t *ska) {
    (void)ska;
    return any_u8;
}

ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label) {
    (void)ska;
    inputs_read(x);
    return label < SKA_CLASSES ? SKA_OK : SKA_ERROR_LABEL;
}

#endif

void ska_standardize_i32(const int32_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = (ska_signal_t)(raw[i] < 0 ? 0 : any_signal);
    }
}

void ska_metrics(const ska_t *ska, uint8_t layer, ska_metrics_t *metrics) {
    static const ska_metrics_t none;
    (void)ska;
    (void)layer;
    *metrics = none;
}

uint32_t ska_step(const ska_t *ska) {
    (void)ska;
    return any_u32;
}

uint32_t ska_samples(const ska_t *ska) {
    (void)ska;
    return any_u32;
}

const uint8_t *ska_state(const ska_t *ska, uint32_t offset) {
    (void)offset;
    return (const uint8_t *)&ska->step;
}

/* --- requests of a host ----------------------------------------------------------------------- */

#define PAYLOAD (SKA_MESSAGE_LABEL_SIZE + 1u) /* the longest request here, and a byte */

static ska_frame_t any_request(uint16_t length) {
    static uint8_t payload[PAYLOAD];
    const ska_frame_t frame = {any_u8, any_u8, length, payload};
    for (uint16_t i = 0; i < PAYLOAD; i++) {
        payload[i] = any_u8;
    }
    return frame;
}

/* Makes requests of the right length, and of a wrong one. */
static void request_each(void) {
    for (uint16_t more = 0; more <= 1u; more++) {
        ska_frame_t frame = any_request((uint16_t)(SKA_MESSAGE_WINDOW_SIZE + more));
        (void)ska_window_execute(&device, &frame);
        frame = any_request((uint16_t)(SKA_MESSAGE_LABEL_SIZE + more));
        (void)ska_window_learn(&device, &frame);
#if SKA_SENSOR_KEEPS
        frame = any_request((uint16_t)(SKA_MESSAGE_READ_RAW_SIZE + more));
        (void)ska_window_read(&frame);
#endif
    }
    ska_reply_window(any_u8, &device, any_u8);
#if SKA_REGRESSION
    const int16_t targets[SKA_TARGETS] = {any_i16};
    (void)ska_device_label_values(&device, targets);
#endif
#if SKA_SENSOR_KEEPS
    /* From a sample before those that the front end has to one that will come later. */
    for (uint32_t back = 0; back < SKA_FRONT_LENGTH + 2u; back++) {
        ska_reply_sensed(any_u8, &device, device.window.taken + 1u - back);
    }
#endif
}

/* Lets a host push a sample in place of the sensor, up to the next HELLO. */
static void push_from(ska_device_t before) {
    int16_t sample[SKA_FRONT_AXES];
    for (uint8_t axis = 0; axis < SKA_FRONT_AXES; axis++) {
        sample[axis] = any_i16;
    }
    (void)ska_window_raw(&device, ska_outcome(SKA_STATUS_LENGTH, any_u32));
    (void)ska_front_push(&device.front, sample);
    (void)ska_window_raw(&device, ska_outcome(SKA_STATUS_OK, any_u32));
    /*@ check pushed: device.window.pushed == 1; */
    request_each();
    ska_window_hello(&device);
    /*@ check senses_again: device.window.pushed == 0; */
    request_each();
    device = before;
}

/* --- windows ---------------------------------------------------------------------------------- */

/* Runs two windows, with a gap before sample `gap_at`; MOST is no gap. A host makes requests from
 * sample `from` on. */
static void windows_from(uint16_t from, uint16_t gap_at) {
    uint16_t windows = 0;
    ska_device_init(&device);
#if SKA_SENSOR_KEEPS
    device.window.taken = (uint32_t)0u - SKA_FRONT_LENGTH; /* the count wraps in the windows */
#endif
    for (uint16_t at = 0; at < MOST; at++) {
        device.window.number = any_u32;
        device.follow = any_u8;
        device.token = any_u32;
        samples_left = 1;
        gap = at == gap_at;
        windows += ska_device_sense(&device) ? 1u : 0u;
        (void)ska_device_sense(&device); /* the sensor has no sample */
        if (at >= from) {
            request_each();
        }
        if (at >= from && at % SKA_FRONT_HOP == 0u) {
            push_from(device);
        }
    }
    /*@ check all_windows: gap_at < MOST || windows == 2; */
}

void eva_main(void);
void eva_main(void) {
    windows_from(0, MOST);
    windows_from(SKA_FRONT_LENGTH, SKA_FRONT_LENGTH);
}
