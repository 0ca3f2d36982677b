/* Start-up of a RISC-V board: stack, traps, initial memory, main(). One core, machine mode. */

#include <stdint.h>

/* Addresses from the linker script. */
extern uint32_t ska_data_start[];
extern uint32_t ska_data_end[];
extern const uint32_t ska_data_load[];
extern uint32_t ska_bss_start[];
extern uint32_t ska_bss_end[];

int main(void);
void Reset_Handler(void);
void Trap_Handler(void);
void ska_start(void);

/* The core starts here, at the first address of flash, without a stack; C code needs one.
 * The global pointer is not set, because it is not used. */
__attribute__((naked, section(".reset"), used)) void Reset_Handler(void) {
    __asm__ volatile(".option arch, +zicsr\n\t" /* see board.toml */
                     "la sp, ska_stack_top\n\t"
                     "la t0, Trap_Handler\n\t"
                     "csrw mtvec, t0\n\t"
                     "j ska_start");
}

/* No driver enables another interrupt than that of the UART. Every other trap is a defect that
 * cannot be repaired here, so the core stops and saves power; the host sees a timeout. The sign of
 * mcause distinguishes the interrupt from the other traps. Before this test, nothing may be written
 * to the stack, because the stack may be faulty. So mscratch saves the only register that the test
 * needs. mtvec requires an alignment of 4 bytes. */
__attribute__((naked, aligned(4))) void Trap_Handler(void) {
    __asm__ volatile(".option arch, +zicsr\n\t"
                     "csrw mscratch, t0\n\t"
                     "csrr t0, mcause\n\t"
                     "bgez t0, 1f\n\t"
                     "csrr t0, mscratch\n\t"
                     "j Uart_Handler\n"
                     "1: wfi\n\t"
                     "j 1b");
}

void ska_start(void) {
    const uint32_t *from = ska_data_load;
    uint32_t *to;

    for (to = ska_data_start; to != ska_data_end; ++to) {
        *to = *from;
        ++from;
    }
    for (to = ska_bss_start; to != ska_bss_end; ++to) {
        *to = 0u;
    }
    (void)main();
    /* main() never returns. Reaching this point would be a defect, so cause a visible trap. */
    __asm__ volatile("unimp");
    for (;;) {
    }
}
