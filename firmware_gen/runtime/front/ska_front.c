/* ska_front.c: see ska_front.h. */
#include "ska_front.h"

#include "ska.h"

void ska_front_reset(ska_front_t *front) {
    front->next = 0;
    front->complete = false;
    front->filled = 0;
    front->missing = SKA_FRONT_PARTS;
    ska_front_parts_reset(front->parts);
}

/* Returns true if the sample completes a window. */
static bool sample_add(ska_front_t *front, const int16_t sample[SKA_FRONT_AXES]) {
    ska_front_parts_add(front->parts, front->next, sample, front->filled == 0u);
    front->filled++;
    if (front->filled < SKA_FRONT_PART) {
        return false;
    }
    front->filled = 0;
    front->next = (uint16_t)(front->next + 1u < SKA_FRONT_PARTS ? front->next + 1u : 0u);
    front->missing--;
    if (front->missing > 0u) {
        return false;
    }
    front->missing = SKA_FRONT_HOP / SKA_FRONT_PART;
    return true;
}

bool ska_front_push(ska_front_t *front, const int16_t sample[SKA_FRONT_AXES]) {
    front->complete = sample_add(front, sample);
    return front->complete;
}

bool ska_front_complete(const ska_front_t *front) { return front->complete; }

void ska_front_features(const ska_front_t *front, int32_t features[SKA_INPUTS]) {
    ska_front_parts_features(front->parts, front->next, features);
}

void ska_front_input(const ska_front_t *front, ska_signal_t x[SKA_INPUTS]) {
    int32_t features[SKA_INPUTS];
    ska_front_features(front, features);
    ska_standardize_i32(features, x);
}
