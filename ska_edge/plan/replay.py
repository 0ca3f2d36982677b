"""Describes a replay buffer."""

from __future__ import annotations

from dataclasses import dataclass

# A reservoir counts the samples of a class up to this; `random_words.below` gets the count + 1.
MOST_SEEN = 65534
BUFFERS = RESERVOIR, FIFO = "reservoir", "fifo"


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay buffer: stored samples per class, replayed samples per new sample, and its kind.

    Both sizes are 0 without a replay buffer. A reservoir stores each of the first `MOST_SEEN`
    samples of a class with the same probability. A FIFO stores the last samples of a class.
    """

    per_class: int = 0
    per_sample: int = 0
    kind: str = RESERVOIR

    @property
    def most_seen(self) -> int:
        """The largest count of a class."""
        return 2 * self.per_class - 1 if self.kind == FIFO else MOST_SEEN

    @property
    def after_most_seen(self) -> int:
        """The count after `most_seen`.

        A reservoir's count stops. In a full FIFO, the count minus `per_class` is the place of the
        oldest sample, so the count goes back to `per_class` after the last place.
        """
        return self.per_class if self.kind == FIFO else MOST_SEEN
