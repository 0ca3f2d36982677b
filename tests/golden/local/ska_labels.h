/* ska_labels.h - the names of the classes of plan efc630b4af7a4376. Generated; do not edit.
 *
 * The names are in flash, and only in files that use them.
 */
#ifndef SKA_LABELS_H
#define SKA_LABELS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

#define SKA_LABEL_BYTES 2 /* of the longest name in UTF-8, with the zero at its end */

static const char ska_labels[SKA_CLASSES][SKA_LABEL_BYTES] SKA_CONST = {
    "0", /* 0 */
    "1", /* 1 */
};

/* Copies the name of a class, 0 to SKA_CLASSES - 1, to RAM; returns `name`. */
static inline const char *ska_label(uint16_t number, char name[SKA_LABEL_BYTES]) {
    for (uint16_t i = 0; i < SKA_LABEL_BYTES; i++) {
        name[i] = (char)ska_const_u8((const uint8_t *)&ska_labels[number][i]);
    }
    return name;
}

#endif
