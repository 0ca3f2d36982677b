/* ska_weights.h - the initial parameters for plan efc630b4af7a4376. Generated; do not edit. */
#ifndef SKA_WEIGHTS_H
#define SKA_WEIGHTS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* CRC-32 of all initial data; ska_load loads no save with another CRC. */
#define SKA_INITIAL_CRC 0x540a7058u

static const ska_weight_t ska_initial_parameters[SKA_PARAMETER_COUNT] SKA_CONST = {
    /* layer 0, weight, 3 x 4, Q3.12 */
    -32768, 7735, -17298, 23205, -1828, -26861, 13642, -11391, 29112, 4079, -20954, 19549,
    /* layer 0, bias, 3, Q3.12 */
    -5484, -30517, 9986,
    /* layer 0, readout_weight, 2 x 3, Q3.12 */
    -15047, 25456, 423, -24610, 15893, -9140,
    /* layer 0, readout_bias, 2, Q3.12 */
    31363, 6330,
    /* layer 1, weight, 3 x 3, Q3.12 */
    -18703, 21800, -3233, -28266, 12237, -12796, 27707, 2674, -22359,
    /* layer 1, bias, 3, Q3.12 */
    18144, -6889, -31922,
    /* layer 2, weight, 2 x 3, Q3.12 */
    8581, -16452, 24051, -982, -26015, 14488,
    /* layer 2, bias, 2, Q3.12 */
    -10545, 29958
};

#endif
