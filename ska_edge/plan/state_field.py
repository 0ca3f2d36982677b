"""Describes the fields of the state, which are the first members of `ska_t`."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StateField:
    """A member of `ska_t`, in the memory of a device: a number or an array.

    `kind` is numpy's name of the element type. `axes` are the name and length of each axis; C calls
    the length of the axis "inputs" SKA_INPUTS. `note` is the comment in the generated C.
    """

    name: str
    kind: str
    axes: tuple[tuple[str, int], ...] = ()
    note: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis; () for a single number."""
        return tuple(length for _, length in self.axes)

    @property
    def count(self) -> int:
        """Number of elements of the field."""
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        """Bytes of an element."""
        return int(self.kind[-1])

    @property
    def size(self) -> int:
        """Bytes of the field."""
        return self.count * self.width
