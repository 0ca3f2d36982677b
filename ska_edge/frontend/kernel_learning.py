"""Learns kernels from windows without labels: they are random, and their biases are outputs.

The seed of the training determines the dilations, the axes and the taps of the kernels. The bias of
a kernel is its output at a random place of a random window, so it is a random quantile of the
outputs. Everything is computed with integers, and with random integers of numpy, so every computer
learns the same kernels.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.arithmetic.numpy_ops import NumpyOps, stored
from ska_edge.frontend.front import CHOSEN, TAPS, Front, KernelGroup, Kernels
from ska_edge.frontend.kernels import kernels_of, longest_dilation, output

GROUP = 8  # kernels with the same dilation and axes, at most
MOST_AXES = 9  # that a kernel adds
STREAM = 4  # of the random numbers of a training's seed
SUM = QFormat(32, 0)  # of samples
TRIPLES = tuple(combinations(range(TAPS), CHOSEN))


def learned_kernels(front: Front, windows: NDArray[np.int16], seed: int) -> Kernels:
    """Return the kernels of a front end, learned from windows (n, length, axes), n >= 1."""
    kernels = kernels_of(front)
    rng = np.random.default_rng([seed, STREAM])
    firsts = [*range(0, kernels.count, GROUP), kernels.count]
    groups = tuple(_group(front, windows, after - first, rng) for first, after in pairwise(firsts))
    return replace(kernels, groups=groups)


def _group(
    front: Front, windows: NDArray[np.int16], count: int, rng: np.random.Generator
) -> KernelGroup:
    dilation = _few(rng, longest_dilation(front))
    added = _few(rng, min(front.axes, MOST_AXES))
    axes = np.sort(rng.permutation(front.axes)[:added])
    chosen = np.array(TRIPLES)[rng.permutation(len(TRIPLES))[:count]]
    rows = rng.integers(len(windows), size=count)
    first = rng.integers(front.length - (TAPS - 1) * dilation, size=count)
    samples = windows[rows[:, None], first[:, None] + dilation * np.arange(TAPS)]
    taps = samples[:, :, axes].astype(np.int64).sum(axis=2)
    ops = NumpyOps()
    weighted = [*np.take_along_axis(taps, chosen, axis=1).T, taps.sum(axis=1)]
    biases = output(*(stored(ops, each, SUM) for each in weighted)).data
    return KernelGroup(
        dilation, tuple(axes.tolist()), tuple(chosen.ravel().tolist()), tuple(biases.tolist())
    )


def _few(rng: np.random.Generator, most: int) -> int:
    """Return a random integer from 1 to `most`, with a random number of bits."""
    least = 2 ** int(rng.integers(most.bit_length()))
    return int(rng.integers(least, min(2 * least, most + 1)))
