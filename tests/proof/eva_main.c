/* eva_main.c - calls the library in every possible state with every argument, for Frama-C Eva.
 *
 * This is a proof by induction. `any_state` represents every state that may exist before a call.
 * Eva analyzes the call from there, and `check_state` checks that the result is such a state
 * again. ska_init makes the first state. So the proof covers any number of calls in any order,
 * not only one run. A read of a volatile variable gives any value of its type. The mantissa of a
 * rate may have any value that a plan allows; -D gives its limits. */
#include "ska.h"

static volatile int32_t any_i32;
static volatile uint32_t any_u32;
static volatile int16_t any_i16;
static volatile uint8_t any_u8;
static volatile ska_weight_t any_weight;
static volatile ska_signal_t any_signal;

static ska_t ska;
static ska_signal_t x[SKA_INPUTS];
static ska_metrics_t metrics;
static uint8_t bytes[SKA_STATE_BYTES];
int32_t ska_any_mantissa; /* the tests replace SKA_RATE_MANTISSA by this variable */

static int32_t any_between(int32_t lo, int32_t hi) {
    const int32_t value = any_i32;
    return value < lo ? lo : (value > hi ? hi : value);
}

static ska_knowledge_t any_knowledge(void) {
    return (ska_knowledge_t)any_between(SKA_KNOWLEDGE_MIN, SKA_KNOWLEDGE_MAX);
}

static void any_input(void) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        x[i] = any_signal;
    }
}

#if SKA_REGRESSION
#if SKA_INFERENCE_ONLY
#error "a regression is analyzed with all of its functions"
#endif
/* The outputs of a regression have values of either sign instead of decisions. */
#define DECISIONS (SKA_NEURONS - SKA_CLASSES)

static void check_values(const int16_t *values) {
    for (uint16_t t = 0; t < SKA_TARGETS; t++) {
        /*@ check value_reads: -32768 <= values[t] <= 32767; */
    }
}
#else
#define DECISIONS SKA_NEURONS
#endif

#if !SKA_INFERENCE_ONLY

/* --- what the rules with labels keep ---------------------------------------------------------- */

#if SKA_SUPERVISED

static void any_teaching(void) {
    for (uint16_t i = 0; i < SKA_NEURONS; i++) {
        ska.shift[i] = any_i16;
    }
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
#if SKA_TEACHER_READOUT
        ska.error[c] = any_i16;
#endif
#if SKA_READOUTS > 0
        ska.readout_error[c] = any_i16;
#endif
    }
#if SKA_HEADROOM
    for (uint16_t row = 0; row < SKA_ROWS; row++) {
        ska.headroom[row] = (int16_t)any_between(0, INT16_MAX);
    }
#endif
}

#if SKA_REPLAY_SLOTS > 0
#if SKA_CLASSES != 2
#error "the fillings below are those of two classes"
#endif

/* Enumerates how many slots of each class are filled, from none to all. Eva analyzes each case by
 * itself, because the code that draws a stored sample relies on the sum of these numbers. */
#define EACH_FILLING                                                                               \
    for (uint16_t first = 0; first <= SKA_REPLAY_SLOTS; first++)                                   \
        for (uint16_t second = 0; second <= SKA_REPLAY_SLOTS; second++)

static void any_seen(uint16_t label, uint16_t held) {
    ska.seen[label] =
        held < SKA_REPLAY_SLOTS ? held : (uint16_t)any_between(SKA_REPLAY_SLOTS, SKA_MOST_SEEN);
    for (uint16_t slot = 0; slot < SKA_REPLAY_SLOTS; slot++) {
        for (uint16_t i = 0; i < SKA_INPUTS; i++) {
            ska.replay[label][slot][i] = any_signal;
        }
    }
}

#define ANY_BUFFER                                                                                 \
    any_seen(0, first);                                                                            \
    any_seen(1, second);                                                                           \
    ska.drawn = any_u32

static void check_buffer(const ska_t *state) {
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        /*@ check seen_ends: state->seen[c] <= SKA_MOST_SEEN; */
    }
}

#endif

