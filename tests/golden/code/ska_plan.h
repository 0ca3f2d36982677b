/* ska_plan.h - the constants of plan dd1183813f506c9a. Generated; do not edit.
 *
 * Network 3-4-2, rule code, precision w32a16.
 *
 * No sum overflows its accumulator, for any input and any weights:
 *   layer 0, knowledge sum: [-8589737984, 8589942783], 64 bits
 *   layer 0, update sum: [-1073709056, 1073741840], 32 bits
 *   layer 0, changed weight: [-2181037056, 2181038079], 64 bits
 *   layer 1, knowledge sum: [-10737156096, 10737426431], 64 bits
 *   layer 1, update sum: [-1073709056, 1073741840], 32 bits
 *   layer 1, changed weight: [-2181037056, 2181038079], 64 bits
 */
#ifndef SKA_PLAN_H
#define SKA_PLAN_H
#define SKA_MODEL_dd1183813f506c9a_defe980e 1

#include <stdint.h>

/* Objects of two models with this prefix do not link: each object refers to its model's symbol,
 * which ska.c defines. The reference is in a section that no device loads. */
#if defined(__GNUC__) && defined(__ELF__)
#define SKA_MODEL_SYMBOL "ska_all_objects_have_model_dd1183813f506c9a_defe980e"
__asm__(".pushsection .debug_ska_model,\"\",%progbits\n"
        ".long " SKA_MODEL_SYMBOL "\n"
        ".popsection");
#endif

typedef int32_t ska_weight_t; /* a stored weight */
typedef int16_t ska_signal_t; /* an input or an activation */
typedef int32_t ska_knowledge_t; /* z */
typedef int32_t ska_knowledge_fast_t; /* z in computations */
#define SKA_KNOWLEDGE_MIN (-2097152)
#define SKA_KNOWLEDGE_MAX 2097151
#define SKA_WEIGHT_BITS 32
#define SKA_WEIGHT_MIN INT32_MIN
#define SKA_WEIGHT_MAX INT32_MAX
#define SKA_SIGNAL_BYTES 2

#define SKA_PLAN_DIGEST {0xdd, 0x11, 0x83, 0x81, 0x3f, 0x50, 0x6c, 0x9a}

#define SKA_INPUTS 3
#define SKA_INPUT_BYTES 6
#define SKA_INPUT_FRAC 15 /* fractional bits of an input */
#define SKA_CLASSES 2
#define SKA_SPARES 0 /* the last outputs, which can become classes later */
#define SKA_LAYERS 2
#define SKA_EACH_LAYER(DO) DO(0) DO(1)
#define SKA_EACH_LEARNED(DO) DO(0) DO(1)
#define SKA_READOUTS 0 /* hidden layers with a readout of their own */
#define SKA_NEURONS 6
#define SKA_ROWS 6 /* rows of all matrices, readouts included */
#define SKA_PARAMETER_COUNT 26
#define SKA_PARAMETER_BYTES 104
#define SKA_STATE_BYTES 113 /* counters, parameters, ...; see ska_state */
#define SKA_STATE_PARAMETERS 8u /* offset of the parameters in the state */
#define SKA_STATE_RUNS(DO) DO(112u, 4u) DO(113u, 1u) /* DO(end in RAM, width of a number) */
#define SKA_FLASH_COUNT 0 /* the first parameters never change and stay in flash */
#define SKA_FLASH_BYTES 0
#define SKA_RAM_COUNT (SKA_PARAMETER_COUNT - SKA_FLASH_COUNT)
#define SKA_SAVED_BYTES (SKA_STATE_BYTES - SKA_FLASH_BYTES) /* the part of the state in RAM */
#define SKA_INFERENCE_ONLY 0 /* 1 if the network only classifies */
#define SKA_WIDEST_INPUT 4
#define SKA_EVEN_ROWS 0 /* 1 if each row of weights has an even offset */

#define SKA_SUPERVISED 1
#define SKA_ACCUMULATOR_BITS 64
#define SKA_SUM_SPARE 0 /* 1 if the sums leave three bits unused */
#define SKA_UPDATE_BITS 64
#define SKA_TARGET 32767 /* the target decision for the sample's class */
#define SKA_REGRESSION 0 /* 1 if the outputs are values, not decisions */
#define SKA_FIRST_LEARNED 0 /* the lowest layer that learns */
#define SKA_MARGIN 0 /* a sample whose errors are all smaller changes no weight */
#define SKA_RELU 0 /* 1 if hidden layers pass on max(0, z) */
#define SKA_LEAST_CONFIDENCE 0 /* below it, the class is unknown; 0: never */
#define SKA_NORMALIZED 0 /* 1 if a large input lowers the rate of its sample */
#define SKA_DECAY_TIMES 0 /* how many times the rate halves by itself */
#define SKA_DECAY_SAMPLES 0u /* from one of these halvings to the next */
#define SKA_RATE_VARIES 0 /* 1 if a step's rate is not that of the state */
#define SKA_RUNNING_NORMALIZATION 0 /* 1: averages scale inputs */
#define SKA_RAW_INPUT 0 /* 1 if raw integers can be standardized */
#define SKA_RAW_FLOAT 0 /* 1 if raw floats can be standardized */

/* What determines the shift of a hidden layer. */
#define SKA_TEACHER_READOUT 0
#define SKA_TEACHER_SIGNS 0
#define SKA_TEACHER_CODE 1
#define SKA_CODE_PRESENCE_KEY 0x2CEB5101u
#define SKA_CODE_SIGNS_KEY 0x6909C6CEu

#define SKA_REPLAY_SLOTS 0 /* samples in the replay buffer per class */
#define SKA_REPLAY_FIFO 0 /* 1 if the buffer keeps the last samples */
#define SKA_REPLAYS 0 /* stored samples learned with each new sample */

/* Rate = mantissa * 2^-15 * 2^-shift = 0.125 */
#define SKA_RATE_MANTISSA 32768
#define SKA_RATE_SHIFT 3
#define SKA_RATE_HALVINGS_MAX 26 /* with more, a shift would exceed 31 */
#define SKA_FRONT_AXES 0 /* no front end */

#elif !defined(SKA_MODEL_dd1183813f506c9a_defe980e)
#error "two models have the prefix ska_ here; write the firmware of one with another name"
#endif
