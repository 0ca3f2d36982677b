/* Start-up of a Cortex-M board: vector table, initial memory, main(). */

#include <stdint.h>

/* Addresses from the linker script. */
extern uint32_t ska_stack_top[];
extern uint32_t ska_data_start[];
extern uint32_t ska_data_end[];
extern const uint32_t ska_data_load[];
extern uint32_t ska_bss_start[];
extern uint32_t ska_bss_end[];

int main(void);
void Reset_Handler(void);
void Fault_Handler(void);

/* The handler of the receive interrupt. A driver that enables the interrupt and unmasks it defines
 * this function. */
void Uart_Handler(void) __attribute__((weak, alias("Fault_Handler")));
/* The handler of the NMI. A driver of flash with error correction defines this function. */
void Nmi_Handler(void) __attribute__((weak, alias("Fault_Handler")));

#if defined(__ARM_FEATURE_MVE)
/* The coprocessor access control register gives full access to the floating-point unit and MVE
 * (Armv8-M Architecture Reference Manual, D1.2.15). Both are off after a reset. */
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CPACR_FLOAT_AND_MVE 0x00F00000u
#endif

void Reset_Handler(void) {
    const uint32_t *from = ska_data_load;
    uint32_t *to;

#if defined(__ARM_FEATURE_MVE)
    CPACR |= CPACR_FLOAT_AND_MVE;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    for (to = ska_data_start; to != ska_data_end; ++to) {
        *to = *from;
        ++from;
    }
    for (to = ska_bss_start; to != ska_bss_end; ++to) {
        *to = 0u;
    }
    (void)main();
    /* main() never returns. Reaching this point would be a defect, so cause a visible fault. */
    __asm__ volatile("udf #0");
    for (;;) {
    }
}

/* A fault cannot be repaired here. Stop and save power; the host sees a timeout. */
void Fault_Handler(void) {
    for (;;) {
        __asm__ volatile("wfi");
    }
}

/* The 15 handlers of the architecture, then the handlers of the interrupts, up to the only enabled
 * interrupt. Entries of 0 are reserved or never used; taking one would be a fault. */
#define EXCEPTIONS 15u

struct vectors {
    uint32_t *initial_stack;
    void (*handlers[EXCEPTIONS + SKA_UART_RX_INTERRUPT + 1u])(void);
};

extern const struct vectors ska_vectors;

__attribute__((section(".vectors"), used)) const struct vectors ska_vectors = {
    ska_stack_top,
    {
        Reset_Handler, /*  1 Reset */
        Nmi_Handler,   /*  2 NMI */
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
        [EXCEPTIONS + SKA_UART_RX_INTERRUPT] = Uart_Handler,
    },
};
