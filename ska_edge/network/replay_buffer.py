"""The replay buffer: a few stored samples of every class, learned again against forgetting.

All random numbers depend only on the plan's seed and a counter, so a device stores and replays the
same samples (`runtime/ska.c`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic import random_words
from ska_edge.plan.plan import MOST_SEEN, Plan


class ReplayBuffer:
    """Reservoirs of equal size, one per class, with equal probability for all samples of a class.

    Args:
        plan: classes, sizes and seed.
        width: integers per sample: its inputs, or only its number.

    Attributes:
        samples: (classes, per_class, width).
        seen: (classes,), samples of each class so far; it stops at `MOST_SEEN`.
        drawn: number of random words used.
    """

    def __init__(self, plan: Plan, width: int) -> None:
        shape = (plan.classes, plan.replay.per_class, width)
        self.samples = np.zeros(shape, dtype=np.int64)
        self.seen = np.zeros(plan.classes, dtype=np.int64)
        self.drawn = 0
        self._key = random_words.key(plan.seed, random_words.REPLAY)

    @property
    def held(self) -> NDArray[np.int64]:
        """Number of stored samples of each class, (classes,)."""
        return np.minimum(self.seen, self.samples.shape[1])

    def _below(self, limit: int) -> int:
        number = random_words.below(self._key, self.drawn, limit)
        self.drawn = (self.drawn + 1) & random_words.MASK
        return number

    def draw(self) -> tuple[NDArray[np.int64], int] | None:
        """A random stored sample, (width,) and label; None while the buffer is empty."""
        held = self.held
        if not held.any():
            return None
        place = self._below(int(held.sum()))
        label = int(np.searchsorted(held.cumsum(), place, side="right"))
        return self.samples[label, place - int(held[:label].sum())], label

    def remember(self, sample: NDArray[np.integer], label: int) -> None:
        """Store a new sample, (width,), with the same probability as all samples of its class."""
        seen, size = int(self.seen[label]), self.samples.shape[1]
        slot = seen if seen < size else self._below(seen + 1)
        if slot < size:
            self.samples[label, slot] = sample
        self.seen[label] = min(seen + 1, MOST_SEEN)
