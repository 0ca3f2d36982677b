/* ska_rule.h - the computations of one neuron. Generated from the plan dd1183813f506c9a; do not edit.
 *
 * Rule code: hidden layers follow a random code of the class (needs labels).
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
 *   weight: 0 fractional bits, in [-2147483648, 2147483647]
 */
static inline int_fast16_t ska_rule_forward_weight(int32_t weight) {
    return (int_fast16_t)(int32_t)ska_saturate_i64(ska_round_shift_i64(weight, 16), -32768, 32767);
}

/* D = sigmoid(z)
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 */
static inline int_fast16_t ska_rule_decision(int32_t knowledge) {
    /* 14 fractional bits, in [0, 524287] */
    const int32_t position = ska_saturate_bits_i32(knowledge, 19) + 262144;
    /* 0 fractional bits, in [0, 511] */
    const int32_t index = ska_high_bits(position, 10);
    /* 10 fractional bits, in [0, 1023] */
    const int32_t fraction = ska_low_bits(position, 10);
    /* 15 fractional bits, in [0, 32767] */
    const int32_t base = (int32_t)ska_const_i16(&ska_decision_table[index]);
    /* 15 fractional bits, in [0, 512] */
    const int32_t rise = (int32_t)ska_const_i16(&ska_decision_table[index + 1]) - base;
    return (int_fast16_t)(base + ska_round_shift_i32(ska_product_i16(rise, fraction), 10));
}

/* a = 2D - 1, the next layer's input
 *   decision: 15 fractional bits, in [0, 32767]
 */
static inline int_fast16_t ska_rule_activation(int_fast16_t decision) {
    /* 15 fractional bits, in [-32768, 32766] */
    const int32_t centered = ((int32_t)decision * 2) - 32768;
    return (int_fast16_t)centered;
}

/* Y - D
 *   target: 15 fractional bits, in [0, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 */
static inline int_fast16_t ska_rule_output_shift(int_fast16_t target, int_fast16_t decision) {
    return (int_fast16_t)((int32_t)target - (int32_t)decision);
}

/* target of the code - D, if there is a code
 *   present: 0 fractional bits, in [0, 1]
 *   target: 15 fractional bits, in [0, 32767]
 *   decision: 15 fractional bits, in [0, 32767]
 */
static inline int_fast16_t ska_rule_hidden_shift(int_fast16_t present, int_fast16_t target,
                                                 int_fast16_t decision) {
    return (int_fast16_t)ska_product_i16((int32_t)target - (int32_t)decision, (int32_t)present);
}

/* the shift: the alignment term has weight 0
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 */
static inline int_fast16_t ska_rule_delta(int32_t knowledge, int_fast16_t decision,
                                          int_fast16_t shift) {
    (void)knowledge;
    (void)decision;
    return (int_fast16_t)(int32_t)shift;
}

/* delta times the mantissa of the rate
 *   delta: 15 fractional bits, in [-32768, 32767]
 *   mantissa: 15 fractional bits, in [16385, 32768]
 */
static inline int_fast16_t ska_rule_step(int_fast16_t delta, int32_t mantissa) {
    return (int_fast16_t)ska_round_shift_spare_i32(ska_product_u16((int32_t)delta, mantissa), 15);
}

/* a weight as used in the norm of W
 *   weight: 0 fractional bits, in [-2147483648, 2147483647]
 */
static inline int_fast16_t ska_rule_metric_weight(int32_t weight) {
    return (int_fast16_t)(int32_t)ska_saturate_i64(ska_round_shift_i64(weight, 16), -32768, 32767);
}

/* the term of one neuron in 'entropy'
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 14 fractional bits, in [-2097152, 2097151]
 */
static inline int64_t ska_rule_metric_entropy(int32_t knowledge, int_fast16_t decision,
                                              int_fast16_t shift, int32_t previous) {
    (void)decision;
    (void)previous;
    return (int64_t)knowledge * (int32_t)shift;
}

/* the term of one neuron in 'z_square'
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 14 fractional bits, in [-2097152, 2097151]
 */
static inline int64_t ska_rule_metric_z_square(int32_t knowledge, int_fast16_t decision,
                                               int_fast16_t shift, int32_t previous) {
    (void)decision;
    (void)shift;
    (void)previous;
    return (int64_t)knowledge * knowledge;
}

/* the term of one neuron in 'shift_square'
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 14 fractional bits, in [-2097152, 2097151]
 */
static inline int32_t ska_rule_metric_shift_square(int32_t knowledge, int_fast16_t decision,
                                                   int_fast16_t shift, int32_t previous) {
    (void)knowledge;
    (void)decision;
    (void)previous;
    return ska_product_i16((int32_t)shift, (int32_t)shift);
}

/* the term of one neuron in 'decision_net'
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 14 fractional bits, in [-2097152, 2097151]
 */
static inline int64_t ska_rule_metric_decision_net(int32_t knowledge, int_fast16_t decision,
                                                   int_fast16_t shift, int32_t previous) {
    (void)shift;
    return (int64_t)(int32_t)decision * (knowledge - previous);
}

/* the term of one neuron in 'alignment_net'
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 14 fractional bits, in [-2097152, 2097151]
 */
static inline int64_t ska_rule_metric_alignment_net(int32_t knowledge, int_fast16_t decision,
                                                    int_fast16_t shift, int32_t previous) {
    (void)shift;
    /* 15 fractional bits, in [0, 8192] */
    const int32_t slope = ska_round_shift_spare_i32(ska_product_i16((int32_t)decision, 32767 - (int32_t)decision), 15);
    /* 29 fractional bits, in [-17179869184, 17179860992] */
    const int64_t pull = (int64_t)knowledge * slope;
    return pull * (knowledge - previous);
}

/* the term of one neuron in 'flow_square'
 *   knowledge: 14 fractional bits, in [-2097152, 2097151]
 *   decision: 15 fractional bits, in [0, 32767]
 *   shift: 15 fractional bits, in [-32768, 32767]
 *   previous: 14 fractional bits, in [-2097152, 2097151]
 */
static inline int64_t ska_rule_metric_flow_square(int32_t knowledge, int_fast16_t decision,
                                                  int_fast16_t shift, int32_t previous) {
    (void)decision;
    (void)shift;
    /* 14 fractional bits, in [-4194303, 4194303] */
    const int32_t change = knowledge - previous;
    return (int64_t)change * change;
}

#endif
