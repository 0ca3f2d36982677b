/* bench_nothing.c - empty stand-ins for the library. An image with them contains everything except
 * the library: the start-up code, the main function and the calls. */
#if BENCH_FLOAT
#include "bench_network.h"

void bench_init(void) {}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    (void)x;
    return 0;
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    (void)x;
    (void)label;
}

uint32_t bench_heap_needed(void) { return 0; }
#else
#include "ska.h"

#if defined(SKA_MODEL_SYMBOL) /* defined as in ska.c, which this file replaces */
__asm__(".globl " SKA_MODEL_SYMBOL "\n.set " SKA_MODEL_SYMBOL ", 1");
#endif

void ska_init(ska_t *ska) { (void)ska; }

uint16_t ska_infer(ska_t *ska, const ska_signal_t x[SKA_INPUTS]) {
    (void)ska;
    (void)x;
    return 0;
}

ska_status_t ska_learn(ska_t *ska, const ska_signal_t x[SKA_INPUTS], uint16_t label) {
    (void)ska;
    (void)x;
    (void)label;
    return SKA_OK;
}
#endif
