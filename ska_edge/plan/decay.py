"""Describes how a device's rate falls with the samples that it has learned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decay:
    """The rate halves after every `samples` samples, `times` times; both are 0 for a constant rate.

    The samples are those that the device has learned itself, as `State.samples` counts them.
    """

    times: int = 0
    samples: int = 0

    def halvings(self, samples: int) -> int:
        """Return how many times the rate has halved after this many samples."""
        return min(samples // self.samples, self.times) if self.times else 0
