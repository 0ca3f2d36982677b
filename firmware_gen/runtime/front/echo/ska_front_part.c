/* ska_front_part.c: see ska_front_part.h. */
#include "ska_front_part.h"

#include "ska_const.h"
#include "ska_front_echo.h"
#include "ska_rule.h"

static void part_begin(ska_front_part_t *part) {
    for (uint16_t i = 0; i < SKA_FRONT_UNITS; i++) {
        part->totals[i] = 0;
        part->sizes[i] = 0;
        part->states[i] = 0;
    }
}

/* Changes the state of a unit. `before` is the old state of the unit before it, and becomes that of
 * this unit. */
static void unit_add(ska_front_part_t *part, uint16_t unit, int32_t input, int16_t *before) {
    const int16_t old = part->states[unit];
    const int16_t state =
        (int16_t)ska_rule_front_state(input, *before, old, ska_const_i8(&ska_front_leaks[unit]));
    *before = old;
    part->states[unit] = state;
    part->totals[unit] += state;
    part->sizes[unit] += ska_rule_front_size(state);
}

void ska_front_parts_reset(ska_front_part_t parts[SKA_FRONT_PARTS]) {
    for (uint8_t i = 0; i < SKA_FRONT_PARTS; i++) {
        part_begin(&parts[i]);
    }
}

void ska_front_parts_add(ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t at,
                         const int16_t sample[SKA_FRONT_AXES], bool first) {
    int16_t values[SKA_FRONT_AXES];
    int16_t before[SKA_FRONT_PARTS];
    if (first) {
        part_begin(&parts[at]);
    }
    for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
        values[i] = (int16_t)ska_rule_front_scaled(sample[i], ska_const_i16(&ska_front_offsets[i]),
                                                   ska_const_i32(&ska_front_factors[i]));
    }
    for (uint8_t i = 0; i < SKA_FRONT_PARTS; i++) {
        before[i] = parts[i].states[SKA_FRONT_UNITS - 1];
    }
    const int8_t *sign = ska_front_signs;
    for (uint16_t unit = 0; unit < SKA_FRONT_UNITS; unit++) {
        int32_t input = ska_const_i16(&ska_front_biases[unit]);
        for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
            input += ska_product_i16(values[i], ska_const_i8(sign));
            sign++;
        }
        for (uint8_t i = 0; i < SKA_FRONT_PARTS; i++) {
            unit_add(&parts[i], unit, input, &before[i]);
        }
    }
}

void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    const ska_front_part_t *part = &parts[oldest];
    for (uint16_t i = 0; i < SKA_FRONT_UNITS; i++) {
        int32_t *feature = &features[i];
        feature[0] = (int32_t)ska_rule_front_last(part->states[i]);
        feature[SKA_FRONT_UNITS] = (int32_t)ska_rule_front_mean(part->totals[i]);
        feature[2 * SKA_FRONT_UNITS] = (int32_t)ska_rule_front_mean(part->sizes[i]);
    }
}
