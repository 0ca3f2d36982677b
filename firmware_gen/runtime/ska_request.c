/*
 * ska_request.c: executes each kind of request, and sends its answer.
 *
 * A SAMPLE has a number: the sum of the token and the count of samples before it. The device learns
 * only the next number, so it learns a sample once, even if a later session or another program of
 * the host sends it again.
 *
 * To add a request, add a row to ska_edge/wire/protocol.py, a handler here, and a case to
 * ska_request_execute. ska_reply.c packs the answers, ska_push.c writes the memory for saves,
 * and ska_tag.c has the key. */
#include "ska_request.h"

#include "ska_reply.h"
#include "ska_targets.h"
#if SKA_SENSOR
#include "ska_window_request.h"
#endif

/* Reads an input from the line, little-endian, with two bytes per element if the plan has 16 bits.
 */
static const ska_signal_t *input_read(ska_device_t *device, const uint8_t *bytes) {
#if SKA_SIGNAL_BYTES == 1
    (void)device;
    return (const ska_signal_t *)bytes;
#else
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        device->x[i] = (ska_signal_t)ska_bytes_get_u16(bytes + 2u * i);
    }
    return device->x;
#endif
}

#if SKA_REGRESSION && !SKA_INFERENCE_ONLY

/* Learns a sample from the line. */
static void sample_learn_values(ska_device_t *device, const ska_message_sample_t *sample) {
    int16_t targets[SKA_TARGETS];
    ska_targets_read(sample->targets, targets);
    ska_learn_values(&device->network, input_read(device, sample->x), targets);
}

#endif

/* --- execution -------------------------------------------------------------------------------- */

/* Accepts any version. The answer has the device's version, and the host decides whether that
 * version fits.
 */
static ska_outcome_t hello_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_hello_t hello;
    device->follow = 0;
#if SKA_SENSOR
    if (frame->length == SKA_MESSAGE_HELLO_SIZE) {
        ska_window_hello(device);
    }
#endif
    return ska_message_hello_unpack(frame->payload, frame->length, &hello)
               ? ska_outcome_done()
               : ska_outcome_length(frame);
}

#if SKA_INFERENCE_ONLY

static ska_outcome_t frozen_refuse(const ska_frame_t *frame) {
    return ska_outcome(SKA_STATUS_FROZEN, frame->type);
}

#else

static ska_outcome_t follow_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_follow_t follow;
    if (!ska_message_follow_unpack(frame->payload, frame->length, &follow)) {
        return ska_outcome_length(frame);
    }
    device->follow = follow.want | SKA_DEVICE_FOLLOWED;
    return ska_outcome_done();
}

static ska_outcome_t sample_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_sample_t sample;
    if (!ska_message_sample_unpack(frame->payload, frame->length, &sample)) {
        return ska_outcome_length(frame);
    }
    const uint32_t next = device->token + ska_samples(&device->network);
    if (sample.number != next) {
        return ska_outcome(SKA_STATUS_NUMBER, next);
    }
#if SKA_REGRESSION
    sample_learn_values(device, &sample);
#else
    if (ska_learn(&device->network, input_read(device, sample.x), sample.label) != SKA_OK) {
        return ska_outcome(SKA_STATUS_LABEL, sample.label);
    }
#endif
    return ska_outcome_done();
}

#endif

static ska_outcome_t infer_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_infer_t infer;
    if (!ska_message_infer_unpack(frame->payload, frame->length, &infer)) {
        return ska_outcome_length(frame);
    }
    (void)ska_infer(&device->network, input_read(device, infer.x));
    return ska_outcome_done();
}

#if SKA_FRONT_AXES > 0

/* The detail is 1 if the last sample completes a window. An earlier window in the same request is
 * passed over. */
static ska_outcome_t raw_execute(ska_front_t *front, const ska_frame_t *frame) {
    ska_message_raw_t raw;
    if (!ska_message_raw_unpack(frame->payload, frame->length, &raw) ||
        raw.data_count % (2u * SKA_FRONT_AXES) != 0u) {
        return ska_outcome_length(frame);
    }
    if (raw.reset != 0u) {
        ska_front_reset(front);
    }
    const uint8_t *bytes = raw.data;
    for (uint16_t at = 0; at < raw.data_count; at += 2u * SKA_FRONT_AXES) {
        int16_t sample[SKA_FRONT_AXES];
        for (uint8_t axis = 0; axis < SKA_FRONT_AXES; axis++) {
            sample[axis] = (int16_t)ska_bytes_get_u16(bytes);
            bytes += 2;
        }
        (void)ska_front_push(front, sample);
    }
    return ska_outcome(SKA_STATUS_OK, ska_front_complete(front) ? 1u : 0u);
}

static ska_outcome_t features_execute(const ska_front_t *front, const ska_frame_t *frame) {
    ska_message_features_t features;
    if (!ska_message_features_unpack(frame->payload, frame->length, &features)) {
        return ska_outcome_length(frame);
    }
    if (!ska_front_complete(front)) {
        return ska_outcome(SKA_STATUS_WINDOW, 0);
    }
    return features.offset < SKA_FRONT_BYTES ? ska_outcome_done()
                                             : ska_outcome(SKA_STATUS_OFFSET, SKA_FRONT_BYTES);
}

