"""Stores a few samples of every class, which a network learns again, so that it forgets less.

All random numbers depend only on the plan's seed and on a counter, so a device (`runtime/ska.c`)
stores and replays the same samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic import random_words
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import FIFO


class ReplayBuffer:
    """Stores at most a fixed number of samples of each class.

    `Replay` describes the two kinds of buffers.

    Args:
        plan: the plan with the classes, the sizes of the buffer and the seed.
        width: integers per sample: the number of inputs, or 1 if only the number of a sample is
            stored.

    Attributes:
        samples: (classes, per_class, width).
        seen: (classes,), samples of each class so far; see `Replay.most_seen`.
        drawn: number of random words used.
    """

    def __init__(self, plan: Plan, width: int) -> None:
        shape = (plan.classes, plan.replay.per_class, width)
        self.samples = np.zeros(shape, dtype=np.int64)
        self.seen = np.zeros(plan.classes, dtype=np.int64)
        self.drawn = 0
        self._replay = plan.replay
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
        """Return a random stored sample, (width,), and its label; None if the buffer is empty."""
        held = self.held
        if not held.any():
            return None
        place = self._below(int(held.sum()))
        label = int(np.searchsorted(held.cumsum(), place, side="right"))
        return self.samples[label, place - int(held[:label].sum())], label

    def remember(self, sample: NDArray[np.integer], label: int) -> None:
        """Count a new sample, (width,), and store it if the class has a free place.

        A full FIFO replaces its oldest sample. A full reservoir replaces a random sample, or none.
        """
        seen, size = int(self.seen[label]), self.samples.shape[1]
        if seen < size:
            slot = seen
        else:
            slot = seen - size if self._replay.kind == FIFO else self._below(seen + 1)
        if slot < size:
            self.samples[label, slot] = sample
        self.seen[label] = (
            seen + 1 if seen < self._replay.most_seen else self._replay.after_most_seen
        )
