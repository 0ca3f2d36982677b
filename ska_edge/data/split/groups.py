"""Holds out whole groups, such as persons or files."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

DRAWS = 100


def contents(y: IntArray, group: IntArray) -> tuple[IntArray, IntArray]:
    """Return the groups that occur, and a table (classes, groups).

    The table has the number of rows of each class in each group.
    """
    groups, index = np.unique(group, return_inverse=True)
    classes, row = np.unique(y, return_inverse=True)
    table = np.zeros((len(classes), len(groups)), dtype=np.int64)
    np.add.at(table, (row, index), 1)
    return groups, table


def divisible(y: IntArray, group: IntArray) -> bool:
    """Tell whether a group can be held out such that each class still has rows to learn."""
    _, table = contents(y, group)
    alone = (table > 0).sum(axis=1) == 1
    return bool(table.shape[1] > 1 and not (table[alone] > 0).any(axis=0).all())


def whole(y: IntArray, group: IntArray, count: int, rng: Generator) -> IntArray:
    """Return the groups to hold out, at most `count`, drawn at random.

    Each class keeps rows to learn if possible, so fewer groups may be held out. The best of `DRAWS`
    draws is used: the draw with rows of most classes in the held-out groups. If every group has a
    class of its own, `count` groups are drawn without these conditions.
    """
    groups, table = contents(y, group)
    if not divisible(y, group):
        return groups[rng.permutation(len(groups))[:count]]
    best, most = groups[:0], -1
    for _ in range(DRAWS):
        drawn = _draw(table, rng.permutation(len(groups)), count)
        covered = int((table[:, drawn].sum(axis=1) > 0).sum())
        if covered > most:
            best, most = groups[drawn], covered
        if covered == len(table):
            break
    return best


def _draw(table: IntArray, order: IntArray, count: int) -> list[int]:
    """Return up to `count` groups; a group is drawn if each class then still has rows to learn."""
    left = table.sum(axis=1)
    drawn: list[int] = []
    for index in order.tolist():
        if len(drawn) < count and (left > table[:, index]).all():
            left -= table[:, index]
            drawn.append(index)
    return drawn
