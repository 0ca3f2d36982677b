/* ska_running.h - normalizes inputs by running averages, which every learned sample moves.
 *
 * ska_edge/network/running.py does the same in numpy. ska_rule.h has the computations of one input.
 */
#ifndef SKA_RUNNING_H
#define SKA_RUNNING_H

#include "ska_const.h"
#include "ska_rule.h"
#include "ska_state.h"
#include "ska_weights.h"

#if SKA_RUNNING_NORMALIZATION

#if SKA_WEIGHT_BITS == 16
#define SKA_MEAN_CONST ska_const_i16
#else
#define SKA_MEAN_CONST ska_const_i32
#endif

/* A network that only classifies has the averages in flash. */
#if SKA_INFERENCE_ONLY
#define SKA_MEAN(ska, i) ((void)(ska), SKA_MEAN_CONST(&ska_initial_mean[i]))
#define SKA_VARIANCE(ska, i) ((void)(ska), ska_const_i16(&ska_initial_variance[i]))
#else
#define SKA_MEAN(ska, i) ((ska)->mean[i])
#define SKA_VARIANCE(ska, i) ((ska)->variance[i])
#endif

/* Normalizes a sample; returns its inputs as the first layer gets them, in ska->signal. */
static inline const ska_signal_t *ska_running_normalized(ska_t *ska, const ska_signal_t *x) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        ska->signal[i] =
            (ska_signal_t)ska_rule_normalized_input(x[i], SKA_MEAN(ska, i), SKA_VARIANCE(ska, i));
    }
    return ska->signal;
}

#if !SKA_INFERENCE_ONLY

/* The same for a sample that is learned: after it is normalized, it moves the averages. */
static inline const ska_signal_t *ska_running_learned(ska_t *ska, const ska_signal_t *x) {
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        const ska_signal_t input = x[i];
        const ska_mean_t mean = ska->mean[i];
        const int16_t variance = ska->variance[i];
        ska->signal[i] = (ska_signal_t)ska_rule_normalized_input(input, mean, variance);
        ska->variance[i] = (int16_t)ska_rule_moved_variance(input, mean, variance);
        ska->mean[i] = (ska_mean_t)ska_rule_moved_mean(input, mean);
    }
    return ska->signal;
}

/* Sets the averages of a new state. */
static inline void ska_running_init(ska_t *ska) {
#if SKA_INITIAL_AVERAGES
    for (uint16_t i = 0; i < SKA_INPUTS; i++) {
        ska->mean[i] = SKA_MEAN_CONST(&ska_initial_mean[i]);
        ska->variance[i] = ska_const_i16(&ska_initial_variance[i]);
    }
#else
    (void)ska; /* the averages are 0 already */
#endif
}

#endif
#endif

#endif
