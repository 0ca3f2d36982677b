"""Reads what a user says about a front end, such as "patches:filters=24,shape=28x28"."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.echo import MOST_UNITS
from ska_edge.frontend.front import Echo, Filters, Front, Kernels
from ska_edge.frontend.frontends import FRONTENDS, check_front, front_for
from ska_edge.frontend.kernels import MOST_KERNELS, MOST_LEVELS
from ska_edge.frontend.patches import LARGEST_SIZE, LONGEST_EDGE, MOST_FILTERS
from ska_edge.frontend.spectrum import (
    LINEAR,
    MOST_BANDS,
    MOST_FRAMES,
    SPACINGS,
    check_frames,
    spaced,
)
from ska_edge.plural import listed

IMAGES = "patches"  # the front end of images
AUTO = "auto"  # the training chooses the front end
NONE = "none"  # no front end: samples or pixels are the inputs
KERNELS, SPECTRUM, ECHO = "kernels", "spectrum", "echo"
SHAPE = "shape"
USUAL_LEVELS = 8  # of the front end `kernels`
USUAL_BANDS = 16  # of a spectrum, or fewer if a window is too short
SMALL_SIZE = 3  # of a filter, for images too small for four cells of larger filters
MOST = {
    "filters": MOST_FILTERS,
    "size": LARGEST_SIZE,
    "stride": LARGEST_SIZE,
    "cells": LONGEST_EDGE,
}
"""The numbers of filters that a user can give, with the largest of each."""
CHOICES = (*FRONTENDS, AUTO, NONE)
"""What a user can ask for; for `NONE`, there is no `FrontRequest`."""


@dataclass(frozen=True, slots=True)
class FrontRequest:
    """A front end that a user has asked for.

    Attributes:
        kind: its name in `FRONTENDS`; or `AUTO`, for the best of `candidates` or
            `image_candidates`.
        filters, size, stride, cells: for images: as in `Filters`; None if not given.
        shape: rows and columns of an image; None if it is square.
        count: the number of kernels of the front end `kernels`; None if not given.
        levels: for kernels: as in `Kernels`.
        bands: for a spectrum: the number of bands; None if not given.
        frames: for a spectrum: the number of frames of a window.
        spacing: for a spectrum: one of `SPACINGS`.
        units: for an echo: the number of units; None if not given.
    """

    kind: str
    filters: int | None = None
    size: int | None = None
    stride: int | None = None
    cells: int | None = None
    shape: tuple[int, int] | None = None
    count: int | None = None
    levels: int = USUAL_LEVELS
    bands: int | None = None
    frames: int = 1
    spacing: str = LINEAR
    units: int | None = None

    @property
    def images(self) -> bool:
        """Whether the front end is for images, and not for recordings."""
        return self.kind == IMAGES

    @classmethod
    def parse(cls, text: str) -> FrontRequest:
        """Read a name, which may have a colon and parameters after it.

        Raises OptionError for another type, for an unknown name, for a colon without parameters,
        for a parameter that the front end lacks or that is given twice, and for a value that it
        cannot have.
        """
        if not isinstance(text, str):  # from Python
            raise OptionError("{frontend} is {given!r}; give the name of a front end", given=text)
        kind, colon, rest = text.partition(":")
        if kind not in CHOICES:
            raise OptionError(
                f"{{frontend}} is {{given!r}}, but must be one of {listed(CHOICES)}",
                given=kind,
            )
        if colon and not rest.strip():
            raise OptionError(
                "{frontend} {given!r} has no parameters after its colon; leave the colon out",
                given=text,
            )
        if kind == SPECTRUM:
            return cls(kind, **_bands(kind, rest))
        if kind == KERNELS:
            return cls(kind, **_kernels(kind, rest))
        if kind == ECHO:
            return cls(kind, units=_units(kind, rest))
        if kind != IMAGES:
            if rest:
                raise OptionError("the front end {kind} of {frontend} has no parameters", kind=kind)
            return cls(kind)
        numbers: dict[str, Any] = {}
        shape: tuple[int, int] | None = None
        for part in rest.split(",") if rest else ():
            name, _, value = map(str.strip, part.partition("="))
            if name in numbers or (name == SHAPE and shape is not None):
                raise OptionError(
                    "the front end {kind} of {frontend} has {name} twice", kind=kind, name=name
                )
            if name == SHAPE:
                shape = _shape(kind, part, value)
            else:
                numbers[name] = _number(kind, part, name, value)
        return cls(kind, **numbers, shape=shape)

    def front(self, pixels: int) -> Front:
        """Return the front end of images with this number of pixels; its filters are not learned.

        Raises OptionError for another shape of an image, and InputError for filters that do not
        suit it.
        """
        side = math.isqrt(pixels)
        rows, columns = self.shape or (side, side)
        if rows * columns != pixels:
            raise OptionError(
                "a row has {pixels} columns, which are no image of {rows}x{columns} pixels; give"
                " its shape, rows x columns, as {frontend} patches:shape=28x28",
                pixels=pixels,
                rows=rows,
                columns=columns,
            )
        front = Front(self.kind, rows, rows, columns, filters=self._filters(min(rows, columns)))
        check_front(front)
        return front

    def of_windows(self, length: int, hop: int, axes: Sequence[str]) -> Front:
        """Return the front end of windows with these axes; nothing of it is learned.

        Raises OptionError for more bands than a window has, and InputError for windows that a
        device cannot have.
        """
        kernels: Kernels | None = None
        bands: tuple[int, ...] = ()
        if self.kind == KERNELS:
            kernels = Kernels(self.count or Kernels().count, levels=self.levels)
        if self.kind == SPECTRUM:
            check_frames(length, self.frames)
            bands = self._bands_of(length // self.frames)
        echo: Echo | None = None
        if self.kind == ECHO:
            echo = Echo() if self.units is None else Echo(self.units)
        return front_for(self.kind, length, hop, axes, kernels, bands, self.frames, echo)

    def _bands_of(self, length: int) -> tuple[int, ...]:
        most = min(length // 2 - 1, MOST_BANDS)
        count = min(USUAL_BANDS, most) if self.bands is None else self.bands
        if count > most:
            raise OptionError(
                "{frontend} has bands={count}, but a {part} of {length} samples has at most {most}"
                " bands",
                count=count,
                part="window" if self.frames == 1 else "frame",
                length=length,
                most=most,
            )
        return spaced(length, count, self.spacing)

    def _filters(self, edge: int) -> Filters:
        """Return the filters for images whose shorter edge has this number of pixels.

        A number that is not given is that of `Filters`, or a smaller one for a small image.
        """
        usual = Filters()
        if usual.places(edge) < usual.cells:
            usual = replace(usual, size=SMALL_SIZE, stride=1)
        found = Filters(
            self.filters or usual.count, self.size or usual.size, self.stride or usual.stride
        )
        cells = self.cells or max(1, min(usual.cells, found.places(edge)))
        return replace(found, cells=cells)


def candidates(length: int, hop: int, axes: Sequence[str]) -> tuple[Front, ...]:
    """Return the front ends that suit windows with these axes, each with its default parameters.

    They have the order of `FRONTENDS`; nothing of them is learned.
    """
    found = []
    for kind in FRONTENDS:
        if kind != IMAGES:
            with contextlib.suppress(InputError):
                found.append(FrontRequest(kind).of_windows(length, hop, axes))
    return tuple(found)


def image_candidates(pixels: int) -> tuple[Front, ...]:
    """Return the front ends that suit square images of this number of pixels; see `candidates`."""
    try:
        return (FrontRequest(IMAGES).front(pixels),)
    except InputError:
        return ()


def _shape(kind: str, part: str, value: str) -> tuple[int, int]:
    if not re.fullmatch(r"[0-9]{1,4}x[0-9]{1,4}", value):
        raise OptionError(
            "the front end {kind} of {frontend} has {part!r}, but shape must be rows x columns of"
            " an image, such as shape=28x28",
            kind=kind,
            part=part,
        )
    rows, columns = map(int, value.split("x"))
    return rows, columns


def _kernels(kind: str, text: str) -> dict[str, Any]:
    """Return the parameters of kernels that are given."""
    found: dict[str, Any] = {}
    for part in text.split(",") if text else ():
        name, _, value = map(str.strip, part.partition("="))
        if name in found:
            raise OptionError(
                "the front end {kind} of {frontend} has {name} twice", kind=kind, name=name
            )
        least, most = {"count": (1, MOST_KERNELS), "levels": (0, MOST_LEVELS)}.get(name, (1, 0))
        if not re.fullmatch("[0-9]{1,4}", value) or not least <= int(value) <= most:
            raise OptionError(
                "the front end {kind} of {frontend} has {part!r}, but its parameters are count, an"
                " integer from 1 to {kernels}, and levels, an integer from 0 to {levels}, such as"
                " kernels:count=256,levels=8",
                kind=kind,
                part=part,
                kernels=MOST_KERNELS,
                levels=MOST_LEVELS,
            )
        found[name] = int(value)
    return found


def _units(kind: str, text: str) -> int | None:
    """Return the number of units of an echo; None if `text` is empty."""
    if not text:
        return None
    found = re.fullmatch(r"units=([0-9]{1,4})", text.strip())
    units = int(found[1]) if found else 0
    if not 2 <= units <= MOST_UNITS or units % 2:
        raise OptionError(
            "the front end {kind} of {frontend} has {text!r}, but its only parameter is units, an"
            " even integer from 2 to {most}, such as units=64",
            kind=kind,
            text=text,
            most=MOST_UNITS,
        )
    return units


def _bands(kind: str, text: str) -> dict[str, Any]:
    """Return the parameters of a spectrum that are given."""
    found: dict[str, Any] = {}
    for part in text.split(",") if text else ():
        name, _, value = map(str.strip, part.partition("="))
        if name in found:
            raise OptionError(
                "the front end {kind} of {frontend} has {name} twice", kind=kind, name=name
            )
        if name == "spacing" and value in SPACINGS:
            found[name] = value
        elif name in ("bands", "frames") and re.fullmatch("[0-9]{1,4}", value) and int(value) >= 1:
            found[name] = int(value)
        else:
            raise OptionError(
                "the front end {kind} of {frontend} has {part!r}, but its parameters are bands, an"
                " integer from 1 to {most}, frames, an integer from 1 to {frames}, and spacing,"
                " {spacings}",
                kind=kind,
                part=part,
                most=MOST_BANDS,
                frames=MOST_FRAMES,
                spacings=" or ".join(SPACINGS),
            )
    return found


def _number(kind: str, part: str, name: str, value: str) -> int:
    if name not in MOST:
        raise OptionError(
            "{part!r} is no parameter of the front end {kind} of {frontend}; it has"
            " filters=16, size=5, stride=2, cells=4 and shape=28x28",
            part=part,
            kind=kind,
        )
    if not re.fullmatch(r"[0-9]{1,4}", value) or not 1 <= int(value) <= MOST[name]:
        raise OptionError(
            "the front end {kind} of {frontend} has {part!r}, but {name} must be an integer from 1"
            " to {most}",
            kind=kind,
            part=part,
            name=name,
            most=MOST[name],
        )
    return int(value)
