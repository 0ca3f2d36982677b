/* The counter of a RISC-V board: the lower 32 bits of minstret, the number of retired instructions
 * (RISC-V Privileged Architecture, section 3.1.10). The assembler option enables the extension
 * Zicsr, which has csrr. A compiler option for Zicsr would select another library. */

#include "ska_board.h"

uint32_t ska_board_counter(void) {
    uint32_t count;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop"
                     : "=r"(count));
    return count;
}
