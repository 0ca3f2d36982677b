"""Says what inputs a model takes, so that data can be read for it."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.data.recordings.layout import Layout
from ska_edge.frontend.front import Front


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a model for which data are read: their number, and their names if known.

    `labeled` tells whether the data need labels. `targets` are the names of a regression's targets;
    they are empty for a model of classes. `layout` says how its inputs are windows of recordings;
    it is None for a model of rows. `front` computes features of these windows; it is None if the
    inputs are their samples.
    """

    count: int
    names: tuple[str, ...] | None = None
    labeled: bool = True
    targets: tuple[str, ...] = ()
    layout: Layout | None = None
    front: Front | None = None
