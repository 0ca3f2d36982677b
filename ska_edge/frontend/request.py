"""Reads what a user says about a front end, such as "patches:filters=24,shape=28x28"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from ska_edge.errors import OptionError
from ska_edge.frontend.front import Filters, Front
from ska_edge.frontend.frontends import FRONTENDS, check_front
from ska_edge.plural import listed

IMAGES = "patches"  # the front end of images
SHAPE = "shape"
NUMBERS = ("filters", "size", "stride", "cells")


@dataclass(frozen=True, slots=True)
class FrontRequest:
    """A front end that a user has asked for.

    Attributes:
        kind: its name in `FRONTENDS`.
        filters: for images: the filters, which are not yet learned; None for recordings.
        shape: rows and columns of an image; None if it is square.
    """

    kind: str
    filters: Filters | None = None
    shape: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> FrontRequest:
        """Read a name, which may have a colon and parameters after it.

        Raises OptionError for an unknown name, and for parameters that the front end lacks.
        """
        kind, _, rest = text.partition(":")
        if kind not in FRONTENDS:
            raise OptionError(
                f"{{frontend}} is {{given!r}}, but must be one of {listed(tuple(FRONTENDS))}",
                given=kind,
            )
        if kind != IMAGES:
            if rest:
                raise OptionError("the front end {kind} of {frontend} has no parameters", kind=kind)
            return cls(kind)
        found = cls(kind, Filters())
        for part in rest.split(",") if rest else ():
            found = found._with(part)
        return found

    def _with(self, part: str) -> FrontRequest:
        """Return the request with one more parameter, such as "size=5"."""
        name, _, value = part.partition("=")
        name = name.strip()
        known = {**dict.fromkeys(NUMBERS, r"[0-9]{1,4}"), SHAPE: r"[0-9]{1,4}x[0-9]{1,4}"}
        if name not in known or not re.fullmatch(known[name], value.strip()):
            raise OptionError(
                "{part!r} is no parameter of the front end {kind} of {frontend}; it has"
                " filters=16, size=5, stride=2, cells=4 and shape=28x28",
                part=part,
                kind=self.kind,
            )
        if name == SHAPE:
            rows, columns = map(int, value.split("x"))
            return replace(self, shape=(rows, columns))
        assert self.filters is not None
        number = int(value)
        filters = {
            "filters": replace(self.filters, count=number),
            "size": replace(self.filters, size=number),
            "stride": replace(self.filters, stride=number),
            "cells": replace(self.filters, cells=number),
        }
        return replace(self, filters=filters[name])

    def front(self, pixels: int) -> Front:
        """Return the front end of images with this number of pixels; its filters are not learned.

        Raises OptionError for another shape of an image, and InputError for filters that do not
        suit it.
        """
        assert self.filters is not None
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
        front = Front(self.kind, rows, rows, columns, filters=self.filters)
        check_front(front)
        return front
