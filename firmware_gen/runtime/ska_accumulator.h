/* ska_accumulator.h - the widths of a plan's sums, from its range proof (see ska_plan.h). */
#ifndef SKA_ACCUMULATOR_H
#define SKA_ACCUMULATOR_H

#include "ska_fixed.h"
#include "ska_plan.h"

/* The type of the sums W a, and of the sums of errors that pass back through a readout. */
#if SKA_ACCUMULATOR_BITS == 32
typedef int32_t ska_sum_t;
#define SKA_ALIGN ska_align_i32
#define SKA_REQUANTIZE ska_requantize_i32
#else
typedef int64_t ska_sum_t;
#define SKA_ALIGN ska_align_i64
#define SKA_REQUANTIZE ska_requantize_i64
#endif

/* Narrows a sum to the format of knowledge. */
#if SKA_KNOWLEDGE_MAX == INT16_MAX && SKA_SUM_SPARE
#define SKA_KNOWLEDGE_OF(sum, shift) ska_requantize_spare_i32((int32_t)(sum), shift)
#elif SKA_KNOWLEDGE_MAX == INT16_MAX
#define SKA_KNOWLEDGE_OF(sum, shift) SKA_REQUANTIZE(sum, shift)
#elif SKA_ACCUMULATOR_BITS == 32
#define SKA_KNOWLEDGE_OF(sum, shift)                                                               \
    ska_narrow_i32(sum, shift, SKA_KNOWLEDGE_MIN, SKA_KNOWLEDGE_MAX)
#else
#define SKA_KNOWLEDGE_OF(sum, shift)                                                               \
    ska_narrow_i64(sum, shift, SKA_KNOWLEDGE_MIN, SKA_KNOWLEDGE_MAX)
#endif

/* The type of all sums that change a weight. A bias changes by a step, which fits 16 bits. */
#if SKA_UPDATE_BITS == 32
typedef int32_t ska_update_t;
#define SKA_CHANGE ska_change_i32
#define SKA_WEIGHT_ADD ska_weight_add_i32
#define SKA_BIAS_ADD ska_weight_add_i16
#else
typedef int64_t ska_update_t;
#define SKA_CHANGE ska_change_i64
#if SKA_WEIGHT_BITS == 32
#define SKA_WEIGHT_ADD ska_wide_weight_add
#else
#define SKA_WEIGHT_ADD ska_weight_add_i64
#endif
#define SKA_BIAS_ADD SKA_WEIGHT_ADD
#endif

#endif
