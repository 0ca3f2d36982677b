/* ska_front_part.c: see ska_front_part.h. */
#include "ska_front_part.h"

#include "ska_const.h"
#include "ska_front_echo.h"
#include "ska_rule.h"
#include "ska_target.h"

/* Begins a window. The number of units is even. */
static void part_begin(ska_front_part_t *part) {
    for (uint16_t i = 0; i < SKA_FRONT_UNITS; i += 2) {
        part->units[i].size = 0;
        part->units[i].state = 0;
        part->units[i + 1].size = 0;
        part->units[i + 1].state = 0;
    }
}

/* Changes the state of a unit, and returns its old state. `before` is the old state of the unit
 * before it. */
static int32_t unit_add(ska_front_unit_t *unit, const ska_front_numbers_t *numbers,
                        const int32_t values[2 * SKA_FRONT_AXES], int32_t before) {
    const int32_t input = values[ska_const_u8(&numbers->value)] + ska_const_i32(&numbers->bias);
    const int32_t old = unit->state;
    const int32_t state = (int32_t)ska_rule_front_state(
        input, (int_fast16_t)before, (int_fast16_t)old, ska_const_u8(&numbers->leak));
    unit->state = state;
    unit->size += ska_rule_front_size((int_fast16_t)state);
    return old;
}

/* Changes the states of a part. If this function were inline, a Cortex-M0 would compute the address
 * of `values` for each unit. */
SKA_NOINLINE static void part_add(ska_front_part_t *part,
                                  const int32_t values[2 * SKA_FRONT_AXES]) {
    int32_t before = part->units[SKA_FRONT_UNITS - 1].state;
    for (uint16_t i = 0; i < SKA_FRONT_UNITS; i++) {
        before = unit_add(&part->units[i], &ska_front_numbers[i], values, before);
    }
}

void ska_front_parts_reset(ska_front_part_t parts[SKA_FRONT_PARTS]) {
    for (uint8_t i = 0; i < SKA_FRONT_PARTS; i++) {
        part_begin(&parts[i]);
    }
}

void ska_front_parts_add(ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t at,
                         const int16_t sample[SKA_FRONT_AXES], bool first) {
    int32_t values[2 * SKA_FRONT_AXES]; /* each axis, and its negative */
    if (first) {
        part_begin(&parts[at]);
    }
    for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
        const int32_t value = ska_rule_front_scaled(sample[i], ska_const_i16(&ska_front_offsets[i]),
                                                    ska_const_i32(&ska_front_factors[i]));
        values[2 * i] = value;
        values[2 * i + 1] = -value;
    }
    for (uint8_t i = 0; i < SKA_FRONT_PARTS; i++) {
        part_add(&parts[i], values);
    }
}

void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    const ska_front_unit_t *units = parts[oldest].units;
    for (uint16_t i = 0; i < SKA_FRONT_UNITS; i++) {
        features[i] = (int32_t)ska_rule_front_last((int_fast16_t)units[i].state);
        features[SKA_FRONT_UNITS + i] = (int32_t)ska_rule_front_mean(units[i].size);
    }
}
