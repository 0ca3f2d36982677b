"""Writes ska_labels.h: the names of the classes as a table in flash."""

from __future__ import annotations

from ska_edge.plan.plan import Plan


def c_string(text: str) -> str:
    """Return a C string literal with the UTF-8 bytes of a text.

    The literal has neither ska nor SKA, so that `renamed` changes no name of a class.
    """
    plain = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode()
    )
    plain = plain.replace("ska", "s\\153a").replace("SKA", "S\\113A")
    return f'"{plain}"'


def emit_labels(plan: Plan) -> str:
    """Return the text of ska_labels.h."""
    size = max(len(label.encode()) for label in plan.labels) + 1
    rows = "\n".join(
        f"    {c_string(label)}, /* {index} */" for index, label in enumerate(plan.labels)
    )
    return f"""\
/* ska_labels.h - the names of the classes of plan {plan.digest}. Generated; do not edit.
 *
 * The names are in flash, and only in files that use them.
 */
#ifndef SKA_LABELS_H
#define SKA_LABELS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

#define SKA_LABEL_BYTES {size} /* of the longest name in UTF-8, with the zero at its end */

static const char ska_labels[SKA_CLASSES][SKA_LABEL_BYTES] SKA_CONST = {{
{rows}
}};

/* Copies the name of a class, 0 to SKA_CLASSES - 1, to RAM; returns `name`. */
static inline const char *ska_label(uint16_t number, char name[SKA_LABEL_BYTES]) {{
    for (uint16_t i = 0; i < SKA_LABEL_BYTES; i++) {{
        name[i] = (char)ska_const_u8((const uint8_t *)&ska_labels[number][i]);
    }}
    return name;
}}

#endif
"""
