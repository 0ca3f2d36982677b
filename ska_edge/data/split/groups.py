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
    """Return the groups to hold out, about `count`, drawn at random.

    Each class keeps rows to learn if possible, so fewer groups may be held out. The best of `DRAWS`
    draws is used: the draw whose groups have rows of most classes. If this draw lacks a class that
    several groups have, groups are also drawn class by class. Such a draw is used if its groups
    have more classes; it may have more than `count` groups. If every group has a class of its own,
    `count` groups are drawn without these conditions.
    """
    groups, table = contents(y, group)
    if not divisible(y, group):
        return groups[rng.permutation(len(groups))[:count]]
    best: list[int] = []
    most = -1
    for _ in range(DRAWS):
        drawn = _draw(table, rng.permutation(len(groups)), count)
        covered = _covered(table, drawn)
        if covered > most:
            best, most = drawn, covered
        if covered == len(table):
            break
    if most < np.count_nonzero((table > 0).sum(axis=1) > 1):
        draws = [_draw_by_class(table, rng.permutation(len(groups)), count) for _ in range(DRAWS)]
        other = max(draws, key=lambda drawn: (_covered(table, drawn), -len(drawn)))
        best = other if _covered(table, other) > most else best
    return groups[best]


def _covered(table: IntArray, drawn: list[int]) -> int:
    """Return the number of classes that the drawn groups have."""
    return int(np.count_nonzero(table[:, drawn].sum(axis=1)))


def _draw(table: IntArray, order: IntArray, count: int) -> list[int]:
    """Return up to `count` groups; a group is drawn if each class then still has rows to learn."""
    left = table.sum(axis=1)
    drawn: list[int] = []
    for index in order.tolist():
        if len(drawn) < count and (left > table[:, index]).all():
            left -= table[:, index]
            drawn.append(index)
    return drawn


def _draw_by_class(table: IntArray, order: IntArray, count: int) -> list[int]:
    """Return groups that each have a class of no group before them, and then others up to `count`.

    A group is drawn only if each class then still has rows to learn.
    """
    left, tested = table.sum(axis=1), np.zeros(len(table), dtype=bool)
    drawn: list[int] = []
    for more in (False, True):
        for index in order.tolist():
            own = table[:, index] > 0
            wanted = len(drawn) < count if more else bool((own & ~tested).any())
            if wanted and index not in drawn and (left > table[:, index]).all():
                left -= table[:, index]
                tested |= own
                drawn.append(index)
    return drawn
