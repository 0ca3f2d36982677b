/* ska_library.h - a network as a shared library for a computer, with many rows per call.
 *
 * The library also has all functions of ska.h. A program loads it at run time, for example from
 * Python with ctypes. The caller owns the memory of every network: ska_library_bytes() bytes,
 * aligned to 8 bytes, initially zero. The library has no state of its own, so several networks can
 * learn in several threads at the same time.
 *
 * Arrays are row-major without gaps. An array of results that is NULL is not written.
 */
#ifndef SKA_LIBRARY_H
#define SKA_LIBRARY_H

/* The headroom of ska_target.h is off: a host may change the state at any time, and its processor
 * saturates several weights at once. */
#define SKA_HEADROOM 0

#include "ska.h"

#if !defined(SKA_LIBRARY_API)
#if defined(_WIN32)
#define SKA_LIBRARY_API __declspec(dllexport)
#else
#define SKA_LIBRARY_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the size of ska_t in bytes. */
SKA_LIBRARY_API uint32_t ska_library_bytes(void);

/* The truth about a row: its label, or the SKA_TARGETS targets of a regression. */
#if SKA_REGRESSION
typedef int16_t ska_library_truth_t;
#else
typedef uint16_t ska_library_truth_t;
#endif

/* Learns the rows x[count][SKA_INPUTS] with their truth, in order, as ska_learn or ska_learn_values
 * does. The truth is labels[count]; for a regression it is targets[count][SKA_TARGETS], and values
 * take the place of decisions. For every row it writes decisions[count][SKA_CLASSES] from before
 * the update, steps[count] with the number of updates so far, and metrics[count][SKA_LAYERS] of the
 * update. Returns the number of rows that were learned. It is smaller than `count` only if the next
 * label is not that of a class. */
SKA_LIBRARY_API uint32_t ska_library_learn(ska_t *ska, const ska_signal_t *x,
                                           const ska_library_truth_t *truth, uint32_t count,
                                           int16_t *decisions, uint32_t *steps,
                                           ska_metrics_t *metrics);

/* Computes the values of all layers for `count` rows, [count][SKA_NEURONS] each; neurons are
 * numbered through all layers. It does not change the learned state, but the metrics and the shifts
 * of the last update are lost. */
SKA_LIBRARY_API void ska_library_forward(ska_t *ska, const ska_signal_t *x, uint32_t count,
                                         ska_knowledge_t *knowledge, int16_t *decisions,
                                         ska_signal_t *activations);

/* Classifies `count` rows and writes their decisions, [count][SKA_CLASSES]. It has the same effect
 * on the network as ska_library_forward. */
SKA_LIBRARY_API void ska_library_infer(ska_t *ska, const ska_signal_t *x, uint32_t count,
                                       int16_t *decisions);

/* Writes the shifts of the last update: [SKA_NEURONS], or [SKA_BATCH][SKA_NEURONS] for rules
 * without labels. */
SKA_LIBRARY_API void ska_library_shifts(const ska_t *ska, int16_t *shifts);

#ifdef __cplusplus
}
#endif

#endif
