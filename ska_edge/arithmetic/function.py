"""Describes functions on `Fixed` that become C functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a `FixedFunction`: its name, its fraction and its range of integers."""

    name: str
    frac: int
    lo: int
    hi: int

    @classmethod
    def of(cls, name: str, format: QFormat) -> Argument:
        """Return an argument that is stored in `format`."""
        return cls(name, format.frac, format.minimum, format.maximum)


@dataclass(frozen=True, slots=True)
class FixedFunction:
    """A function of single numbers: its name, a summary, its arguments, and its body on `Fixed`.

    The body must hold for all values of the arguments, in any combination.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    body: Callable[..., Fixed[Any]]
