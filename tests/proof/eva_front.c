/* eva_front.c - pushes samples with any values into a front end, for Frama-C Eva.
 *
 * A part of a window begins with its first sample, whatever it had before, and the ring of parts
 * comes back to its beginning. So a run over several windows after a reset reaches every state. A
 * read of a volatile variable gives any value of its type. */
#include "ska_front.h"

static volatile int16_t any_i16;
static volatile uint8_t any_u8;

static ska_front_t front;

/* An image in a buffer needs no window. */
static void image_read(void) {
#ifdef SKA_FRONT_PIXELS
    uint8_t image[SKA_FRONT_PIXELS];
    ska_signal_t x[SKA_INPUTS];
    for (uint16_t i = 0; i < SKA_FRONT_PIXELS; i++) {
        image[i] = any_u8;
    }
    ska_front_image_input(image, x);
#endif
}

void eva_main(void);
void eva_main(void) {
    int16_t sample[SKA_FRONT_AXES];
    int32_t features[SKA_INPUTS];
    ska_signal_t x[SKA_INPUTS];
    uint16_t windows = 0;
    ska_front_reset(&front);
    for (uint16_t count = 0; count < SKA_FRONT_LENGTH + 3 * SKA_FRONT_HOP; count++) {
        for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
            sample[i] = any_i16;
        }
        if (ska_front_push(&front, sample) && ska_front_complete(&front)) {
            ska_front_features(&front, features);
            ska_front_input(&front, x);
            windows++;
        }
    }
    image_read();
    /*@ check all_windows: windows == 4; */
}
