/* The counter of a Cortex-M board: SysTick (Armv7-M Architecture Reference Manual, B3.3), 24 bits.
 *
 * It counts the processor clock down from its reload value; ska_board_counter returns a value that
 * counts up. Its interrupt is off, so counting does not affect the firmware. */

#include "ska_board.h"

#define SYSTICK_ENABLE 0x1u
#define SYSTICK_PROCESSOR_CLOCK 0x4u
#define SYSTICK_MAX 0x00FFFFFFu

struct systick {
    uint32_t control;
    uint32_t reload;
    uint32_t value;
};

#define SYSTICK ((volatile struct systick *)0xE000E010u)

uint32_t ska_board_counter(void) {
    if ((SYSTICK->control & SYSTICK_ENABLE) == 0u) {
        SYSTICK->reload = SYSTICK_MAX;
        SYSTICK->value = 0u; /* any write makes the next tick load the reload value */
        SYSTICK->control = SYSTICK_ENABLE | SYSTICK_PROCESSOR_CLOCK;
    }
    return SYSTICK_MAX - SYSTICK->value;
}
