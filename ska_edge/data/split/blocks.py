"""Holds out blocks of neighboring rows.

Neighbors in time are often much alike. If they were divided at random, a network would know many
test rows from neighbors that it has learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ska_edge.data.split.order import labels_run
from ska_edge.data.split.rows import held_out

IntArray = NDArray[np.int64]

DRAWS = 100
PIECES = 5  # a recording without runs has at most this many parts
# Runs have at least this many rows on average. If a recording has several parts, each has as many.
LEAST = 10
FEW_RUNS = 3  # with at most this many runs per class, runs may be shorter than LEAST
GAP = 10  # length of a block, divided by the length of the gap on each side


@dataclass(frozen=True, slots=True)
class Blocks:
    """Which rows (n,) are held out, and which rows (n,) are in a gap beside a block."""

    tested: NDArray[np.bool_]
    gap: NDArray[np.bool_]


def blocks(
    y: IntArray, section: IntArray, fraction: float, rng: Generator, overlap: int = 0
) -> Blocks:
    """Hold out about a fraction of the rows of each class, in blocks of neighboring rows.

    `section` (n,) has a number for each recording; a block is inside one recording. If the labels
    come in runs, and the runs are long or few, whole runs are held out, because all rows of a run
    may be alike. If a run would bring more than half of the rows of its class into the test, only a
    part of it is held out.

    If the labels do not come in such runs, each recording is divided into up to five parts, and
    each part has a block. If there is room, some rows on each side of a block, in the same run or
    part, are neither learned nor tested: at least `overlap` rows, the number of windows that share
    samples with a window.
    """
    starts = np.diff(section) != 0
    bounds = np.flatnonzero(starts | (np.diff(y) != 0)) + 1
    classes, runs = _classes(y), len(bounds) + 1
    if labels_run(y) and (runs * LEAST <= len(y) or runs <= FEW_RUNS * classes):
        return _in_runs(y, bounds, fraction, rng, overlap)
    best, most = _none(len(y)), -1
    for _ in range(DRAWS):
        found = _in_pieces(len(y), np.flatnonzero(starts) + 1, fraction, rng, overlap)
        covered = _classes(y[~(found.tested | found.gap)]), _classes(y[found.tested])
        if sum(covered) > most:
            best, most = found, sum(covered)
        if covered == (classes, classes):
            break
    return best


def recorded_once(y: IntArray, section: IntArray) -> IntArray:
    """Return the classes that come in a single run; none if the labels do not come in runs."""
    if not labels_run(y):
        return y[:0]
    begins = np.flatnonzero(np.append(True, (np.diff(y) != 0) | (np.diff(section) != 0)))
    classes, runs = np.unique(y[begins], return_counts=True)
    found: IntArray = classes[runs == 1]
    return found


def _classes(y: IntArray) -> int:
    return len(np.unique(y))


def _in_runs(
    y: IntArray, bounds: IntArray, fraction: float, rng: Generator, overlap: int
) -> Blocks:
    found = _none(len(y))
    runs = np.split(np.arange(len(y)), bounds)
    for index in np.unique(y):
        own = [run for run in runs if y[run[0]] == index]
        count = sum(map(len, own))
        wanted, taken = held_out(count, fraction), 0
        for at in rng.permutation(len(own)).tolist():
            run, missing = own[at], wanted - taken
            entire = 2 * (taken + len(run)) <= count
            if missing <= 0 or (entire and taken and 2 * missing < len(run)):
                break
            held = len(run) if entire else min(missing, len(run) - 1)
            taken += _hold(found, run, held, rng, overlap)
    return found


def _in_pieces(
    count: int, bounds: IntArray, fraction: float, rng: Generator, overlap: int
) -> Blocks:
    found = _none(count)
    for recording in np.split(np.arange(count), bounds):
        pieces = min(PIECES, max(len(recording) // LEAST, 1))
        for piece in np.array_split(recording, pieces):
            _hold(found, piece, held_out(len(piece), fraction), rng, overlap)
    return found


def _hold(found: Blocks, run: IntArray, count: int, rng: Generator, overlap: int) -> int:
    """Hold out `count` neighboring rows of a run, with a gap on both sides; return `count`."""
    first = int(rng.integers(len(run) - count + 1))
    last = first + count
    gap = min(max(round(count / GAP), overlap), max(len(run) - count - 1, 0) // 2)
    found.tested[run[first:last]] = True
    found.gap[run[max(first - gap, 0) : first]] = True
    found.gap[run[last : last + gap]] = True
    return count


def _none(count: int) -> Blocks:
    return Blocks(np.zeros(count, dtype=bool), np.zeros(count, dtype=bool))
