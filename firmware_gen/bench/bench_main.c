/* bench_main.c - a firmware that measures itself: inference and learning, call by call.
 *
 * It waits for a byte, because output before the host listens may be lost. It answers with one line
 * per figure: a name, a space and 16 hexadecimal digits. Another byte starts the run again. Every
 * call is measured by itself, as the difference between two readings of the counter. The firmware
 * also measures an empty measurement and a loop of known length. */
#include <stdint.h>

#if BENCH_FLOAT
#include "bench_network.h"
#else
#include "bench_ska.h"
#include "ska_frame.h"
#endif

#include "bench_samples.h"
#include "ska_board.h"

/* --- the loop of known length ----------------------------------------------------------------- */

/* A loop of two instructions: its passes, and its length in instructions (on AVR in cycles). */
#if defined(__thumb__)
#define LOOP_TURNS 100000u
#define LOOP_UNITS (2u * LOOP_TURNS)
#define LOOP(turns) __asm__ volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(turns)::"cc")
#elif defined(__riscv)
#define LOOP_TURNS 100000u
#define LOOP_UNITS (2u * LOOP_TURNS)
#define LOOP(turns) __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(turns))
#elif defined(__AVR__)
/* sbiw takes two cycles. brne takes two if it branches, otherwise one. */
#define LOOP_TURNS 50000u
#define LOOP_UNITS (4ul * LOOP_TURNS - 1ul)
#define LOOP(turns) __asm__ volatile("1: sbiw %0, 1\n brne 1b" : "+w"(turns)::"cc")
#else
#error "no loop of known length for this core; write one here"
#endif

/* --- measuring -------------------------------------------------------------------------------- */

/* Returns the ticks since the reading `begin`; they must be less than the counter's range. */
static uint32_t ticks_since(uint32_t begin) {
    return (ska_board_counter() - begin) & BENCH_COUNTER_MASK;
}

static uint32_t empty_measure(void) {
    const uint32_t begin = ska_board_counter();
    return ticks_since(begin);
}

static uint32_t loop_measure(void) {
    unsigned int turns = LOOP_TURNS;
    const uint32_t begin = ska_board_counter();
    LOOP(turns);
    return ticks_since(begin);
}

static uint32_t infer_measure(const bench_input_t *x, uint16_t *predicted) {
    const uint32_t begin = ska_board_counter();
    *predicted = bench_infer(x);
    return ticks_since(begin);
}

static uint32_t learn_measure(const bench_input_t *x, uint16_t label) {
    const uint32_t begin = ska_board_counter();
    bench_learn(x, label);
    return ticks_since(begin);
}

/* --- the stack -------------------------------------------------------------------------------- */

#if defined(BENCH_HEAP) && (defined(__thumb__) || defined(__riscv))
/* A library may call through pointers, so the image does not show a bound of its stack. The
 * stack is measured instead: the free RAM below the stack pointer is filled with a pattern
 * before the run, and bytes that lost the pattern were used. The linker script defines the ends
 * of the free RAM. */
#define STACK_PATTERN 0x5AFEC0DEu
#define STACK_NEAR 64u /* bytes below the marker that the function itself may use */

extern uint32_t ska_bss_end[];
extern uint32_t ska_stack_top[];

static void stack_fill(void) {
    volatile uint32_t marker = 0;
    const uintptr_t end = (uintptr_t)&marker - STACK_NEAR;
    for (volatile uint32_t *word = ska_bss_end; (uintptr_t)word < end; word++) {
        *word = STACK_PATTERN;
    }
}

static uint32_t stack_used(void) {
    const volatile uint32_t *word = ska_bss_end;
    while (*word == STACK_PATTERN) {
        word++;
    }
    return (uint32_t)((uintptr_t)ska_stack_top - (uintptr_t)word);
}
#define STACK_MEASURED 1
#else
#define STACK_MEASURED 0
#endif

/* --- the run ---------------------------------------------------------------------------------- */

/* Reads one sample from program memory and converts it to the input type of the program. */
static void sample_read(uint16_t number, bench_input_t x[BENCH_INPUTS]) {
    for (uint16_t i = 0; i < BENCH_INPUTS; i++) {
#if BENCH_FLOAT
        x[i] = (float)BENCH_SAMPLE(number, i) * BENCH_INPUT_SCALE;
#else
        x[i] = BENCH_SAMPLE(number, i);
#endif
    }
}

/* The CRC-16 of all learned integers, for comparison with the host; 0 for programs in float. */
static uint16_t weights_crc(void) {
#if BENCH_FLOAT
    return 0;
#else
    uint16_t crc = SKA_CRC_START;
    const uint8_t *bytes = (const uint8_t *)bench_state.parameters;
    for (uint32_t offset = 0; offset < SKA_PARAMETER_BYTES; offset++) {
        crc = ska_crc_update(crc, bytes[offset]);
    }
    return crc;
#endif
}

static void line_send(const char *name, uint64_t value) {
    char digits[16];
    for (uint8_t i = 16; i > 0; i--) {
        digits[i - 1u] = "0123456789abcdef"[value % 16u];
        value /= 16u;
    }
    for (; *name != '\0'; name++) {
        ska_board_write((uint8_t)*name);
    }
    ska_board_write(' ');
    for (uint8_t i = 0; i < 16u; i++) {
        ska_board_write((uint8_t)digits[i]);
    }
    ska_board_write('\n');
}

/* This is separate from main, because a compiler may use floating-point registers at the start of a
 * function. By then, bench_init must have turned the floating-point unit on. */
__attribute__((noinline)) static void run(void) {
    static bench_input_t x[BENCH_INPUTS];
    uint64_t infer = 0, learn = 0;
    uint16_t right = 0;

    (void)ska_board_counter(); /* starts the counter */
#if STACK_MEASURED
    stack_fill();
#endif
    line_send("units", LOOP_UNITS);
    line_send("loop", loop_measure());
    line_send("empty", empty_measure());
    for (uint16_t number = 0; number < BENCH_SAMPLES; number++) {
        const uint16_t label = BENCH_LABEL(number);
        uint16_t predicted;
        sample_read(number, x);
        infer += infer_measure(x, &predicted);
        learn += learn_measure(x, label);
        right = (uint16_t)(right + (predicted == label ? 1u : 0u));
    }
    line_send("infer", infer);
    line_send("learn", learn);
    line_send("right", right);
    line_send("weights", weights_crc());
#if STACK_MEASURED
    line_send("stack", stack_used());
#endif
#ifdef BENCH_HEAP
    line_send("heap", bench_heap_needed());
#endif
    line_send("end", BENCH_SAMPLES);
}

int main(void) {
    ska_board_init();
    while (ska_board_read() >= 0) {
        bench_init();
        run();
    }
    return 0;
}
