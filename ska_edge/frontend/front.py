"""Defines what a front end is, and the windows that it works on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, T
from ska_edge.arithmetic.function import FixedFunction
from ska_edge.arithmetic.window import WindowOps
from ska_edge.frontend.parameter import Parameter

SAMPLE = QFormat(16, 0)
"""The format of a value of a sample: an integer, as the sensor gave it."""
FEATURE = QFormat(32, 4)
"""The format of a feature; its unit is that of a sample."""
WEIGHT = QFormat(8, 7)
"""The format of a weight of a filter."""
TAPS, CHOSEN = 9, 3  # of a kernel, and those of them with the weight 2
KEEP_SAMPLES = ("kernels", "spectrum")
"""The kinds of front ends whose devices keep all samples of a window."""
HAVE_SAMPLES = (*KEEP_SAMPLES, "patches")
"""The kinds of front ends whose devices keep all samples of a window, or its image."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the front end `patches`, and how it applies them to an image.

    Attributes:
        count: number of filters.
        size: rows and columns of a filter, in pixels.
        stride: pixels from one place of a filter to the next, down and to the right.
        cells: the places are divided into this many rows and columns of cells.
        weights: in `WEIGHT` format, (count, size, size) in one row; empty if not yet learned.
    """

    count: int = 16
    size: int = 5
    stride: int = 2
    cells: int = 4
    weights: tuple[int, ...] = ()

    def places(self, pixels: int) -> int:
        """Return how many places a filter has along an edge of an image, of `pixels` pixels."""
        return (pixels - self.size) // self.stride + 1

    def edges(self, pixels: int) -> tuple[int, ...]:
        """Return the first place of each cell along an edge, and last the number of places."""
        places = self.places(pixels)
        return tuple(cell * places // self.cells for cell in range(self.cells + 1))


@dataclass(frozen=True, slots=True)
class KernelGroup:
    """Kernels that have the same taps: nine values of the sum of some axes.

    Attributes:
        dilation: samples from one tap to the next.
        axes: the axes that are added.
        chosen: three taps of each kernel, 0 to 8, in one row; their weight is 2, and that of the
            six others is -1.
        biases: of each kernel, in the unit of its output.
    """

    dilation: int
    axes: tuple[int, ...]
    chosen: tuple[int, ...]
    biases: tuple[int, ...]

    def column(self, number: int) -> tuple[int, ...]:
        """Return the first, second or third chosen tap of each kernel; `number` is 0, 1 or 2."""
        return self.chosen[number::CHOSEN]

    def places(self, length: int) -> int:
        """Return the number of places at which a kernel fits into a window."""
        return length - (TAPS - 1) * self.dilation


@dataclass(frozen=True, slots=True)
class Kernels:
    """The kernels of the front end `kernels`.

    Attributes:
        count: number of kernels.
        groups: empty if the kernels are not yet learned.
        levels: the number of parts of a window; the mean of each axis in each part is one more
            feature. 0 if there are none.
    """

    count: int = 256
    groups: tuple[KernelGroup, ...] = ()
    levels: int = 0

    def level_places(self, length: int) -> tuple[int, ...]:
        """Return the first sample of each part of a window of `length` samples."""
        return tuple(part * length // self.levels for part in range(self.levels))

    def level_length(self, length: int) -> int:
        """Return the number of samples of a part; some samples may be in no part."""
        return length // max(self.levels, 1)


@dataclass(frozen=True, slots=True)
class Echo:
    """The recurrent state of the front end `echo`.

    Attributes:
        units: number of units of the state.
        offsets: of each axis, subtracted from its samples.
        factors: of each axis: what multiplies it then, with `echo.FACTOR_FRAC` fractional bits.
        signs: of each unit, 1 or -1: the sign of its axis.
        biases: of each unit, with `echo.INPUT_FRAC` fractional bits.

    All but `units` are empty if they are not yet learned.
    """

    units: int = 64
    offsets: tuple[int, ...] = ()
    factors: tuple[int, ...] = ()
    signs: tuple[int, ...] = ()
    biases: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Front:
    """A front end in a plan: which one it is, and how it cuts the samples of a sensor into windows.

    A window has `length` samples, and the next one begins `hop` samples later. A window is a number
    of parts, and so is the hop. A device sums up parts, so it sees every sample once. If the kind
    of front end needs the samples themselves, a device keeps them, and a part is a single sample.
    An image is a window too: a sample is one of its rows, and an axis is a column.

    Attributes:
        kind: name of the front end in `FRONTENDS`.
        length, hop: numbers of samples.
        axes: the number of values of a sample, in `SAMPLE` format.
        vectors: three axes each, x, y and z, whose magnitude is one more axis.
        filters: those of `patches`; None for other front ends.
        kernels: those of `kernels`; None for other front ends.
        bands: those of `spectrum`: the first bin of each, and last the bin after the last band.
        frames: for `spectrum`: number of equal parts of a window, each with a spectrum of its own.
        echo: the state of `echo`; None for other front ends.
    """

    kind: str
    length: int
    hop: int
    axes: int
    vectors: tuple[tuple[int, int, int], ...] = ()
    filters: Filters | None = None
    kernels: Kernels | None = None
    bands: tuple[int, ...] = ()
    frames: int = 1
    echo: Echo | None = None

    @property
    def image(self) -> bool:
        """Whether a window is an image, which is a row of a table, with a column for each pixel."""
        return self.filters is not None

    @property
    def learned(self) -> bool:
        """Whether the front end can compute features: nothing of it is still to be learned."""
        if self.echo is not None:
            return bool(self.echo.factors)
        if self.kernels is not None:
            return bool(self.kernels.groups)
        return self.filters is None or bool(self.filters.weights)

    @property
    def learns(self) -> bool:
        """Whether the front end is learned from rows: its filters, kernels or echo."""
        return self.image or self.kernels is not None or self.echo is not None

    @property
    def keeps_samples(self) -> bool:
        """Whether a device keeps all samples of a window."""
        return self.kind in KEEP_SAMPLES

    @property
    def has_samples(self) -> bool:
        """Whether the newest samples can be read from a device: it keeps them, or their image."""
        return self.kind in HAVE_SAMPLES

    @property
    def part(self) -> int:
        """Samples of a part: the largest number that divides both window and hop, or 1 if a device
        keeps samples.
        """
        return 1 if self.keeps_samples else math.gcd(self.length, self.hop)

    @property
    def parts(self) -> int:
        """Parts of a window."""
        return self.length // self.part

    @property
    def frame(self) -> int:
        """Samples of a frame."""
        return self.length // self.frames

    @property
    def width(self) -> int:
        """Number of axes, with the magnitudes."""
        return self.axes + len(self.vectors)


def sample_bytes(front: Front) -> int:
    """Return the bytes of a part that keeps a sample."""
    return SAMPLE.bits // 8 * front.axes


class Frontend(Protocol):
    """One kind of front end, on `Fixed`; C has its loops in `runtime/front/KIND/`."""

    @property
    def summary(self) -> str:
        """What the features are, in a few words."""
        ...

    @property
    def uses(self) -> tuple[str, ...]:
        """Attributes of `Front` with a default that this kind uses; the others keep theirs."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a user can give after the name of this kind."""
        ...

    def with_parameters(self, front: Front, axes: Sequence[str], given: Mapping[str, Any]) -> Front:
        """Return a front end with the given values of `parameters`, and usual ones of the others.

        `front` has only a kind, a length, a hop and the number of axes; `axes` are their names. The
        result is not yet checked. Raises InputError for values that do not suit its windows.
        """
        ...

    def names(self, front: Front, axes: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the features; `axes` are the names of the axes."""
        ...

    def features(self, front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
        """Return the features (windows, features) in `FEATURE` format.

        `samples` are (windows, length, axes) in `SAMPLE` format.
        """
        ...

    def check(self, front: Front) -> None:
        """Raise InputError if this kind of front end cannot have these parameters.

        `frontends.check_front` checks what all kinds share, and that attributes outside `uses` have
        their default.
        """
        ...

    def part_bytes(self, front: Front) -> int:
        """Return the bytes of `ska_front_part_t` in C."""
        ...

    def functions(self, front: Front) -> tuple[FixedFunction, ...]:
        """Return the functions of single numbers that the loops in C use; a name begins with
        `front_`.
        """
        ...
