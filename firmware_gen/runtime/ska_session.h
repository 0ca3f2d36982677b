/*
 * ska_session.h: decides from the order of requests whether a request is executed, answered again,
 * or refused.
 *
 * The host repeats a request if its answer is late or damaged. Each request therefore carries a
 * sequence number. A repeat of the last request (same seq, same type) is answered again but not
 * executed again. This needs little memory, because an answer depends only on the network's state,
 * the request, and its outcome.
 */
#ifndef SKA_SESSION_H
#define SKA_SESSION_H

#include "ska_outcome.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A session; HELLO opens it, and a restart of the device ends it. If all members are 0, it is
 * closed. */
typedef struct {
    bool open;
    uint8_t hello;             /* seq of the HELLO that opened it */
    uint8_t seq;               /* seq of the last request */
    uint8_t type;              /* type of the last request */
    ska_outcome_t last;        /* outcome of the last request */
    ska_outcome_t first_error; /* outcome of the first request that failed, other than EARLY */
} ska_session_t;

typedef enum {
    SKA_TURN_NEW,      /* the next request, or a HELLO that opens a session */
    SKA_TURN_REPEATED, /* the last request again */
    SKA_TURN_LATE,     /* a late copy of the HELLO that opened the session */
    SKA_TURN_WRONG     /* any other request: it must change nothing */
} ska_turn_t;

ska_turn_t ska_session_turn(const ska_session_t *session, const ska_frame_t *frame);

/* Records a request as the last one of the session. Its outcome goes to `last`; then call
 * ska_session_note. */
void ska_session_begin(ska_session_t *session, const ska_frame_t *frame);

/* Notes the last outcome if it is the first error; EARLY does not count as an error. */
void ska_session_note(ska_session_t *session);

/* Forgets an answer that depends on a forward pass, because the device has made another forward
 * pass. A repeat of this request is refused with SEQUENCE; the detail tells the host that the
 * request was executed. */
void ska_session_forget(ska_session_t *session);

/* Returns the seq of the last request; 65535 without a session. */
uint16_t ska_session_seq(const ska_session_t *session);

#ifdef __cplusplus
}
#endif

#endif
