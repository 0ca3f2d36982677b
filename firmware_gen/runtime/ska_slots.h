/* ska_slots.h - keeps samples of each class in slots, from which they are drawn to learn again.
 *
 * ska.c alone includes this file.
 */
#ifndef SKA_SLOTS_H
#define SKA_SLOTS_H

#include "ska_draw.h"
#include "ska_kernel.h"
#include "ska_state.h"
#include "ska_weights.h"

#if !SKA_INFERENCE_ONLY && SKA_REPLAY_SLOTS > 0

/* Every class has slots of its own. As a reservoir, they keep each sample of the class so far with
 * equal probability; as a FIFO, they keep the last samples. */

static uint16_t replay_draw(ska_t *ska, uint16_t limit) {
    return ska_draw_below(SKA_REPLAY_KEY, ska->drawn++, limit);
}

static uint16_t replay_held(const ska_t *ska, uint16_t label) {
    return ska->seen[label] < SKA_REPLAY_SLOTS ? ska->seen[label] : SKA_REPLAY_SLOTS;
}

/* Returns the slot for the next sample of a class whose slots are full. A reservoir may return a
 * number without a slot; the sample is then not stored. */
static uint16_t replay_slot(ska_t *ska, uint16_t seen) {
#if SKA_REPLAY_FIFO
    (void)ska;
    return (uint16_t)(seen - SKA_REPLAY_SLOTS);
#else
    return replay_draw(ska, (uint16_t)(seen + 1u));
#endif
}

static void replay_remember(ska_t *ska, const ska_signal_t *x, uint16_t label) {
    const uint16_t seen = ska->seen[label];
    const uint16_t slot = seen < SKA_REPLAY_SLOTS ? seen : replay_slot(ska, seen);
    if (slot < SKA_REPLAY_SLOTS) {
        ska_kernel_copy(ska->replay[label][slot], x, SKA_INPUTS);
    }
    ska->seen[label] = seen < SKA_MOST_SEEN ? (uint16_t)(seen + 1u) : SKA_AFTER_MOST_SEEN;
}

#endif

#endif
