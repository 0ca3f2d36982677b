/* ska_weights.h - the initial parameters for plan 600d4ed24dbc3d54. Generated; do not edit. */
#ifndef SKA_WEIGHTS_H
#define SKA_WEIGHTS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* CRC-32 of all initial data; ska_load loads no save with another CRC. */
#define SKA_INITIAL_CRC 0xfb292d1cu

static const ska_weight_t ska_initial_parameters[SKA_PARAMETER_COUNT] SKA_CONST = {
    /* layer 0, weight, 4 x 3, Q3.12 */
    -32768, 7735, -17298, 23205, -1828, -26861, 13642, -11391, 29112, 4079, -20954, 19549,
    /* layer 0, bias, 4, Q3.12 */
    -5484, -30517, 9986, -15047,
    /* layer 1, weight, 2 x 4, Q3.12 */
    25456, 423, -24610, 15893, -9140, 31363, 6330, -18703,
    /* layer 1, bias, 2, Q3.12 */
    21800, -3233
};

#define SKA_PREFILLED 0 /* samples in the replay buffer at the start */

#endif