/* --- what the rules without labels keep ------------------------------------------------------- */

#else

static void any_teaching(void) {
    ska.held = (uint16_t)any_between(0, SKA_BATCH - 1);
    ska.pass = (uint8_t)any_between(0, 1);
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        for (uint16_t i = 0; i < SKA_INPUTS; i++) {
            ska.batch[sample][i] = any_signal;
        }
        for (uint16_t i = 0; i < SKA_NEURONS; i++) {
            ska.passes[0][sample][i] = any_knowledge();
            ska.passes[1][sample][i] = any_knowledge();
        }
        for (uint16_t i = 0; i < SKA_WIDEST_INPUT; i++) {
            ska.below[sample][i] = any_signal;
        }
        ska.steps[sample] = any_i16;
    }
}

#endif

#ifndef EACH_FILLING
#define EACH_FILLING
#define ANY_BUFFER
#if SKA_SUPERVISED
static void check_buffer(const ska_t *state) { (void)state; }
#endif
#endif

/* --- all of the state ------------------------------------------------------------------------- */

static void any_state(void) {
    ska.step = any_u32;
    ska_any_mantissa = any_between(RATE_MANTISSA_MIN, RATE_MANTISSA_MAX);
    ska.samples = any_u32;
    ska.rate_halvings = (uint8_t)any_between(0, SKA_RATE_HALVINGS_MAX);
#if SKA_RATE_VARIES
    ska.halvings = (uint8_t)any_between(0, SKA_RATE_HALVINGS_MAX);
#endif
#if SKA_SPARES > 0
    for (uint16_t i = 0; i < SKA_SPARES; i++) {
        for (uint16_t place = 0; place < SKA_NAME_BYTES; place++) {
            ska.names[i][place] = any_u8;
        }
    }
#endif
#if SKA_RUNNING_NORMALIZATION
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        ska.mean[i] = any_weight; /* a mean has the type of a weight */
        ska.variance[i] = any_i16;
    }
#endif
    for (uint16_t i = 0; i < SKA_RAM_COUNT; i++) {
        ska.parameters[i] = any_weight;
    }
    for (uint16_t i = 0; i < SKA_SIGNALS; i++) {
        ska.signal[i] = any_signal;
    }
    for (uint16_t i = 0; i < SKA_NEURONS; i++) {
        ska.knowledge[i] = any_knowledge();
    }
    for (uint16_t i = 0; i < DECISIONS; i++) {
        ska.decision[i] = (int16_t)any_between(0, INT16_MAX);
    }
#if SKA_REGRESSION
    for (uint16_t i = DECISIONS; i < SKA_NEURONS; i++) {
        ska.decision[i] = any_i16;
    }
#endif
    any_teaching();
}

static void check_state(const ska_t *state) {
    /*@ check rate_kept: state->rate_halvings <= SKA_RATE_HALVINGS_MAX; */
#if SKA_RATE_VARIES
    /*@ check sample_rate_kept: state->halvings <= SKA_RATE_HALVINGS_MAX; */
#endif
    for (uint16_t i = 0; i < SKA_NEURONS; i++) {
        /*@ check knowledge_fits: SKA_KNOWLEDGE_MIN <= state->knowledge[i] <= SKA_KNOWLEDGE_MAX; */
    }
    for (uint16_t i = 0; i < DECISIONS; i++) {
        /*@ check decision_fits: 0 <= state->decision[i] <= 32767; */
    }
#if SKA_SUPERVISED
    check_buffer(state);
#if SKA_HEADROOM
    for (uint16_t row = 0; row < SKA_ROWS; row++) {
        /*@ check headroom_is_none_or_more: state->headroom[row] >= 0; */
    }
#endif
#else
    /*@ check batch_has_room: state->held < SKA_BATCH; */
    /*@ check pass_is_one_of_two: state->pass <= 1; */
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        for (uint16_t i = 0; i < SKA_NEURONS; i++) {
            const int32_t newer = state->passes[0][sample][i];
            const int32_t older = state->passes[1][sample][i];
            /*@ check newer_fits: SKA_KNOWLEDGE_MIN <= newer <= SKA_KNOWLEDGE_MAX; */
            /*@ check older_fits: SKA_KNOWLEDGE_MIN <= older <= SKA_KNOWLEDGE_MAX; */
        }
    }
