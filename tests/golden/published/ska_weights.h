/* ska_weights.h - the initial parameters for plan 532d71bbe3dc9b7b. Generated; do not edit. */
#ifndef SKA_WEIGHTS_H
#define SKA_WEIGHTS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* CRC-32 of all initial data; ska_load loads no save with another CRC. */
#define SKA_INITIAL_CRC 0x503dc27eu

static const ska_weight_t ska_initial_parameters[SKA_PARAMETER_COUNT] SKA_CONST = {
    /* layer 0, weight, 2 x 3, Q3.12 */
    -32768, 7735, -17298, 23205, -1828, -26861,
    /* layer 0, bias, 2, Q3.12 */
    13642, -11391,
    /* layer 1, weight, 2 x 2, Q3.12 */
    29112, 4079, -20954, 19549,
    /* layer 1, bias, 2, Q3.12 */
    -5484, -30517
};

#endif
