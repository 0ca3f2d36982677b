/* ska_device.c: see ska_device.h. Requests are executed in ska_request.c. */
#include "ska_device.h"

#include <stddef.h>

#include "ska_reply.h"
#include "ska_request.h"

void ska_device_init(ska_device_t *device) {
    uint8_t *bytes = (uint8_t *)device;
    for (size_t i = 0; i < offsetof(ska_device_t, network); i++) {
        bytes[i] = 0;
    }
    ska_init(&device->network);
#if SKA_FRONT_AXES > 0
    ska_front_reset(&device->front);
#endif
#if SKA_PERSISTENT
    (void)ska_load(&device->network); /* without a valid save, the initial weights stay */
    ska_push_start();
#endif
}

bool ska_device_feed(ska_device_t *device, uint8_t byte) {
    if (device->decoder.whole) {
        return true; /* a request waits, and this byte is dropped */
    }
#if SKA_PERSISTENT
    ska_push_received(&device->push);
#endif
    return ska_decoder_feed(&device->decoder, byte);
}

/* Executes a request unless it was executed before, and answers it. */
static void request_handle(ska_device_t *device, ska_frame_t *frame, bool repeated) {
    ska_session_t *session = &device->session;
    ska_tag_remove(frame);
    if (!repeated) {
        ska_tag_count(&device->tag);
        ska_session_begin(session, frame);
        session->last = ska_request_execute(device, frame);
        ska_session_note(session);
    }
    ska_request_answer(device, frame);
}

void ska_device_poll(ska_device_t *device) {
    ska_frame_t frame;
    if (!device->decoder.whole) {
        return;
    }
    ska_decoder_frame(&device->decoder, &frame);
    const ska_turn_t turn = ska_session_turn(&device->session, &frame);
    if (turn == SKA_TURN_WRONG) {
        ska_reply_status(frame.seq,
                         ska_outcome(SKA_STATUS_SEQUENCE, ska_session_seq(&device->session)));
    } else if (turn == SKA_TURN_LATE) {
        ska_reply_welcome(frame.seq, device);
    } else if (turn == SKA_TURN_NEW && !ska_tag_right(&device->tag, &frame)) {
        ska_reply_status(frame.seq, ska_outcome(SKA_STATUS_KEY, 0)); /* the session stays open */
    } else {
        request_handle(device, &frame, turn == SKA_TURN_REPEATED);
    }
    ska_decoder_begin(&device->decoder);
}

bool ska_device_followed(const ska_device_t *device) {
    return (device->follow & SKA_DEVICE_FOLLOWED) != 0u;
}

#if !SKA_INFERENCE_ONLY
#if SKA_REGRESSION
void ska_device_learn_values(ska_device_t *device, const ska_signal_t x[SKA_INPUTS],
                             const int16_t targets[SKA_TARGETS]) {
    ska_learn_values(&device->network, x, targets);
    ska_session_forget(&device->session);
    if (ska_device_followed(device)) {
        const uint8_t seq = (uint8_t)ska_samples(&device->network);
        ska_reply_learned(seq, &device->network, x, targets);
        ska_reply_step(seq, &device->network, device->follow);
    }
}
#else
ska_status_t ska_device_learn(ska_device_t *device, const ska_signal_t x[SKA_INPUTS],
                              uint16_t label) {
    const ska_status_t status = ska_learn(&device->network, x, label);
    if (status != SKA_OK) {
        return status;
    }
    ska_session_forget(&device->session);
    if (ska_device_followed(device)) {
        const uint8_t seq = (uint8_t)ska_samples(&device->network);
        ska_reply_learned(seq, &device->network, x, label);
        ska_reply_step(seq, &device->network, device->follow);
    }
    return SKA_OK;
}
#endif
#endif

bool ska_device_busy(const ska_device_t *device) {
    const ska_session_t *session = &device->session;
    return session->type == SKA_MESSAGE_PULL && session->last.code == SKA_STATUS_OK &&
           session->last.detail != 0u;
}