#endif
}

#else

static void any_state(void) {
    for (uint16_t i = 0; i < SKA_SIGNALS; i++) {
        ska.signal[i] = any_signal;
    }
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        ska.decision[c] = (int16_t)any_between(0, INT16_MAX);
    }
}

static void check_state(const ska_t *state) {
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        /*@ check decision_fits: 0 <= state->decision[c] <= 32767; */
    }
}

#endif

/* --- one call from any state ------------------------------------------------------------------ */

#if SKA_REGRESSION
static void learn_any_targets(ska_t *state) {
    int16_t targets[SKA_TARGETS];
    for (uint16_t t = 0; t < SKA_TARGETS; t++) {
        targets[t] = any_i16;
    }
    ska_learn_values(state, x, targets);
}
#endif

static void from_init(void) {
    ska_t fresh; /* uninitialized, so Eva finds any member that ska_init forgets */
    ska_init(&fresh);
    check_state(&fresh);
    any_input();
#if SKA_INFERENCE_ONLY
    (void)ska_infer(&fresh, x);
#elif SKA_REGRESSION
    learn_any_targets(&fresh);
#else
    (void)ska_learn(&fresh, x, 0);
#endif
    check_state(&fresh);
}

static void from_infer(void) {
    any_state();
    any_input();
#if SKA_REGRESSION
    check_values(ska_infer(&ska, x));
#else
    const uint16_t predicted = ska_infer(&ska, x);
    /*@ check class_exists: predicted < SKA_CLASSES; */
#endif
    check_state(&ska);
}

#if !SKA_INFERENCE_ONLY

#if SKA_REGRESSION
static void from_learn(void) {
    any_state();
    any_input();
    learn_any_targets(&ska);
    check_state(&ska);
}
#else
static void from_learn(void) {
    EACH_FILLING {
        any_state();
        ANY_BUFFER;
        any_input();
        const uint16_t label = (uint16_t)any_between(0, SKA_CLASSES - 1);
        const ska_status_t status = ska_learn(&ska, x, label);
#if SKA_SPARES > 0
        /*@ check learned_or_free: status == SKA_OK || status == SKA_ERROR_LABEL; */
#else
        /*@ check learned: status == SKA_OK; */
#endif
        check_state(&ska);
    }
}

static void from_wrong_label(void) {
    any_state();
    any_input();
    const uint16_t label = (uint16_t)any_between(SKA_CLASSES, UINT16_MAX);
    const ska_status_t status = ska_learn(&ska, x, label);
    /*@ check refused: status == SKA_ERROR_LABEL; */
    check_state(&ska);
}
#endif

#if SKA_SPARES > 0
static void from_class_add(void) {
    static char name[SKA_NAME_BYTES];
    uint16_t label = 0;
    any_state();
    for (uint16_t place = 0; place < SKA_NAME_BYTES; place++) {
        name[place] = (char)any_between(0, 127);
    }
    const ska_status_t status = ska_class_add(&ska, name, &label);
    /*@ check label_exists: label < SKA_CLASSES; */
    /*@ check added_or_full: status == SKA_OK || status == SKA_ERROR_SPARE; */
    check_state(&ska);
}

static void from_class_forget(void) {
    EACH_FILLING {
        any_state();
        ANY_BUFFER;
        const ska_status_t status = ska_class_forget(&ska, (uint16_t)any_between(0, UINT16_MAX));
        /*@ check forgotten_or_none: status == SKA_OK || status == SKA_ERROR_LABEL; */
        check_state(&ska);
    }
}
#endif

#if SKA_REPLAY_SLOTS > 0
static void from_replay(void) {
    EACH_FILLING {
        any_state();
        ANY_BUFFER;
        ska_replay(&ska);
        check_state(&ska);
    }
}
#endif

