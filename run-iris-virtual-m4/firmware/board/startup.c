/* Start-up of a Cortex-M board: vector table, initial memory, main(). */

#include <stdint.h>

/* Addresses made by link.ld and by the memory.ld that the build writes from board.toml. */
extern uint32_t ska_stack_top[];
extern uint32_t ska_data_start[];
extern uint32_t ska_data_end[];
extern const uint32_t ska_data_load[];
extern uint32_t ska_bss_start[];
extern uint32_t ska_bss_end[];

int main(void);
void Reset_Handler(void);
void Fault_Handler(void);

void Reset_Handler(void) {
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
    /* The firmware serves for ever. Coming here is a defect, so make it a fault that can be seen.
     */
    __asm__ volatile("udf #0");
    for (;;) {
    }
}

/* No fault can be repaired here. Stop without burning power; the host sees a time-out. */
void Fault_Handler(void) {
    for (;;) {
        __asm__ volatile("wfi");
    }
}

/* The 16 entries of the architecture. No interrupt is ever taken (see uart_cmsdk.c), so the table
 * ends there. The names are the architecture's; reserved entries are 0. */
struct vectors {
    uint32_t *initial_stack;
    void (*handlers[15])(void);
};

extern const struct vectors ska_vectors;

__attribute__((section(".vectors"), used)) const struct vectors ska_vectors = {
    ska_stack_top,
    {
        Reset_Handler, /*  1 Reset */
        Fault_Handler, /*  2 NMI */
        Fault_Handler, /*  3 HardFault */
        Fault_Handler, /*  4 MemManage */
        Fault_Handler, /*  5 BusFault */
        Fault_Handler, /*  6 UsageFault */
        0,             /*  7 SecureFault (Armv8-M) */
        0,             /*  8 reserved */
        0,             /*  9 reserved */
        0,             /* 10 reserved */
        Fault_Handler, /* 11 SVCall */
        Fault_Handler, /* 12 DebugMonitor */
        0,             /* 13 reserved */
        Fault_Handler, /* 14 PendSV */
        Fault_Handler, /* 15 SysTick */
    },
};
