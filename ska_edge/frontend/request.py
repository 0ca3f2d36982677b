"""Reads what a user says about a front end, such as "patches:filters=24,shape=28x28"."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.front import Front
from ska_edge.frontend.frontends import FRONTENDS, front_for
from ska_edge.frontend.parameter import Value, read_parameters
from ska_edge.frontend.patches import SHAPE
from ska_edge.plural import listed

IMAGES = "patches"  # the front end of images
AUTO = "auto"  # the training chooses the front end
NONE = "none"  # no front end: samples or pixels are the inputs
CHOICES = (*FRONTENDS, AUTO, NONE)
"""What a user can ask for; for `NONE`, there is no `FrontRequest`."""


@dataclass(frozen=True, slots=True)
class FrontRequest:
    """A front end that a user has asked for.

    Attributes:
        kind: its name in `FRONTENDS`; or `AUTO`, for the best of `candidates` or
            `image_candidates`.
        given: the names and values of the parameters that are given.
    """

    kind: str
    given: tuple[tuple[str, Value], ...] = ()

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
        if not colon:
            return cls(kind)
        if not rest.strip():
            raise OptionError(
                "{frontend} {given!r} has no parameters after its colon; leave the colon out",
                given=text,
            )
        parameters = FRONTENDS[kind].parameters if kind in FRONTENDS else ()
        return cls(kind, tuple(read_parameters(kind, rest, parameters).items()))

    def front(self, pixels: int) -> Front:
        """Return the front end of images with this number of pixels; its filters are not learned.

        Raises OptionError for another shape of an image, and InputError for filters that do not
        suit it.
        """
        given, side = dict(self.given), math.isqrt(pixels)
        shape = given.get(SHAPE, (side, side))
        assert isinstance(shape, tuple)
        rows, columns = shape
        if rows * columns != pixels:
            raise OptionError(
                "a row has {pixels} columns, which are no image of {rows}x{columns} pixels; give"
                " its shape, rows x columns, as {frontend} patches:shape=28x28",
                pixels=pixels,
                rows=rows,
                columns=columns,
            )
        return front_for(self.kind, rows, rows, [""] * columns, **given)

    def of_windows(self, length: int, hop: int, axes: Sequence[str]) -> Front:
        """Return the front end of windows with these axes, before anything of it is learned.

        Raises OptionError for a parameter that does not suit the windows, and InputError for
        windows that a device cannot have.
        """
        return front_for(self.kind, length, hop, axes, **dict(self.given))


def candidates(length: int, hop: int, axes: Sequence[str]) -> tuple[Front, ...]:
    """Return the front ends that suit windows with these axes, each with its default parameters.

    They have the order of `FRONTENDS`, and nothing of them is learned yet.
    """
    found = []
    for kind in FRONTENDS:
        if kind != IMAGES:
            with contextlib.suppress(InputError):
                found.append(front_for(kind, length, hop, axes))
    return tuple(found)


def image_candidates(pixels: int) -> tuple[Front, ...]:
    """Return the front ends that suit square images of this number of pixels; see `candidates`."""
    try:
        return (FrontRequest(IMAGES).front(pixels),)
    except InputError:
        return ()