#if !SKA_SUPERVISED
static void from_learn_batch(void) {
    static ska_signal_t samples[SKA_BATCH][SKA_INPUTS];
    any_state();
    for (uint16_t sample = 0; sample < SKA_BATCH; sample++) {
        for (uint16_t i = 0; i < SKA_INPUTS; i++) {
            samples[sample][i] = any_signal;
        }
    }
    ska_learn_batch(&ska, (const ska_signal_t(*)[SKA_INPUTS])samples);
    check_state(&ska);
}
#endif

#endif

static void from_reading(void) {
    any_state();
#if !SKA_INFERENCE_ONLY
    for (uint8_t layer = 0; layer < SKA_LAYERS; layer++) {
        ska_metrics(&ska, layer, &metrics);
    }
#endif
    for (uint32_t at = 0; at < SKA_STATE_BYTES; at += SKA_STATE_RUN) {
        const uint8_t *state = ska_state(&ska, at);
        for (uint32_t i = 0; i < SKA_STATE_RUN; i++) {
            bytes[at + i] = state[i];
        }
    }
#if SKA_REGRESSION
    check_values(ska_values(&ska));
#else
    const uint16_t predicted = ska_predicted(&ska);
    /*@ check class_exists: predicted < SKA_CLASSES; */
    (void)ska_confidence(&ska);
    const uint16_t class = ska_classify(&ska);
    /*@ check class_or_none: class < SKA_CLASSES || class == SKA_UNKNOWN; */
    const int16_t *decisions = ska_decisions(&ska);
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        /*@ check decision_reads: 0 <= decisions[c] <= 32767; */
    }
#endif
    (void)ska_step(&ska);
    (void)ska_samples(&ska);
    (void)ska_initial_crc();
}

#if !SKA_INFERENCE_ONLY

static void from_rate(void) {
    any_state();
    const ska_status_t status = ska_rate_halve(&ska, any_u8);
    /*@ check rate_is_told: status == SKA_OK || status == SKA_ERROR_RATE; */
    check_state(&ska);
}

/* A state from outside may have any bytes. */
static void from_written(void) {
    any_state();
    ska.rate_halvings = any_u8;
#if SKA_REPLAY_SLOTS > 0
    for (uint16_t c = 0; c < SKA_CLASSES; c++) {
        ska.seen[c] = (uint16_t)any_i16;
    }
#endif
#if !SKA_SUPERVISED
    ska.held = (uint16_t)any_i16;
#endif
    ska_state_written(&ska);
    check_state(&ska);
}

#endif

#if SKA_RAW_INPUT
static void from_standardize(void) {
    int16_t raw[SKA_INPUTS];
    uint8_t raw_u8[SKA_INPUTS];
    uint16_t raw_u16[SKA_INPUTS];
    int32_t raw_i32[SKA_INPUTS];
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        raw[i] = any_i16;
        raw_u8[i] = any_u8;
        raw_u16[i] = (uint16_t)any_i16;
        raw_i32[i] = any_i32;
    }
    ska_standardize(raw, x);
    ska_standardize_u8(raw_u8, x);
    ska_standardize_u16(raw_u16, x);
    ska_standardize_i32(raw_i32, x);
}
#endif

#if SKA_RAW_FLOAT
static void from_standardize(void) {
    union {
        uint32_t bits[SKA_INPUTS];
        float raw[SKA_INPUTS];
    } features;
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        features.bits[i] = (uint32_t)any_i32;
    }
    ska_standardize_f32(features.raw, x);
}
#endif

/* Analyzes every kind of call; each starts from a state of its own. */
void eva_main(void) {
    from_init();
    from_infer();
    from_reading();
#if !SKA_INFERENCE_ONLY
    from_learn();
#if !SKA_REGRESSION
    from_wrong_label();
#endif
    from_rate();
    from_written();
#if SKA_REPLAY_SLOTS > 0
    from_replay();
#endif
#if SKA_SPARES > 0
    from_class_add();
    from_class_forget();
#endif
#if !SKA_SUPERVISED
    from_learn_batch();
#endif
#endif
#if SKA_RAW_INPUT || SKA_RAW_FLOAT
    from_standardize();
#endif
}
