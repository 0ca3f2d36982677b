"""Chooses the rows that a device learns, their order, and a few rows that it only classifies.

A device learns each row once. Rows that come class by class can make it forget the classes that
came first, so rows are shuffled unless the caller insists on their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.split.overlap import overlapping
from ska_edge.errors import OptionError
from ska_edge.plural import counted

ORDERS = ("shuffled", "as-is")

ADVICE = (
    "a device forgets a class that it no longer sees, so mix rows of all classes, or train a model"
    " with a replay buffer ({stored})"
)
"""What to do against rows that come class after class, with names of options in braces."""
SMALLER_RATE = "learn with a smaller rate ({halve_rate})"

# A tenth of the rows, at most `MOST` (or `PER_CLASS` per class, if that is more), is enough to see
# a class being forgotten. If there are fewer than `FEWEST` rows, all are learned.
SHARE, MOST, PER_CLASS, FEWEST = 10, 30, 3, 100

# Two neighbors in shuffled rows differ in class about as often as two rows drawn at random. If
# neighbors differ less than a quarter as often, the rows come class by class. With fewer than
# `RARE` expected changes of the class, nothing is concluded, because chance decides.
SELDOM, RARE = 4, 4


@dataclass(frozen=True, slots=True)
class Lesson:
    """Rows for one device.

    Attributes:
        inputs, labels: the rows to learn, (n, d) and (n,), in the order in which they are sent; for
            a regression, labels are targets (n, classes).
        held_inputs, held_labels: the rows that the device only classifies, (m, d) and (m,).
        order, seed: one of `ORDERS`, and the seed that shuffled the rows.
        names: the names of the device's outputs; without any, those of its plan.
    """

    inputs: NDArray[np.integer]
    labels: NDArray[np.int64]
    held_inputs: NDArray[np.integer]
    held_labels: NDArray[np.int64]
    order: str
    seed: int
    names: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that identify the rows to learn and their order."""
        digest = hashlib.sha256(f"{self.inputs.shape}".encode())
        for array in (self.inputs, self.labels):
            digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return digest.hexdigest()[:16]

    def share(self, number: int, count: int) -> Lesson:
        """Return the share of device `number` of `count`: every `count`-th row to learn."""
        rows = slice(number, None, count)
        return replace(self, inputs=self.inputs[rows], labels=self.labels[rows])


def prepare(
    inputs: NDArray[np.integer],
    labels: NDArray[np.int64],
    *,
    samples: int | None,
    order: str,
    seed: int,
    hold_out: int | None,
    names: tuple[str, ...] = (),
    starts: NDArray[np.int64] | None = None,
    length: int = 0,
) -> Lesson:
    """Choose the rows to learn and the rows to hold out.

    A window that is learned shares no sample with one that is held out.

    Args:
        inputs, labels: all rows, (n, d) and (n,); for a regression, targets (n, classes).
        samples: how many rows to learn; None for all that are not held out.
        order: one of `ORDERS`.
        seed: seed of the shuffled order, and of the choice of held-out rows.
        hold_out: how many rows to hold out; None for the default. If `samples` is given, they are
            taken from the remaining rows.
        names: the names of the device's outputs; without any, those of its plan.
        starts, length: for windows of recordings, the first sample of each, (n,), and how many
            samples a window has.

    Raises OptionError if `hold_out` leaves no row to learn, if too few rows are left over, or if
    rows are held out for a regression.
    """
    rows = np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(rows)
    if order == "shuffled":
        rows = shuffled
    learned = rows if samples is None else rows[:samples]
    spare = shuffled[np.isin(shuffled, learned, invert=samples is not None)]
    if labels.ndim > 1:  # a device that learns a regression classifies nothing
        if hold_out:
            raise OptionError("a regression has no classes; leave {hold_out} out")
        return Lesson(inputs[learned], labels[learned], inputs[:0], labels[:0], order, seed)
    if starts is not None and samples is not None:
        spare = spare[~overlapping(starts[spare], starts[learned], length)]
    held = _held(labels, spare, _size(labels, len(spare), samples, hold_out))
    learned = learned[~np.isin(learned, held)]
    if starts is not None:
        learned = learned[~overlapping(starts[learned], starts[held], length)]
        if not len(learned):
            raise OptionError(
                "{hold_out} leaves no window to learn, because windows that share samples with"
                " those that are held out are not learned; hold out fewer"
            )
    return Lesson(inputs[learned], labels[learned], inputs[held], labels[held], order, seed, names)


def _size(labels: NDArray[np.int64], spare: int, samples: int | None, hold_out: int | None) -> int:
    if hold_out is None:
        most = max(MOST, PER_CLASS * len(np.unique(labels)))
        if samples is not None:
            return min(most, spare)
        return min(most, spare // SHARE) if spare >= FEWEST else 0
    least = 1 if samples is None else 0  # rows that stay to be learned
    if hold_out > spare - least:
        left = "DATA has" if least else "{samples} leaves"
        raise OptionError(f"{{hold_out}} is {hold_out}, but {left} only {counted(spare, 'row')}")
    return hold_out


def _held(labels: NDArray[np.int64], spare: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return `count` of the `spare` rows: the first of each class, then the second, and so on."""
    turns = np.empty(len(spare), dtype=np.int64)  # the number of each row within its class
    for label in np.unique(labels[spare]):
        of_class = labels[spare] == label
        turns[of_class] = np.arange(np.count_nonzero(of_class))
    return spare[np.argsort(turns, kind="stable")[:count]]


def recall_advice(order: str, stored: bool) -> str:
    """Return what to do if a device forgets a class, with names of options in braces.

    Args:
        order: the order of the rows, one of `ORDERS`; "" if it is not known.
        stored: whether the device has a replay buffer.
    """
    if stored:
        return SMALLER_RATE
    if order == "shuffled":
        return (
            "a device can forget a class while it learns others, so train a model with a replay"
            f" buffer ({{stored}}), or {SMALLER_RATE}"
        )
    return ADVICE


def class_order(labels: NDArray[np.integer], names: Sequence[str]) -> str:
    """Return a clause about rows that come class by class or are of one class; "" for others.

    Args:
        labels: class indices (n,), in the order in which the device learns them.
        names: the names of the classes.
    """
    if len(labels) <= RARE or len(names) < 2:
        return ""
    shares = np.bincount(labels, minlength=len(names)) / len(labels)
    if shares.max() == 1:
        return f"all rows are of the class '{names[int(labels[0])]}'"
    expected = (len(labels) - 1) * (1 - float((shares**2).sum()))
    changes = int(np.count_nonzero(np.diff(labels)))
    if expected < RARE or changes * SELDOM >= expected:
        return ""
    return f"{len(labels)} rows come class after class, in {counted(changes + 1, 'block')}"


def stretches(first: int, rows: int, *lengths: int | None) -> Iterator[tuple[int, int]]:
    """Divide the rows from `first` on at the multiples of each length; yield (start, end)."""
    while first < rows:
        ends = [(first // length + 1) * length for length in lengths if length is not None]
        end = min([rows, *ends])
        yield first, end
        first = end