#endif

#if !SKA_INFERENCE_ONLY

static ska_outcome_t rate_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_set_rate_t rate;
    if (!ska_message_set_rate_unpack(frame->payload, frame->length, &rate)) {
        return ska_outcome_length(frame);
    }
    if (rate.token != device->token) {
        return ska_outcome(SKA_STATUS_TOKEN, device->token);
    }
    if (ska_rate_halve(&device->network, rate.halvings) != SKA_OK) {
        return ska_outcome(SKA_STATUS_RATE, SKA_RATE_HALVINGS_MAX);
    }
    return ska_outcome_done();
}

/* The detail is the number of bytes that are left after this piece; see ska_device_busy. */
static ska_outcome_t pull_execute(const ska_frame_t *frame) {
    ska_message_pull_t pull;
    if (!ska_message_pull_unpack(frame->payload, frame->length, &pull)) {
        return ska_outcome_length(frame);
    }
    const uint32_t end = pull.offset + SKA_CHUNK_MAX;
    return pull.offset < SKA_STATE_BYTES
               ? ska_outcome(SKA_STATUS_OK, end < SKA_STATE_BYTES ? SKA_STATE_BYTES - end : 0u)
               : ska_outcome(SKA_STATUS_OFFSET, SKA_STATE_BYTES);
}

static ska_outcome_t reset_execute(ska_device_t *device, const ska_frame_t *frame) {
    if (frame->length != SKA_MESSAGE_RESET_SIZE) {
        return ska_outcome_length(frame);
    }
    ska_init(&device->network);
    device->token = 0;
    return ska_outcome_done();
}

static ska_outcome_t token_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_set_token_t given;
    if (!ska_message_set_token_unpack(frame->payload, frame->length, &given)) {
        return ska_outcome_length(frame);
    }
    if (given.crc != ska_state_crc(&device->network)) {
        return ska_outcome(SKA_STATUS_TOKEN, device->token);
    }
    device->token = given.token;
    return ska_outcome_done();
}

#if SKA_SPARES > 0

/* The detail is the label of the class. */
static ska_outcome_t add_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_add_class_t added;
    uint16_t label = 0;
    if (!ska_message_add_class_unpack(frame->payload, frame->length, &added)) {
        return ska_outcome_length(frame);
    }
    if (added.token != device->token) {
        return ska_outcome(SKA_STATUS_TOKEN, device->token);
    }
    if (ska_class_add(&device->network, (const char *)added.name, &label) != SKA_OK) {
        return ska_outcome(SKA_STATUS_SPARE, SKA_SPARES);
    }
    return ska_outcome(SKA_STATUS_OK, label);
}

static ska_outcome_t forget_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_forget_class_t forgotten;
    if (!ska_message_forget_class_unpack(frame->payload, frame->length, &forgotten)) {
        return ska_outcome_length(frame);
    }
    if (forgotten.token != device->token) {
        return ska_outcome(SKA_STATUS_TOKEN, device->token);
    }
    if (ska_class_forget(&device->network, forgotten.label) != SKA_OK) {
        return ska_outcome(SKA_STATUS_LABEL, forgotten.label);
    }
    return ska_outcome_done();
}

#endif

#endif

#if SKA_PERSISTENT

static ska_outcome_t push_execute(ska_device_t *device, const ska_frame_t *frame) {
    const ska_outcome_t went = ska_push_piece(&device->push, frame, &device->network);
    if (ska_push_ended(went)) {
        device->token = 0;
    }
    return went;
}

static ska_outcome_t save_execute(ska_device_t *device, const ska_frame_t *frame) {
    ska_message_save_t save;
    if (!ska_message_save_unpack(frame->payload, frame->length, &save)) {
        return ska_outcome_length(frame);
    }
    return save.token == device->token ? ska_push_save(&device->push, &device->network)
                                       : ska_outcome(SKA_STATUS_TOKEN, device->token);
}

#endif

