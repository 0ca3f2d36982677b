/* ska_plan.h - the constants of plan 600d4ed24dbc3d54. Generated; do not edit.
 *
 * Network 3-4-2, rule feedback, precision w16a8.
 *
 * No sum overflows its accumulator, for any input and any weights:
 *   layer 0, knowledge sum: [-13106816, 13107200], 32 bits
 *   layer 0, update sum: [-4194176, 4194816], 32 bits
 *   layer 0, changed weight: [-36864, 36863], 32 bits
 *   layer 0, projection sum: [-65536, 65540], 32 bits
 *   layer 1, knowledge sum: [-20971008, 20971520], 32 bits
 *   layer 1, update sum: [-4194176, 4198400], 32 bits
 *   layer 1, changed weight: [-33280, 33279], 32 bits
 */
#ifndef SKA_PLAN_H
#define SKA_PLAN_H
#define SKA_MODEL_600d4ed24dbc3d54_fb292d1c 1

#include <stdint.h>

/* Objects of two models with this prefix do not link: each object refers to its model's symbol,
 * which ska.c defines. The reference is in a section that no device loads. */
#if defined(__GNUC__) && defined(__ELF__)
#define SKA_MODEL_SYMBOL "ska_all_objects_have_model_600d4ed24dbc3d54_fb292d1c"
__asm__(".pushsection .debug_ska_model,\"\",%progbits\n"
        ".long " SKA_MODEL_SYMBOL "\n"
        ".popsection");
#endif

typedef int16_t ska_weight_t; /* a stored weight */
typedef int8_t ska_signal_t; /* an input or an activation */
typedef int16_t ska_knowledge_t; /* z */
typedef int_fast16_t ska_knowledge_fast_t; /* z in computations */
#define SKA_KNOWLEDGE_MIN (-32768)
#define SKA_KNOWLEDGE_MAX 32767
#define SKA_WEIGHT_BITS 16
#define SKA_WEIGHT_MIN INT16_MIN
#define SKA_WEIGHT_MAX INT16_MAX
#define SKA_SIGNAL_BYTES 1

#define SKA_PLAN_DIGEST {0x60, 0x0d, 0x4e, 0xd2, 0x4d, 0xbc, 0x3d, 0x54}

#define SKA_INPUTS 3
#define SKA_INPUT_BYTES 3
#define SKA_INPUT_FRAC 4 /* fractional bits of an input */
#define SKA_CLASSES 2
#define SKA_SPARES 0 /* the last outputs, which can become classes later */
#define SKA_LAYERS 2
#define SKA_EACH_LAYER(DO) DO(0) DO(1)
#define SKA_EACH_LEARNED(DO) DO(0) DO(1)
#define SKA_READOUTS 0 /* hidden layers with a readout of their own */
#define SKA_NEURONS 6
#define SKA_ROWS 6 /* rows of all matrices, readouts included */
#define SKA_PARAMETER_COUNT 26
#define SKA_PARAMETER_BYTES 52
#define SKA_STATE_BYTES 81 /* counters, parameters, ...; see ska_state */
#define SKA_STATE_PARAMETERS 12u /* offset of the parameters in the state */
#define SKA_STATE_RUNS(DO) DO(12u, 4u) DO(68u, 2u) DO(81u, 1u) /* DO(end in RAM, width of a number) */
#define SKA_FLASH_COUNT 0 /* the first parameters never change and stay in flash */
#define SKA_FLASH_BYTES 0
#define SKA_RAM_COUNT (SKA_PARAMETER_COUNT - SKA_FLASH_COUNT)
#define SKA_SAVED_BYTES (SKA_STATE_BYTES - SKA_FLASH_BYTES) /* the part of the state in RAM */
#define SKA_INFERENCE_ONLY 0 /* 1 if the network only classifies */
#define SKA_WIDEST_INPUT 4
#define SKA_EVEN_ROWS 0 /* 1 if each row of weights has an even offset */

#define SKA_SUPERVISED 1
#define SKA_ACCUMULATOR_BITS 32
#define SKA_SUM_SPARE 1 /* 1 if the sums leave three bits unused */
#define SKA_UPDATE_BITS 32
#define SKA_TARGET 32767 /* the target decision for the sample's class */
#define SKA_REGRESSION 0 /* 1 if the outputs are values, not decisions */
#define SKA_FIRST_LEARNED 0 /* the lowest layer that learns */
#define SKA_MARGIN 3277 /* a sample whose errors are all smaller changes no weight */
#define SKA_RELU 0 /* 1 if hidden layers pass on max(0, z) */
#define SKA_LEAST_CONFIDENCE 0 /* below it, the class is unknown; 0: never */
#define SKA_NORMALIZED 0 /* 1 if a large input lowers the rate of its sample */
#define SKA_DECAY_TIMES 0 /* how many times the rate halves by itself */
#define SKA_DECAY_SAMPLES 0u /* from one of these halvings to the next */
#define SKA_RATE_VARIES 0 /* 1 if a step's rate is not that of the state */
#define SKA_RUNNING_NORMALIZATION 0 /* 1: averages scale inputs */
#define SKA_RAW_INPUT 1 /* 1 if raw integers can be standardized */
#define SKA_RAW_FLOAT 0 /* 1 if raw floats can be standardized */

/* What determines the shift of a hidden layer. */
#define SKA_TEACHER_READOUT 0
#define SKA_TEACHER_SIGNS 1
#define SKA_TEACHER_CODE 0
#define SKA_SIGNS_KEY 0xA2880F9Au
#define SKA_REPLAY_KEY 0xD902C103u
#define SKA_SIGNS_SHIFT 3 /* from the sum to a projection */
#define SKA_MOST_SEEN 65534 /* the largest count of a class */
#define SKA_AFTER_MOST_SEEN 65534 /* the count that follows the largest */

#define SKA_REPLAY_SLOTS 2 /* samples in the replay buffer per class */
#define SKA_REPLAY_FIFO 0 /* 1 if the buffer keeps the last samples */
#define SKA_REPLAYS 1 /* stored samples learned with each new sample */

/* Rate = mantissa * 2^-15 * 2^-shift = 0.125 */
#define SKA_RATE_MANTISSA 32768
#define SKA_RATE_SHIFT 3
#define SKA_RATE_HALVINGS_MAX 18 /* with more, a shift would exceed 31 */
#define SKA_FRONT_AXES 0 /* no front end */

#elif !defined(SKA_MODEL_600d4ed24dbc3d54_fb292d1c)
#error "two models have the prefix ska_ here; write the firmware of one with another name"
#endif
