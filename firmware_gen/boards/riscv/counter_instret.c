/* The counter of a RISC-V board: minstret, the instructions retired, its lower 32 bits (RISC-V
 * Privileged Architecture, section 3.1.10). The option tells assemblers of the extension that the
 * instruction belongs to; its name would choose another library. */

#include "ska_board.h"

uint32_t ska_board_counter(void) {
    uint32_t count;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop"
                     : "=r"(count));
    return count;
}