ska_outcome_t ska_request_execute(ska_device_t *device, const ska_frame_t *frame) {
    switch (frame->type) {
    case SKA_MESSAGE_HELLO:
        return hello_execute(device, frame);
    case SKA_MESSAGE_INFER:
        return infer_execute(device, frame);
#if SKA_INFERENCE_ONLY
    case SKA_MESSAGE_SAMPLE:
    case SKA_MESSAGE_SET_RATE:
    case SKA_MESSAGE_PULL:
    case SKA_MESSAGE_OFFER:
    case SKA_MESSAGE_PUSH:
    case SKA_MESSAGE_SAVE:
    case SKA_MESSAGE_RESET:
    case SKA_MESSAGE_SET_TOKEN:
    case SKA_MESSAGE_FOLLOW:
    case SKA_MESSAGE_ADD_CLASS:
    case SKA_MESSAGE_FORGET_CLASS:
        return frozen_refuse(frame);
#else
    case SKA_MESSAGE_SAMPLE:
        return sample_execute(device, frame);
    case SKA_MESSAGE_SET_RATE:
        return rate_execute(device, frame);
    case SKA_MESSAGE_PULL:
        return pull_execute(frame);
#if SKA_PERSISTENT
    case SKA_MESSAGE_OFFER:
        return ska_push_offer(&device->push, frame);
    case SKA_MESSAGE_PUSH:
        return push_execute(device, frame);
    case SKA_MESSAGE_SAVE:
        return save_execute(device, frame);
#endif
    case SKA_MESSAGE_RESET:
        return reset_execute(device, frame);
    case SKA_MESSAGE_SET_TOKEN:
        return token_execute(device, frame);
    case SKA_MESSAGE_FOLLOW:
        return follow_execute(device, frame);
#if SKA_SPARES > 0
    case SKA_MESSAGE_ADD_CLASS:
        return add_execute(device, frame);
    case SKA_MESSAGE_FORGET_CLASS:
        return forget_execute(device, frame);
#endif
#endif
#if SKA_FRONT_AXES > 0
    case SKA_MESSAGE_RAW:
#if SKA_SENSOR
        return ska_window_raw(device, raw_execute(&device->front, frame));
#else
        return raw_execute(&device->front, frame);
#endif
    case SKA_MESSAGE_FEATURES:
        return features_execute(&device->front, frame);
#endif
#if SKA_SENSOR
    case SKA_MESSAGE_WINDOW:
        return ska_window_execute(device, frame);
    case SKA_MESSAGE_LABEL:
#if SKA_INFERENCE_ONLY
        return frozen_refuse(frame);
#else
        return ska_window_learn(device, frame);
#endif
#if SKA_SENSOR_KEEPS
    case SKA_MESSAGE_READ_RAW:
        return ska_window_read(frame);
#endif
#endif
    case SKA_MESSAGE_CHALLENGE:
        return ska_tag_challenge(&device->tag, frame, &device->network);
    default:
        return ska_outcome(SKA_STATUS_TYPE, frame->type);
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

void ska_request_answer(const ska_device_t *device, const ska_frame_t *frame) {
#if !SKA_INFERENCE_ONLY
    ska_message_sample_t sample;
    ska_message_pull_t pull;
#endif
#if SKA_FRONT_AXES > 0
    ska_message_features_t features;
#endif
#if SKA_SENSOR
#if !SKA_INFERENCE_ONLY
    ska_message_label_t label;
#endif
#if SKA_SENSOR_KEEPS
    ska_message_read_raw_t read;
#endif
#endif
    if (device->session.last.code != SKA_STATUS_OK) {
        ska_reply_status(frame->seq, device->session.last);
    } else if (frame->type == SKA_MESSAGE_HELLO || frame->type == SKA_MESSAGE_FOLLOW) {
        ska_reply_welcome(frame->seq, device);
    } else if (frame->type == SKA_MESSAGE_INFER) {
        ska_reply_result(frame->seq, &device->network, false);
#if !SKA_INFERENCE_ONLY
    } else if (frame->type == SKA_MESSAGE_SAMPLE &&
               ska_message_sample_unpack(frame->payload, frame->length, &sample)) {
        ska_reply_step(frame->seq, &device->network, sample.want);
    } else if (frame->type == SKA_MESSAGE_PULL &&
               ska_message_pull_unpack(frame->payload, frame->length, &pull) &&
               pull.offset < SKA_STATE_BYTES) {
        ska_reply_chunk(frame->seq, &device->network, pull.offset);
#endif
#if SKA_SENSOR && !SKA_INFERENCE_ONLY
    } else if (frame->type == SKA_MESSAGE_LABEL &&
               ska_message_label_unpack(frame->payload, frame->length, &label)) {
        /* The METRICS are those of the last update only until the next window is classified. */
        ska_reply_window(frame->seq, device,
                         label.window == device->window.number ? label.want : 0u);
#endif
#if SKA_SENSOR
    } else if (frame->type == SKA_MESSAGE_WINDOW &&
               device->session.last.detail == SKA_WINDOW_NEWER) {
        ska_reply_window(frame->seq, device, 0);
#if SKA_SENSOR_KEEPS
    } else if (frame->type == SKA_MESSAGE_READ_RAW &&
               ska_message_read_raw_unpack(frame->payload, frame->length, &read)) {
        ska_reply_sensed(frame->seq, device, read.first);
#endif
#endif
#if SKA_FRONT_AXES > 0
    } else if (frame->type == SKA_MESSAGE_FEATURES &&
               ska_message_features_unpack(frame->payload, frame->length, &features) &&
               features.offset < SKA_FRONT_BYTES) {
        ska_reply_features(frame->seq, &device->front, features.offset);
#endif
    } else if (frame->type == SKA_MESSAGE_CHALLENGE) {
        ska_tag_nonce(&device->tag, frame->seq);
    } else {
        ska_reply_status(frame->seq, device->session.last);
    }
}
