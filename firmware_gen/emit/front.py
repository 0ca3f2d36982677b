"""Writes what a front end needs in C: its constants, and its sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from firmware_gen.emit.weights import numbers
from ska_edge.frontend.echo import (
    FACTOR_FRAC,
    INPUT_FRAC,
    LEAK_FRAC,
    axes_of,
    leaks_of,
    numbers_of,
)
from ska_edge.frontend.front import CHOSEN, FEATURE, TAPS, WEIGHT, Filters, Front
from ska_edge.frontend.kernels import kernels_of, level_length, unlearned
from ska_edge.frontend.patches import weight_rows
from ska_edge.frontend.spectrum import SINE, sines

SOURCES = Path(__file__).parent.parent / "runtime" / "front"
"""Sources of all front ends; the folder of each kind has its own."""
SENSOR_SOURCES = Path(__file__).parent.parent / "runtime" / "sensor"
"""Sources of a device that takes samples of its own sensor."""
KEPT = "samples"
"""The folder that all kinds share whose devices keep the samples of a window."""
FILTERS, KERNELS = "ska_front_filters.h", "ska_front_kernels.h"
SPECTRUM, ECHO = "ska_front_spectrum.h", "ska_front_echo.h"


def front_constants(front: Front | None) -> str:
    """Return the constants of a front end for ska_plan.h."""
    if front is None:
        return "#define SKA_FRONT_AXES 0 /* no front end */\n"
    vectors = " ".join(
        f"DO({front.axes + number}, {', '.join(map(str, vector))})"
        for number, vector in enumerate(front.vectors)
    )
    return f"""
/* The front end {front.kind} computes the raw features of windows; see ska_front.h. */
#define SKA_FRONT_AXES {front.axes}
#define SKA_FRONT_WIDTH {front.width} /* axes, and magnitudes of vectors */
#define SKA_FRONT_EACH_VECTOR(DO) {vectors} /* DO(its axis, x, y, z) */
#define SKA_FRONT_LENGTH {front.length} /* samples of a window */
#define SKA_FRONT_HOP {front.hop} /* samples from one window to the next */
#define SKA_FRONT_PART {front.part} /* samples of a part */
#define SKA_FRONT_PARTS {front.parts} /* parts of a window */
#define SKA_FRONT_FRAC {FEATURE.frac} /* fractional bits of a feature */
{_filter_constants(front)}{_kernel_constants(front)}{_band_constants(front)}{_echo_constants(front)}"""


def _filter_constants(front: Front) -> str:
    """Return the constants of filters; "" for a front end without filters."""
    filters = front.filters
    if filters is None:
        return ""
    return f"""\
#define SKA_FRONT_PIXELS {front.length * front.axes} /* of an image */
#define SKA_FRONT_FILTERS {filters.count}
#define SKA_FRONT_SIZE {filters.size} /* rows and columns of a filter */
#define SKA_FRONT_STRIDE {filters.stride} /* pixels from one place of a filter to the next */
#define SKA_FRONT_PLACES_DOWN {filters.places(front.length)}
#define SKA_FRONT_PLACES_RIGHT {filters.places(front.axes)}
#define SKA_FRONT_CELLS {filters.cells} /* rows of cells, and columns */
"""


def _kernel_constants(front: Front) -> str:
    """Return the constants of kernels; "" for a front end without kernels."""
    kernels = front.kernels
    if kernels is None:
        return ""
    groups = kernels.groups or (unlearned(front),)
    levels = f"""\
#define SKA_FRONT_LEVELS {kernels.levels} /* parts of a window, for the means of its axes */
#define SKA_FRONT_LEVEL {level_length(front)} /* samples of such a part */
"""
    return f"""\
#define SKA_FRONT_KERNELS {sum(len(group.biases) for group in groups)}
#define SKA_FRONT_GROUPS {len(groups)} /* of kernels with the same taps */
#define SKA_FRONT_ADDED {sum(len(group.axes) for group in groups)} /* axes of all groups */
#define SKA_FRONT_TAPS {TAPS} /* of a kernel */
#define SKA_FRONT_CHOSEN {CHOSEN} /* taps of a kernel with the weight 2; the others have -1 */
{levels if kernels.levels else ""}"""


def _kernels(front: Front) -> str:
    """Return the text of ska_front_kernels.h."""
    groups = kernels_of(front).groups or (unlearned(front),)

    def table(rows: Iterable[Sequence[int]]) -> str:
        return "\n".join(f"    {', '.join(map(str, row))}," for row in rows)

    about = "\n".join(
        f"    {{{group.dilation}, {len(group.axes)}, {len(group.biases)}}}," for group in groups
    )
    return f"""\
/* ska_front_kernels.h - the kernels of the front end. Generated; do not edit. */
#ifndef SKA_FRONT_KERNELS_H
#define SKA_FRONT_KERNELS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* clang-format off */
/* Of each group: the samples from one tap to the next, how many axes it adds, its kernels. */
static const int16_t ska_front_groups[SKA_FRONT_GROUPS][3] SKA_CONST = {{
{about}
}};

/* The axes of all groups. */
static const uint8_t ska_front_added[SKA_FRONT_ADDED] SKA_CONST = {{
{table(group.axes for group in groups)}
}};

/* The chosen taps of each kernel. */
static const uint8_t ska_front_chosen[SKA_FRONT_KERNELS * SKA_FRONT_CHOSEN] SKA_CONST = {{
{table(group.chosen for group in groups)}
}};

