/* bench_ska.h - gives our own library the names of bench_network.h, by macros. */
#ifndef BENCH_SKA_H
#define BENCH_SKA_H

#include "bench_data.h"
#include "ska.h"

typedef ska_signal_t bench_input_t;

static ska_t bench_state;

#define bench_init() ska_init(&bench_state)
#define bench_infer(x) ska_infer(&bench_state, (x))
#define bench_learn(x, label) ((void)ska_learn(&bench_state, (x), (label)))

#endif
