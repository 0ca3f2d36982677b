"""Describes the inputs of a model, so that data can be read for it."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.data.recordings.layout import Layout
from ska_edge.frontend.front import Front


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a model for which data are read: their number, and their names if known.

    `labeled` tells whether the data need labels. `targets` has the names of a regression's targets;
    it is empty for a model of classes. `layout` says how recordings are cut into windows; it is
    None for a model of rows. `front` computes features of the windows; it is None if the samples
    themselves are the inputs.
    """

    count: int
    names: tuple[str, ...] | None = None
    labeled: bool = True
    targets: tuple[str, ...] = ()
    layout: Layout | None = None
    front: Front | None = None
