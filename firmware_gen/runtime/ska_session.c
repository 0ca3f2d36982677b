/* ska_session.c: see ska_session.h. */
#include "ska_session.h"

#define NO_SESSION 0xFFFFu
#define NO_TYPE 0u /* no message has this type */

/* A request at the wrong turn comes after a lost request, after a later request, or from a host
 * that does not know that the device has restarted. A late copy of a HELLO must not reset the
 * session, because the samples after it would be accepted as new samples. */
ska_turn_t ska_session_turn(const ska_session_t *session, const ska_frame_t *frame) {
    if (session->open && frame->seq == session->seq && frame->type == session->type) {
        return SKA_TURN_REPEATED;
    }
    if (session->open && frame->seq == (uint8_t)(session->seq + 1u)) {
        return SKA_TURN_NEW;
    }
    if (frame->type != SKA_MESSAGE_HELLO) {
        return SKA_TURN_WRONG;
    }
    return session->open && frame->seq == session->hello ? SKA_TURN_LATE : SKA_TURN_NEW;
}

void ska_session_begin(ska_session_t *session, const ska_frame_t *frame) {
    if (frame->type == SKA_MESSAGE_HELLO) {
        session->hello = frame->seq;
    }
    session->open = true;
    session->seq = frame->seq;
    session->type = frame->type;
}

void ska_session_note(ska_session_t *session) {
    const uint8_t code = session->last.code;
    if (code != SKA_STATUS_OK && code != SKA_STATUS_EARLY &&
        session->first_error.code == SKA_STATUS_OK) {
        session->first_error = session->last;
    }
}

void ska_session_forget(ska_session_t *session) {
    if (session->type == SKA_MESSAGE_SAMPLE || session->type == SKA_MESSAGE_INFER) {
        session->type = NO_TYPE;
    }
}

uint16_t ska_session_seq(const ska_session_t *session) {
    return session->open ? session->seq : NO_SESSION;
}
