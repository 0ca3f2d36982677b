"""Writes what a front end needs in C: its constants, and its sources."""

from __future__ import annotations

from pathlib import Path

from ska_edge.frontend.front import FEATURE, Front

SOURCES = Path(__file__).parent.parent / "runtime" / "front"
"""Sources of all front ends; the folder of each kind has its own."""


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
"""


def front_sources(front: Front | None) -> dict[str, str]:
    """Return the name and text of each C file of a front end; none without one."""
    if front is None:
        return {}
    paths = [path for folder in (SOURCES, SOURCES / front.kind) for path in folder.glob("*.[ch]")]
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(paths)}
