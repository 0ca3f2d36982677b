"""Lists the front ends, makes and checks the windows of one, and computes features on the host."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import Fixed, RangeError
from ska_edge.arithmetic.function import FixedFunction
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.arithmetic.numpy_ops import NumpyOps, stored
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.echo import EchoState
from ska_edge.frontend.front import SAMPLE, Front, Frontend
from ska_edge.frontend.kernels import KernelShares
from ska_edge.frontend.patches import Patches
from ska_edge.frontend.spectrum import Spectrum
from ska_edge.frontend.statistics import Statistics
from ska_edge.plural import counted

FRONTENDS: Mapping[str, Frontend] = {
    "statistics": Statistics(),
    "kernels": KernelShares(),
    "spectrum": Spectrum(),
    "echo": EchoState(),
    "patches": Patches(),
}

LONGEST = 8192  # samples of a window, so that sums of samples fit into 32 bits
MOST_PARTS = 16  # of a window; a device stores the sums of each
MOST_AXES = 64
BLOCK = 256  # windows whose features are computed at once, at most
BLOCK_VALUES = 2**22  # of the samples or states of these windows


def front_for(kind: str, length: int, hop: int, axes: Sequence[str], **given: Any) -> Front:
    """Return a front end of a kind for windows with these axes; nothing of it is learned.

    `given` are values of the kind's `parameters`, by their names.

    Raises InputError for an unknown kind, and for values and windows that a device cannot have.
    """
    front = Front(kind, length, hop, len(axes))
    _check_windows(front)
    front = FRONTENDS[kind].with_parameters(front, axes, given)
    check_front(front)
    return front


def check_front(front: Front) -> None:
    """Raise InputError unless a device can have this front end."""
    _check_windows(front)
    if len(front.vectors) > MOST_AXES:
        raise InputError(f"{len(front.vectors)} vectors suit no front end")
    if any(not 0 <= axis < front.axes for vector in front.vectors for axis in vector):
        raise InputError("a vector of the front end has an axis that no sample has")
    for field in fields(Front):
        unused = field.default is not MISSING and field.name not in FRONTENDS[front.kind].uses
        if unused and getattr(front, field.name) != field.default:
            raise InputError(f"the front end {front.kind} has no {field.name}")
    FRONTENDS[front.kind].check(front)
    _prove(front)


def _check_windows(front: Front) -> None:
    """Raise InputError unless there is such a kind, and it can have windows of this size."""
    if front.kind not in FRONTENDS:
        raise InputError(f"no front end {front.kind!r:.40}; there are {', '.join(FRONTENDS)}")
    if not 2 <= front.length <= LONGEST:
        raise InputError(
            f"windows of {counted(front.length, 'sample')} suit no front end; give a window of 2 to"
            f" {LONGEST} samples"
        )
    if not 1 <= front.hop < 8 * LONGEST:
        raise InputError(f"a hop of {front.hop} samples suits no front end")
    if front.parts > MOST_PARTS and not front.keeps_samples:
        raise OptionError(
            "a window of {length} samples with hop {now} has {parts} parts of {samples}, and a"
            f" device stores at most {MOST_PARTS}; give {_near_hops(front)}",
            length=front.length,
            now=front.hop,
            parts=front.parts,
            samples=counted(front.part, "sample"),
        )
    if not 1 <= front.axes <= MOST_AXES:
        raise InputError(
            f"samples of {front.axes} axes suit no front end; leave columns out, so that there are"
            f" 1 to {MOST_AXES}"
        )


def _near_hops(front: Front) -> str:
    """Return the one or two nearest hops whose parts a device can store.

    The text has the name of the option in braces, for an OptionError.
    """
    fit = [
        hop
        for hop in range(1, front.length + 1)
        if front.length // math.gcd(front.length, hop) <= MOST_PARTS
    ]
    nearest = sorted(sorted(fit, key=lambda hop: abs(hop - front.hop))[:2])
    return " or ".join(f"{{hop}} {hop}" for hop in nearest)


def _prove(front: Front) -> None:
    """Compute only intervals; raise InputError for a value that exceeds 64 bits."""
    ops = IntervalOps()
    try:
        FRONTENDS[front.kind].features(front, ops, Fixed.of(ops, None, SAMPLE))
    except RangeError as error:
        raise InputError(
            f"a window of {front.length} samples is too long for {front.kind}: {error}"
        ) from error


def features_of(front: Front, windows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the features of windows (n, length, axes) as a device computes them, (n, features).

    They are integers in `FEATURE` format. The samples must be in `SAMPLE` format.
    """
    ops, kind = NumpyOps(check=False), FRONTENDS[front.kind]
    width = front.width if front.echo is None else front.echo.units
    block = max(1, min(BLOCK, BLOCK_VALUES // (front.length * width)))
    blocks = [
        kind.features(front, ops, stored(ops, windows[first : first + block], SAMPLE)).data
        for first in range(0, len(windows), block)
    ]
    return np.concatenate([np.empty((0, feature_count(front)), dtype=np.int64), *blocks])


def feature_names(front: Front, axes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the features."""
    return FRONTENDS[front.kind].names(front, axes)


def feature_count(front: Front) -> int:
    """Return the number of features."""
    return len(feature_names(front, [""] * front.axes))


def front_bytes(front: Front) -> int:
    """Return the bytes of RAM of all parts of a window; the front end of a device takes up to 8
    bytes more.
    """
    return front.parts * FRONTENDS[front.kind].part_bytes(front)


def front_functions(front: Front | None) -> tuple[FixedFunction, ...]:
    """Return the functions of single numbers that a front end's loops in C use."""
    return () if front is None else FRONTENDS[front.kind].functions(front)
