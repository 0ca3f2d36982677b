/* bench_network.h - the interface of a program for `ska-edge bench --compare FILE`.
 *
 * FILE is one C file that includes this header and defines bench_init, bench_infer and bench_learn.
 * bench_data.h describes the network (BENCH_LAYERS, BENCH_SIZES, ...). bench_weights.h has the
 * initial weights in float, BENCH_WEIGHT(i): for every layer W, row after row, then b.
 *
 * Without `--library`, FILE may not use a C library. With `--library DIR`, FILE may include the
 * files of DIR and use the C library of the compiler. FILE then includes bench_heap.h, which
 * defines malloc. */
#ifndef BENCH_NETWORK_H
#define BENCH_NETWORK_H

#include <stdint.h>

#include "bench_data.h"

typedef float bench_input_t;

/* Sets the initial weights; called before every run. */
void bench_init(void);

/* Returns the class of one input; changes no weight. */
uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]);

/* Makes one whole learning step. */
void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label);

/* Returns the bytes of heap that the program needed; bench_heap.h defines this function. */
uint32_t bench_heap_needed(void);

#endif