/* The bias of each kernel. */
static const int32_t ska_front_biases[SKA_FRONT_KERNELS] SKA_CONST = {{
{table(group.biases for group in groups)}
}};
/* clang-format on */

#endif
"""


def _band_constants(front: Front) -> str:
    """Return the constants of bands; "" for a front end without bands."""
    if not front.bands:
        return ""
    return f"""\
#define SKA_FRONT_BANDS {len(front.bands) - 1}
#define SKA_FRONT_FRAMES {front.frames} /* of a window; each has a spectrum of its own */
#define SKA_FRONT_FRAME {front.frame} /* samples of a frame */
"""


def _spectrum(front: Front) -> str:
    """Return the text of ska_front_spectrum.h."""
    quarter = sines(front.frame)
    return f"""\
/* ska_front_spectrum.h - the sines and the bands of the front end. Generated; do not edit. */
#ifndef SKA_FRONT_SPECTRUM_H
#define SKA_FRONT_SPECTRUM_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* The sines of 0 to SKA_FRONT_FRAME / 4 steps, {SINE.name}; SKA_FRONT_FRAME steps are a turn. */
static const int16_t ska_front_sines[{len(quarter)}] SKA_CONST = {{
    {numbers(quarter)}
}};

/* The first frequency of each band, and last the one after the last band. */
static const int16_t ska_front_bands[{len(front.bands)}] SKA_CONST = {{
    {numbers(front.bands)}
}};

#endif
"""


def _echo_constants(front: Front) -> str:
    """Return the constants of an echo; "" for a front end without an echo."""
    return "" if front.echo is None else f"#define SKA_FRONT_UNITS {front.echo.units}\n"


def _echo(front: Front) -> str:
    """Return the text of ska_front_echo.h."""
    echo = numbers_of(front)
    inputs = (2 * axis + (sign < 0) for axis, sign in zip(axes_of(front), echo.signs, strict=True))
    rows = zip(echo.biases, inputs, leaks_of(front), strict=True)
    units = "\n".join(f"    {{{', '.join(map(str, row))}}}," for row in rows)
    return f"""\
/* ska_front_echo.h - the numbers of the front end's state. Generated; do not edit. */
#ifndef SKA_FRONT_ECHO_H
#define SKA_FRONT_ECHO_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* What is subtracted from each axis. */
static const int16_t ska_front_offsets[SKA_FRONT_AXES] SKA_CONST = {{
    {numbers(echo.offsets)}
}};

/* What multiplies each axis then, with {FACTOR_FRAC} fractional bits. */
static const int32_t ska_front_factors[SKA_FRONT_AXES] SKA_CONST = {{
    {numbers(echo.factors)}
}};

typedef struct {{
    int32_t bias;  /* {INPUT_FRAC} fractional bits */
    uint8_t value; /* 2 * axis for an axis, 2 * axis + 1 for its negative */
    uint8_t leak;  /* {LEAK_FRAC} fractional bits */
}} ska_front_numbers_t;

/* clang-format off */
/* The numbers of each unit. */
static const ska_front_numbers_t ska_front_numbers[SKA_FRONT_UNITS] SKA_CONST = {{
{units}
}};
/* clang-format on */

#endif
"""


def _filters(filters: Filters) -> str:
    """Return the text of ska_front_filters.h."""
    rows = "\n".join(f"    {{{', '.join(map(str, row))}}}," for row in weight_rows(filters))
    return f"""\
/* ska_front_filters.h - the filters of the front end, {WEIGHT.name}. Generated; do not edit. */
#ifndef SKA_FRONT_FILTERS_H
#define SKA_FRONT_FILTERS_H

#include <stdint.h>

#include "ska_const.h"
#include "ska_plan.h"

/* The weights of each filter, row by row. */
/* clang-format off */
static const int8_t
    ska_front_filters[SKA_FRONT_FILTERS][SKA_FRONT_SIZE * SKA_FRONT_SIZE] SKA_CONST = {{
{rows}
}};
/* clang-format on */

#endif
"""


def sensor_constants(front: Front | None) -> str:
    """Return the constants of a device with a sensor of its own for ska_plan.h.

    `front` is its front end; None for a device without a sensor, which has no such constants.
    """
    if front is None:
        return ""
    return f"""\
#define SKA_SENSOR 1 /* the device takes samples of its own sensor */
#define SKA_SENSOR_KEEPS {int(front.has_samples)} /* its front end has the newest samples */
"""


def sensor_sources() -> dict[str, str]:
    """Return the name and text of each C file of a device with a sensor of its own."""
    return _texts(SENSOR_SOURCES)


def _texts(*folders: Path) -> dict[str, str]:
    """Return the name and text of each C file in some folders."""
    paths = [path for folder in folders for path in folder.glob("*.[ch]")]
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(paths)}


def front_sources(front: Front | None) -> dict[str, str]:
    """Return the name and text of each C file of a front end; none without one."""
    if front is None:
        return {}
    kept = [SOURCES / KEPT] if front.keeps_samples else []
    folders = (SOURCES, *kept, SOURCES / front.kind)
    files = _texts(*folders)
    if front.filters is not None:
        files[FILTERS] = _filters(front.filters)
    if front.kernels is not None:
        files[KERNELS] = _kernels(front)
    if front.bands:
        files[SPECTRUM] = _spectrum(front)
    if front.echo is not None:
        files[ECHO] = _echo(front)
    return files
