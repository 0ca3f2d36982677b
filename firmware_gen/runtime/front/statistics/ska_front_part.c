/* ska_front_part.c: see ska_front_part.h. */
#include "ska_front_part.h"

#include "ska_rule.h"

/* --- one axis --------------------------------------------------------------------------------- */

static void axis_begin(ska_front_axis_t *axis, int16_t value) {
    axis->squares = ska_rule_front_square(value);
    axis->total = value;
    axis->changes = 0;
    axis->least = value;
    axis->most = value;
    axis->first = value;
    axis->last = value;
}

static void axis_add(ska_front_axis_t *axis, int16_t value) {
    axis->squares += ska_rule_front_square(value);
    axis->total += value;
    axis->changes += ska_rule_front_change(value, axis->last);
    axis->least = value < axis->least ? value : axis->least;
    axis->most = value > axis->most ? value : axis->most;
    axis->last = value;
}

/* Adds the next part of the window, `after`. */
static void axis_join(ska_front_axis_t *axis, const ska_front_axis_t *after) {
    axis->squares += after->squares;
    axis->total += after->total;
    axis->changes += ska_rule_front_change(after->first, axis->last) + after->changes;
    axis->least = after->least < axis->least ? after->least : axis->least;
    axis->most = after->most > axis->most ? after->most : axis->most;
    axis->last = after->last;
}

/* --- all axes --------------------------------------------------------------------------------- */

void ska_front_part_add(ska_front_part_t *part, const int16_t sample[SKA_FRONT_AXES], bool first) {
    int16_t values[SKA_FRONT_WIDTH];
    for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
        values[i] = sample[i];
    }
#define MAGNITUDE(at, x, y, z)                                                                     \
    values[at] = (int16_t)ska_rule_front_magnitude(sample[x], sample[y], sample[z]);
    SKA_FRONT_EACH_VECTOR(MAGNITUDE)
#undef MAGNITUDE
    for (uint8_t i = 0; i < SKA_FRONT_WIDTH; i++) {
        if (first) {
            axis_begin(&part->axes[i], values[i]);
        } else {
            axis_add(&part->axes[i], values[i]);
        }
    }
}

void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    for (uint8_t i = 0; i < SKA_FRONT_WIDTH; i++) {
        ska_front_axis_t axis = parts[oldest].axes[i];
        for (uint16_t count = 1, at = oldest; count < SKA_FRONT_PARTS; count++) {
            at = (uint16_t)(at + 1u < SKA_FRONT_PARTS ? at + 1u : 0u);
            axis_join(&axis, &parts[at].axes[i]);
        }
        int32_t *feature = &features[i];
        feature[0] = ska_rule_front_mean(axis.total);
        feature[SKA_FRONT_WIDTH] = ska_rule_front_deviation(axis.total, axis.squares);
        feature[2 * SKA_FRONT_WIDTH] = ska_rule_front_extreme(axis.least);
        feature[3 * SKA_FRONT_WIDTH] = ska_rule_front_extreme(axis.most);
        feature[4 * SKA_FRONT_WIDTH] = ska_rule_front_mean_change(axis.changes);
    }
}
