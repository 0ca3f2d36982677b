/* ska.h - a small neural network that keeps learning, in integers only.
 *
 * Usage: one `ska_t`, owned by the caller (make it static: it holds all parameters).
 *
 *     static ska_t ska;
 *     ska_init(&ska);
 *     predicted = ska_infer(&ska, x);
 *     status = ska_learn(&ska, x, label);
 *
 * A regression has values of targets instead of classes:
 *
 *     values = ska_infer(&ska, x);
 *     ska_learn_values(&ska, x, targets);
 *
 * No function allocates, blocks, recurses or uses floating point. Do not use one `ska_t` from two
 * threads, or from a thread and an interrupt, at the same time; several `ska_t` are independent.
 */
#ifndef SKA_H
#define SKA_H

#include <stdbool.h>
#include <stdint.h>

#include "ska_plan.h"
#include "ska_state.h" /* ska_t, a network */
#include "ska_target.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    SKA_OK = 0,
    SKA_ERROR_LABEL, /* no class has this label; nothing was learned or forgotten */
    SKA_ERROR_RATE,  /* more halvings than SKA_RATE_HALVINGS_MAX; the rate is unchanged */
    /* From ska_journal.h; these errors lose no earlier save. */
    SKA_ERROR_STORAGE, /* the memory failed, or returned other bytes than were written */
    SKA_ERROR_UNSAVED, /* there is no complete save of this network; nothing was loaded */
    SKA_ERROR_WORN,    /* the memory has reached SKA_STORAGE_WEAR erases; nothing was saved */
    SKA_ERROR_PIECES,  /* the save was not begun, or its size is wrong; nothing was saved */
    SKA_ERROR_EARLY,   /* SKA_SAVE_BUDGET is spent; nothing was saved */
    SKA_ERROR_SPARE    /* no spare output is left, or the name is empty; nothing was added */
} ska_status_t;

/* Sums over the neurons and the weights of one layer in an update. The host computes metrics
 * from them; see docs/PROTOCOL.md. */
typedef struct {
    int64_t entropy;       /* z * shift */
    int64_t z_square;      /* z * z */
    int64_t shift_square;  /* shift * shift */
    int64_t decision_net;  /* D * (z - previous z) */
    int64_t alignment_net; /* z * D' * (z - previous z) */
    int64_t flow_square;   /* (z - previous z)^2 */
    int64_t w_square;      /* W * W; for 32-bit weights, W is the upper 16 bits */
    int64_t z_saturated;   /* number of z at a limit of their format */
    int64_t w_saturated;   /* number of weights at a limit of their format */
    int64_t zero_updates;  /* number of weights whose last update rounded to zero */
} ska_metrics_t;

/* If SKA_INFERENCE_ONLY, all weights stay in flash: the network only classifies, and the functions
 * that learn or write a state do not exist. */

/* Sets the state to its initial values, such as the weights and the stored samples, and clears
 * everything else. */
void ska_init(ska_t *ska);

#if SKA_REGRESSION
/* Computes the SKA_TARGETS values for one quantized input, and returns them. ska_plan.h says how
 * they are converted to the unit of the training data. */
const int16_t *ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]);
#else
/* Classifies one quantized input. Returns the class with the largest decision; if several are
 * equal, the first of them. */
uint16_t ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]);
#endif

#if SKA_RAW_INPUT
/* Standardizes raw features from a sensor to an input. The functions differ only in the type of the
 * features; int32_t suits, for example, an ADC of 24 bits. */
void ska_standardize(const int16_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]);
void ska_standardize_u8(const uint8_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]);
void ska_standardize_u16(const uint16_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]);
void ska_standardize_i32(const int32_t raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]);
#endif

#if SKA_RAW_FLOAT
/* Standardizes raw features, which are IEEE-754 binary32 numbers, to an input. The function reads
 * their bits as integers, and uses no float arithmetic. An infinite feature becomes the smallest or
 * largest input, as a very large finite feature does. NaN becomes 0, the mean of the training data.
 */
void ska_standardize_f32(const float raw[SKA_INPUTS], ska_signal_t x[SKA_INPUTS]);
#endif

#if !SKA_INFERENCE_ONLY
#if SKA_REPLAY_SLOTS > 0
/* Learns one of the stored samples again, for example in idle time; does nothing if no sample is
 * stored. Each call of ska_learn also does this SKA_REPLAYS times. */
void ska_replay(ska_t *ska);
#endif

#if SKA_REGRESSION
/* Learns one sample: its input, and the SKA_TARGETS targets, in the format of values. If the plan
 * has a margin M, a sample whose errors are all smaller than M, of either sign, changes no weight.
 */
void ska_learn_values(ska_t *ska, const ska_signal_t x[SKA_INPUTS],
                      const int16_t targets[SKA_TARGETS]);
#else
/* Learns one sample. If the plan has a replay buffer, learns SKA_REPLAYS stored samples first.
 * If the plan has a margin M, a sample whose output errors are all smaller than M, of either
 * sign, changes no weight. If the step is normalized (SKA_NORMALIZED), a large input lowers the
 * rate of its sample. Rules without labels collect SKA_BATCH samples and then make
 * SKA_STEPS passes; they only check that the label is in range. */
ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label);
#endif

