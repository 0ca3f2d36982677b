/* bench_size.c - the least firmware that infers and learns, to be measured for its size; never run.
 *
 * The input stays where the application has it, so of that only a pointer counts here. */
#if BENCH_FLOAT
#include "bench_network.h"
#else
#include "bench_ska.h"
#endif

int main(void) {
    static const bench_input_t *volatile input;
    bench_init();
    for (;;) {
        bench_learn(input, bench_infer(input));
    }
}
