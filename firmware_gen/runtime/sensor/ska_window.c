/* ska_window.c: classifies and learns the windows of the device's own sensor; see ska_device.h. */
#include "ska_device.h"
#include "ska_sensor.h"
#include "ska_targets.h"
#include "ska_window_request.h"

/* Keeps the result of the last forward pass. */
static void result_keep(ska_window_t *window, const ska_t *network) {
#if SKA_REGRESSION
    const int16_t *decisions = ska_values(network);
#else
    const int16_t *decisions = ska_decisions(network);
#endif
    for (uint16_t i = 0; i < SKA_CLASSES; i++) {
        window->decisions[i] = decisions[i];
    }
#if !SKA_REGRESSION
    window->predicted = ska_classify(network);
#endif
}

#if !SKA_INFERENCE_ONLY

/* Tells whether the newest window may be learned: there is one, and it has no label. */
static bool is_open(const ska_window_t *window) {
    return window->number != 0u && window->label == SKA_UNLABELED;
}

#if SKA_REGRESSION

/* Keeps the targets and the result of the newest window, which has just been learned. */
static void targets_keep(ska_device_t *device, const int16_t targets[SKA_TARGETS]) {
    for (uint16_t i = 0; i < SKA_TARGETS; i++) {
        device->window.targets[i] = targets[i];
    }
    device->window.label = SKA_WITH_TARGETS;
    result_keep(&device->window, &device->network);
}

static bool is_learned_with(const ska_window_t *window, const int16_t targets[SKA_TARGETS]) {
    bool same = window->label != SKA_UNLABELED;
    for (uint16_t i = 0; i < SKA_TARGETS; i++) {
        same = same && window->targets[i] == targets[i];
    }
    return same;
}

bool ska_device_label_values(ska_device_t *device, const int16_t targets[SKA_TARGETS]) {
    if (!is_open(&device->window)) {
        return false;
    }
    ska_device_learn_values(device, device->window.x, targets);
    targets_keep(device, targets);
    return true;
}

#else

/* Keeps the label and the result of the newest window, which has just been learned. */
static void label_keep(ska_device_t *device, uint16_t label) {
    device->window.label = label;
    result_keep(&device->window, &device->network);
}

bool ska_device_label(ska_device_t *device, uint16_t label) {
    if (!is_open(&device->window) || ska_device_learn(device, device->window.x, label) != SKA_OK) {
        return false;
    }
    label_keep(device, label);
    return true;
}

#endif
#endif

void ska_device_gap(ska_device_t *device) {
    ska_front_reset(&device->front);
#if SKA_SENSOR_KEEPS
    device->window.kept = 0;
#endif
}

bool ska_device_take(ska_device_t *device, const int16_t sample[SKA_FRONT_AXES]) {
    ska_window_t *window = &device->window;
    const bool complete = ska_front_push(&device->front, sample);
#if SKA_SENSOR_KEEPS
    window->taken++;
    window->end = complete ? window->taken : window->end;
    window->kept = (uint16_t)(window->kept + (window->kept < SKA_FRONT_LENGTH ? 1u : 0u));
#endif
    if (!complete) {
        return false;
    }
    ska_front_input(&device->front, window->x);
    (void)ska_infer(&device->network, window->x);
    ska_session_forget(&device->session);
    result_keep(window, &device->network);
    window->number++;
    window->label = SKA_UNLABELED;
    return true;
}

bool ska_device_sense(ska_device_t *device) {
    int16_t sample[SKA_FRONT_AXES];
    bool complete = false;
    while (!complete && !device->window.pushed && ska_sensor_read(sample)) {
        if (ska_sensor_gap()) {
            ska_device_gap(device);
        }
        complete = ska_device_take(device, sample);
    }
#if !SKA_INFERENCE_ONLY && !SKA_REGRESSION
    if ((complete || ska_sensor_runs) && !ska_device_busy(device)) {
        const int16_t label = ska_sensor_label();
        if (label >= 0) {
            (void)ska_device_label(device, (uint16_t)label);
        }
    }
#endif
    return complete;
}

/* --- requests --------------------------------------------------------------------------------- */

void ska_window_hello(ska_device_t *device) {
    if (device->window.pushed) {
        device->window.pushed = false;
        ska_device_gap(device); /* no window has samples of both */
    }
}

ska_outcome_t ska_window_raw(ska_device_t *device, ska_outcome_t went) {
    device->window.pushed = device->window.pushed || went.code == SKA_STATUS_OK;
#if SKA_SENSOR_KEEPS
    device->window.kept = device->window.pushed ? 0u : device->window.kept;
#endif
    return went;
}

ska_outcome_t ska_window_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_window_t asked;
    const ska_window_t *window = &device->window;
    bool ended = false;
    if (!ska_message_window_unpack(frame->payload, frame->length, &asked)) {
        return ska_outcome_length(frame);
    }
    if (!ska_sensor_runs && (window->number == 0u || window->number == asked.after)) {
        ended = !ska_device_sense(device) && !window->pushed;
    }
    if (window->number != 0u && window->number != asked.after) {
        return ska_outcome(SKA_STATUS_OK, SKA_WINDOW_NEWER);
    }
    return ska_outcome(SKA_STATUS_OK, ended ? SKA_WINDOW_ENDED : 0u);
}

#if !SKA_INFERENCE_ONLY

ska_outcome_t ska_window_learn(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_label_t given;
    ska_window_t *window = &device->window;
    if (!ska_message_label_unpack(frame->payload, frame->length, &given)) {
        return ska_outcome_length(frame);
    }
    if (given.token != device->token) {
        return ska_outcome(SKA_STATUS_TOKEN, device->token);
    }
#if SKA_REGRESSION
    int16_t targets[SKA_TARGETS];
    ska_targets_read(given.targets, targets);
    const bool learned = is_learned_with(window, targets);
#else
    const bool learned = window->label != SKA_UNLABELED && window->label == given.label;
#endif
    if (window->number != 0u && given.window == window->number && learned) {
        return ska_outcome_done(); /* the host wants the metrics of this step */
    }
    if (!is_open(window) || given.window != window->number) {
        return ska_outcome(SKA_STATUS_WINDOW, window->number);
    }
#if SKA_REGRESSION
    ska_learn_values(&device->network, window->x, targets);
    targets_keep(device, targets);
#else
    if (ska_learn(&device->network, window->x, given.label) != SKA_OK) {
        return ska_outcome(SKA_STATUS_LABEL, given.label);
    }
    label_keep(device, given.label);
#endif
    return ska_outcome_done();
}

#endif

#if SKA_SENSOR_KEEPS

ska_outcome_t ska_window_read(const ska_frame_t *frame) {
    ska_message_read_raw_t asked;
    return ska_message_read_raw_unpack(frame->payload, frame->length, &asked)
               ? ska_outcome_done()
               : ska_outcome_length(frame);
}

#endif
