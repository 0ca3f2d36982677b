/* ska_front_part.c: see ska_front_part.h. */
#include "ska_front_part.h"

#include "ska.h"
#include "ska_front_filters.h"
#include "ska_front_patch.h"
#include "ska_rule.h"

/* A cell has the places of filters from `top` to before `below`, and `left` to before `right`. */
typedef struct {
    uint8_t top;
    uint8_t below;
    uint8_t left;
    uint8_t right;
} cell_t;

/* Adds the response of each filter to its sum. It needs all registers. */
static SKA_NOINLINE void responses_add(const ska_front_patch_t *patch,
                                       int32_t sums[SKA_FRONT_FILTERS]) {
    for (uint8_t filter = 0; filter < SKA_FRONT_FILTERS; filter++) {
        const int32_t total = ska_front_patch_dot(patch, ska_front_filters[filter]);
        sums[filter] += ska_rule_front_response(total);
    }
}

/* Computes the features of a cell, one for each filter. */
static void cell_features(const uint8_t *image, const cell_t *cell,
                          int32_t features[SKA_FRONT_FILTERS]) {
    ska_front_patch_t patch;
    for (uint8_t filter = 0; filter < SKA_FRONT_FILTERS; filter++) {
        features[filter] = 0;
    }
    for (uint8_t down = cell->top; down < cell->below; down++) {
        const uint8_t *row = &image[(uint16_t)(down * SKA_FRONT_STRIDE) * SKA_FRONT_AXES];
        for (uint8_t place = cell->left; place < cell->right; place++) {
            ska_front_patch_take(&patch, &row[place * SKA_FRONT_STRIDE]);
            responses_add(&patch, features);
        }
    }
    for (uint8_t filter = 0; filter < SKA_FRONT_FILTERS; filter++) {
        features[filter] = ska_rule_front_feature(features[filter]);
    }
}

/* Returns the first place of a cell, along an edge with this number of places. */
static uint8_t edge_of(uint8_t cell, uint8_t places) {
    return (uint8_t)((uint16_t)(cell * places) / SKA_FRONT_CELLS);
}

void ska_front_image_features(const uint8_t image[SKA_FRONT_PIXELS], int32_t features[SKA_INPUTS]) {
    for (uint8_t down = 0; down < SKA_FRONT_CELLS; down++) {
        for (uint8_t right = 0; right < SKA_FRONT_CELLS; right++) {
            cell_t cell;
            cell.top = edge_of(down, SKA_FRONT_PLACES_DOWN);
            cell.below = edge_of((uint8_t)(down + 1u), SKA_FRONT_PLACES_DOWN);
            cell.left = edge_of(right, SKA_FRONT_PLACES_RIGHT);
            cell.right = edge_of((uint8_t)(right + 1u), SKA_FRONT_PLACES_RIGHT);
            cell_features(image, &cell, features);
            features += SKA_FRONT_FILTERS;
        }
    }
}

void ska_front_image_input(const uint8_t image[SKA_FRONT_PIXELS], ska_signal_t x[SKA_INPUTS]) {
    int32_t features[SKA_INPUTS];
    ska_front_image_features(image, features);
    ska_standardize_i32(features, x);
}

/* --- an image as a window --------------------------------------------------------------------- */

void ska_front_part_add(ska_front_part_t *part, const int16_t sample[SKA_FRONT_AXES], bool first) {
    if (first) {
        part->filled = 0;
    }
    for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
        part->pixels[part->filled] = (uint8_t)ska_rule_front_pixel(sample[i]);
        part->filled++;
    }
}

void ska_front_parts_features(const ska_front_part_t parts[SKA_FRONT_PARTS], uint16_t oldest,
                              int32_t features[SKA_INPUTS]) {
    ska_front_image_features(parts[oldest].pixels, features);
}
