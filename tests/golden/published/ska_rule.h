/* ska_rule.h - the computations of one neuron. Generated from the plan 532d71bbe3dc9b7b; do not edit.
 *
 * Rule published: the paper's dynamics: decisions follow their own change (no labels).
 * A comment gives the fractional bits and the proven interval of every value; no value can
 * overflow.
 * Arguments and results that fit 16 bits have the core's fastest type of 16 bits or more; to store
 * a result, callers narrow it.
 */
#ifndef SKA_RULE_H
#define SKA_RULE_H

#include "ska_fixed.h"
#include "ska_tables.h"

/* a weight as used in sums
 *   weight: 0 fractional bits, in [-32768, 32767]
 */
static inline int_fast16_t ska_rule_forward_weight(int_fast16_t weight) {
    return (int_fast16_t)(int32_t)weight;
}

/* D = sigmoid(z)
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 */
static inline int_fast16_t ska_rule_decision(int_fast16_t knowledge) {
    /* 11 fractional bits, in [0, 32767] */
    const int32_t position = ska_saturate_bits_i32((int32_t)knowledge, 15) + 16384;
    /* 0 fractional bits, in [0, 255] */
    const int32_t index = ska_high_bits_spare(position, 7);
    /* 7 fractional bits, in [0, 127] */
    const int32_t fraction = ska_low_bits(position, 7);
    /* 15 fractional bits, in [11, 32757] */
    const int32_t base = (int32_t)ska_const_i16(&ska_decision_table[index]);
    /* 15 fractional bits, in [0, 512] */
    const int32_t rise = (int32_t)ska_const_i16(&ska_decision_table[index + 1]) - base;
    return (int_fast16_t)(base + ska_round_shift_spare_i32(ska_product_i16(rise, fraction), 7));
}

/* a = D, the next layer's input
 *   decision: 15 fractional bits, in [0, 32767]
 */
static inline int_fast16_t ska_rule_activation(int_fast16_t decision) {
    return (int_fast16_t)ska_saturate_bits_i32(ska_round_shift_i32((int32_t)decision, 8), 8);
}

/* D_k - D_{k-1}
 *   decision: 15 fractional bits, in [0, 32767]
 *   previous: 15 fractional bits, in [0, 32767]
 */
static inline int_fast16_t ska_rule_shift(int_fast16_t decision, int_fast16_t previous) {
    return (int_fast16_t)((int32_t)decision - (int32_t)previous);
}

/* z D' + shift
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 */
static inline int_fast16_t ska_rule_delta(int_fast16_t knowledge, int_fast16_t decision,
                                          int_fast16_t shift) {
    /* 15 fractional bits, in [0, 8192] */
    const int32_t slope = ska_round_shift_spare_i32(ska_product_i16((int32_t)decision, 32767 - (int32_t)decision), 15);
    /* 15 fractional bits, in [-131072, 131068] */
    const int32_t pull = ska_round_shift_i32(ska_product_i16((int32_t)knowledge, slope), 11);
    return (int_fast16_t)ska_saturate_bits_i32(pull + (int32_t)shift, 16);
}

/* delta times the mantissa of the rate
 *   delta: 15 fractional bits, in [-32768, 32767]
 *   mantissa: 15 fractional bits, in [16385, 32768]
 */
static inline int_fast16_t ska_rule_step(int_fast16_t delta, int32_t mantissa) {
    return (int_fast16_t)ska_round_shift_spare_i32(ska_product_u16((int32_t)delta, mantissa), 15);
}

/* a weight as used in the norm of W
 *   weight: 0 fractional bits, in [-32768, 32767]
 */
static inline int_fast16_t ska_rule_metric_weight(int_fast16_t weight) {
    return (int_fast16_t)(int32_t)weight;
}

/* the term of one neuron in 'entropy'
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 11 fractional bits, in [-32768, 32767]
 */
static inline int32_t ska_rule_metric_entropy(int_fast16_t knowledge, int_fast16_t decision,
                                              int_fast16_t shift, int_fast16_t previous) {
    (void)decision;
    (void)previous;
    return ska_product_i16((int32_t)knowledge, (int32_t)shift);
}

/* the term of one neuron in 'z_square'
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 11 fractional bits, in [-32768, 32767]
 */
static inline int32_t ska_rule_metric_z_square(int_fast16_t knowledge, int_fast16_t decision,
                                               int_fast16_t shift, int_fast16_t previous) {
    (void)decision;
    (void)shift;
    (void)previous;
    return ska_product_i16((int32_t)knowledge, (int32_t)knowledge);
}

/* the term of one neuron in 'shift_square'
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 11 fractional bits, in [-32768, 32767]
 */
static inline int32_t ska_rule_metric_shift_square(int_fast16_t knowledge, int_fast16_t decision,
                                                   int_fast16_t shift, int_fast16_t previous) {
    (void)knowledge;
    (void)decision;
    (void)previous;
    return ska_product_i16((int32_t)shift, (int32_t)shift);
}

/* the term of one neuron in 'decision_net'
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 11 fractional bits, in [-32768, 32767]
 */
static inline int32_t ska_rule_metric_decision_net(int_fast16_t knowledge, int_fast16_t decision,
                                                   int_fast16_t shift, int_fast16_t previous) {
    (void)shift;
    return (int32_t)decision * ((int32_t)knowledge - (int32_t)previous);
}

/* the term of one neuron in 'alignment_net'
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 11 fractional bits, in [-32768, 32767]
 */
static inline int64_t ska_rule_metric_alignment_net(int_fast16_t knowledge, int_fast16_t decision,
                                                    int_fast16_t shift, int_fast16_t previous) {
    (void)shift;
    /* 15 fractional bits, in [0, 8192] */
    const int32_t slope = ska_round_shift_spare_i32(ska_product_i16((int32_t)decision, 32767 - (int32_t)decision), 15);
    /* 26 fractional bits, in [-268435456, 268427264] */
    const int32_t pull = ska_product_i16((int32_t)knowledge, slope);
    return (int64_t)pull * ((int32_t)knowledge - (int32_t)previous);
}

/* the term of one neuron in 'flow_square'
 *   knowledge: 11 fractional bits, in [-32768, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 11 fractional bits, in [-32768, 32767]
 */
static inline int64_t ska_rule_metric_flow_square(int_fast16_t knowledge, int_fast16_t decision,
                                                  int_fast16_t shift, int_fast16_t previous) {
    (void)decision;
    (void)shift;
    /* 11 fractional bits, in [-65535, 65535] */
    const int32_t change = (int32_t)knowledge - (int32_t)previous;
    return (int64_t)change * change;
}

#endif