#if SKA_SPARES > 0
/* Makes a spare output a class, and writes its label. The name is UTF-8 text of at most
 * SKA_NAME_BYTES bytes; a shorter one ends in a zero byte. If an added class already has this name,
 * writes its label, and changes nothing. The names of the classes of the plan are not compared. */
ska_status_t ska_class_add(ska_t *ska, const char *name, uint16_t *label);

/* Makes an added class a spare output again: drops its stored samples, and sets its weights to 0,
 * as they were before any training. */
ska_status_t ska_class_forget(ska_t *ska, uint16_t label);
#endif

#if !SKA_SUPERVISED
/* Learns a whole batch in SKA_STEPS passes; the first pass only records. */
void ska_learn_batch(ska_t *ska, const ska_signal_t x[SKA_BATCH][SKA_INPUTS]);
#endif
#endif

#if SKA_REGRESSION
/* Returns the SKA_TARGETS values of the last forward pass, integers with SKA_TARGET_FRAC fractional
 * bits. ska_learn_values makes this pass before it updates the weights. */
const int16_t *ska_values(const ska_t *ska);
#else
/* Return the class and the SKA_CLASSES decisions (Q0.15) of the last forward pass. ska_learn
 * makes this pass before it updates the weights.
 *
 * A spare output without a class has the decision 0, and is never the answer. */
uint16_t ska_predicted(const ska_t *ska);
const int16_t *ska_decisions(const ska_t *ska);

/* Returns the confidence of the last forward pass: the difference of its two largest decisions
 * (Q0.15). */
int16_t ska_confidence(const ska_t *ska);

/* The class of a sample whose confidence is too small. */
#define SKA_UNKNOWN UINT16_MAX

/* Returns the class of the last forward pass, as ska_predicted does; SKA_UNKNOWN if the confidence
 * is below SKA_LEAST_CONFIDENCE, which is 0 for a model without a limit. */
uint16_t ska_classify(const ska_t *ska);
#endif

#if !SKA_INFERENCE_ONLY
/* Return the number of updates and the number of accepted samples; both are part of the state. Both
 * count samples within the margin, too. */
uint32_t ska_step(const ska_t *ska);
uint32_t ska_samples(const ska_t *ska);

/* Sets the rate to the plan's rate, halved `times` times; `times` is at most SKA_RATE_HALVINGS_MAX.
 * The plan's own rate is the maximum, because the range proof holds for no larger rate. */
ska_status_t ska_rate_halve(ska_t *ska, uint8_t times);

/* Returns the sums of the last update for one layer; call it before the next ska_infer. The sums
 * are zero if the last sample made no update: at step 0, and while a batch is being filled. The
 * shifts of a sample within the margin count as 0. */
void ska_metrics(const ska_t *ska, uint8_t layer, ska_metrics_t *metrics);
#else
static inline uint32_t ska_step(const ska_t *ska) {
    (void)ska;
    return 0;
}

static inline uint32_t ska_samples(const ska_t *ska) {
    (void)ska;
    return 0;
}
#endif

/* The state has the counters, the parameters and all else that is learned, such as stored samples.
 * Its SKA_STATE_BYTES bytes are the same on every core, each number with its lowest byte first.
 * Returns the address of byte `offset`. SKA_STATE_RUN bytes are consecutive there: all bytes on a
 * little-endian core with all parameters in RAM, otherwise 1. If the byte is not in RAM, the next
 * call may overwrite it. */
const uint8_t *ska_state(const ska_t *ska, uint32_t offset);

/* Tells whether byte `offset` of the state is in flash, so that it never changes. */
static inline bool ska_state_is_in_flash(uint32_t offset) {
#if SKA_FLASH_COUNT > 0
    return offset >= SKA_STATE_PARAMETERS && offset - SKA_STATE_PARAMETERS < SKA_FLASH_BYTES;
#else
    (void)offset;
    return false;
#endif
}

#if !SKA_INFERENCE_ONLY
/* Like ska_state, for the SKA_SAVED_BYTES bytes of the state that are in RAM; SKA_SAVED_RUN of them
 * are consecutive. */
#if SKA_FLASH_COUNT > 0
const uint8_t *ska_saved(const ska_t *ska, uint32_t offset);
#else
static inline const uint8_t *ska_saved(const ska_t *ska, uint32_t offset) {
    return ska_state(ska, offset);
}
#endif

/* Activates a state. The caller has already written the SKA_SAVED_BYTES bytes of the state, first
 * to last, to the beginning of *ska. The function limits counters to their ranges, so that
 * even wrong bytes do no harm. */
void ska_state_written(ska_t *ska);
#endif

/* The first bytes of the plan's digest, which distinguishes plans. */
extern const uint8_t ska_plan_digest[8];

/* Returns the CRC-32 of the initial parameters and other initial values, which distinguishes images
 * of the same plan. */
uint32_t ska_initial_crc(void);

#ifdef __cplusplus
}
#endif

#endif

/* This second inclusion stops the compiler if the header of another model with the same prefix
 * was included before. */
#include "ska_plan.h"
