/* ska_parameters.h - finds the parameters of a network in RAM and in flash.
 */
#ifndef SKA_PARAMETERS_H
#define SKA_PARAMETERS_H

#include <stdbool.h>

#include "ska_state.h"
#include "ska_weights.h"

#define OUTPUT_LAYER (SKA_LAYERS - 1)
#define OUTPUTS (SKA_NEURONS - SKA_CLASSES) /* number of the first output neuron */

/* The first SKA_FLASH_COUNT parameters never change and stay in flash; the others are in RAM and
 * learn. PARAMETER gives the address of a parameter, which ska_weight_read reads. `offset` is the
 * position of the parameter in the plan. The parameters of a layer are all in one memory. */

#if SKA_FLASH_COUNT == SKA_PARAMETER_COUNT
#define IS_IN_FLASH(offset) true
#define PARAMETER(ska, offset) (ska_initial_parameters + (offset))
#elif SKA_FLASH_COUNT > 0
#define IS_IN_FLASH(offset) ((offset) < SKA_FLASH_COUNT)
#define PARAMETER(ska, offset)                                                                     \
    (IS_IN_FLASH(offset) ? ska_initial_parameters + (offset) : LEARNED(ska, offset))
#else
#define IS_IN_FLASH(offset) false
#define PARAMETER(ska, offset) LEARNED(ska, offset)
#endif
#define LEARNED(ska, offset) ((ska)->parameters + ((offset) - SKA_FLASH_COUNT))

#endif
