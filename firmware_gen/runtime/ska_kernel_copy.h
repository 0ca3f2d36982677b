/* ska_kernel_copy.h - copies inputs one by one; see ska_kernel.h. */
#ifndef SKA_KERNEL_COPY_H
#define SKA_KERNEL_COPY_H

#include "ska_plan.h"

static inline void ska_kernel_copy(ska_signal_t *to, const ska_signal_t *from, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
        to[i] = from[i];
    }
}

#endif
