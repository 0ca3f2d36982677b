/* bench_size.c - the smallest firmware that infers and learns; its size is measured.
 *
 * The input belongs to the application, so only a pointer to it counts here. */
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
