"""Divides rows into training and test rows, and says how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.blocks import blocks, recorded_once
from ska_edge.data.split.groups import whole
from ska_edge.data.split.kind import choose, require
from ska_edge.data.split.order import in_time
from ska_edge.data.split.overlap import without_overlap
from ska_edge.data.split.plain import check_fraction, few, share, split
from ska_edge.data.split.rows import stratified
from ska_edge.errors import InputError, OptionError
from ska_edge.plural import SHOWN, counted, listed

IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]

FEW = 5  # a class with fewer rows is neither learned nor measured well


@dataclass(frozen=True, eq=False)
class Division:
    """Rows to learn and rows held out.

    Attributes:
        train, test: both shuffled by the seed, except for a stream, which keeps its order.
        kind: one of `kind.SPLITS`; None for a number of rows of each class, and for a stream.
        sentence: how the rows were split; "" if none is held out.
        cautions: sentences about rare classes, and about an accuracy that is too high, by a short
            name.
        left_out: number of rows in neither part, because they are beside a block or share samples
            with a learned window.
    """

    train: Dataset
    test: Dataset
    kind: str | None
    sentence: str
    cautions: dict[str, str]
    left_out: int = 0

    @property
    def parts(self) -> dict[str, Dataset]:
        """Both parts, by name."""
        return {"train": self.train, "test": self.test}

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "kind": self.kind,
            "train": len(self.train.y),
            "test": len(self.test.y),
            "left_out": self.left_out,
            "text": self.sentence,
        }


def divide(dataset: Dataset, fraction: float, seed: int, kind: str | None = None) -> Division:
    """Hold out about a fraction of the rows; with the kind "own", those that the data hold out.

    `kind` is one of `kind.SPLITS`, by default that of `choose`. The seed determines the rows and
    their order. If the fraction is 0, or if there is only one row, no row is held out.

    Raises InputError unless 0 <= fraction < 1, for data that cannot be split in this way, and if no
    row is left to learn.
    """
    check_fraction(fraction)
    cautions: dict[str, str] = {}
    why = ""
    if kind is None:
        kind, why = choose(dataset)
    elif kind == "random" and fraction > 0 and (reason := in_time(dataset)):
        cautions["random split"] = (
            f"{reason}, so test rows drawn at random are much like learned ones and the accuracy"
            " is too high; hold out blocks"
        )
    require(dataset, kind)
    if len(dataset.y) == 1:
        fraction = 0.0  # a single row is learned, not held out
    if kind == "plain" or fraction == 0:
        train, test = split(dataset, fraction, seed)
        left_out = 0
    else:
        train, test, left_out = _held_out(dataset, kind, fraction, seed)
    if kind == "blocked" and len(test.y):
        cautions.update(_once(dataset))
    cautions.update(_shared(train, test))
    sentence = _sentence(test, kind, fraction, why, left_out) if len(test.y) else ""
    cautions.update(_rare(dataset, train, test, kind))
    return Division(train, test, kind, sentence, cautions, left_out)


def divide_few(dataset: Dataset, per_class: int, seed: int) -> Division:
    """Learn `per_class` rows of each class, and hold out the others; see `plain.few`.

    Windows that share samples with a learned window are in neither part.
    """
    train, test = few(dataset, per_class, seed)
    test, shared = without_overlap(train, test)
    sentence = f"{counted(per_class, 'row')} of each class to learn; all others are test rows"
    if shared:
        sentence += f", except {shared} that share samples with a learned one"
    return Division(train, test, None, sentence, _rare(dataset, train, test), shared)


def divide_stream(dataset: Dataset, count: int) -> Division:
    """Learn the first `count` rows, and hold out all others; both parts keep the order of the data.

    Raises OptionError if no row is left for the second part, or if the rows are windows that share
    samples, because a window would be tested after most of its samples were learned.
    """
    rows = len(dataset.y)
    if dataset.layout is not None and dataset.layout.overlap:
        raise OptionError(
            "{prequential} tests a window before it is learned, so windows must not share samples;"
            " give {hop} at least {length}",
            length=dataset.layout.length,
        )
    if count >= rows:
        raise OptionError(
            "{prequential} is {count}, but '{name}' has only {rows} rows; the rows after the first"
            " {count} are the stream",
            count=count,
            name=dataset.name,
            rows=rows,
        )
    train, test = dataset.take(np.arange(count)), dataset.take(np.arange(count, rows))
    sentence = f"the first {counted(count, 'row')} to learn; the test rows follow them"
    return Division(train, test, None, sentence, _rare(dataset, train, test))


def _held_out(
    dataset: Dataset, kind: str, fraction: float, seed: int
) -> tuple[Dataset, Dataset, int]:
    """Return training rows, test rows, and the number of rows in neither part."""
    rng, count = np.random.default_rng(seed), len(dataset.y)
    gap = np.zeros(count, dtype=bool)
    if kind in ("group", "file"):
        tested = _of_groups(dataset, kind, fraction, rng)
        order = rng.permutation(count)
    elif kind == "blocked":
        share(dataset, fraction, count, "samples")
        overlap = 0 if dataset.layout is None else dataset.layout.overlap
        found = blocks(dataset.y, _sections(dataset), fraction, rng, overlap)
        tested, gap = found.tested, found.gap
        order = rng.permutation(count)
    else:
        order = rng.permutation(count)
        if dataset.tested is not None and kind == "own":
            tested = dataset.tested
        else:
            share(dataset, fraction, count, "samples")
            tested = stratified(dataset.y, order, fraction)
    if tested.all():
        raise InputError(f"'{dataset.name}' holds all its rows out, so none is left to learn")
    learned = ~(tested | gap)
    train, test = dataset.take(order[learned[order]]), dataset.take(order[tested[order]])
    test, shared = without_overlap(train, test)
    return train, test, int(np.count_nonzero(gap)) + shared


def _of_groups(dataset: Dataset, kind: str, fraction: float, rng: Generator) -> Mask:
    """Return which rows (n,) are held out, by whole groups or files."""
    group = dataset.group if kind == "group" else dataset.file
    assert group is not None
    groups = np.unique(group)
    if len(groups) == 1:
        raise OptionError(
            "'{name}' has only one {kind}, {only}, and a test holds out whole {kind}s; use a"
            " {test_fraction} of 0, another {split}, or data of more {kind}s",
            name=dataset.name,
            kind=kind,
            only=_name(dataset, kind, int(groups[0])),
        )
    drawn = whole(dataset.y, group, share(dataset, fraction, len(groups), f"{kind}s"), rng)
    return np.isin(group, drawn)


def _sections(dataset: Dataset) -> IntArray:
    """Return for each row a number (n,) that changes where another group or file begins."""
    section = np.zeros(len(dataset.y), dtype=np.int64)
    for group in (dataset.group, dataset.file):
        if group is not None:
            section[1:] += np.cumsum(np.diff(group) != 0)
    return section


def _sentence(test: Dataset, kind: str, fraction: float, why: str, left_out: int) -> str:
    because = f", because {why}" if why else ""
    group = test.file if kind == "file" else test.group
    if group is not None and kind in ("group", "file", "plain"):
        groups = [_name(test, kind, number) for number in np.unique(group).tolist()]
        noun = ("file" if kind == "file" else "group") + ("s" if len(groups) > 1 else "")
        more = f" and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
        return f"test rows are the {noun} {', '.join(groups[:SHOWN])}{more}"
    if kind == "blocked":
        gap = f"; {counted(left_out, 'row')} beside them are in neither part" if left_out else ""
        return f"test rows are blocks of neighboring rows{because}{gap}"
    if kind == "own":
        return "test rows are those that the data hold out"
    plain = kind == "plain" or test.targets is not None
    of = "the rows" if plain else "the rows of each class"
    return f"{100 * fraction:g}% of {of} are test rows, drawn at random"


def _name(dataset: Dataset, kind: str, number: int) -> str:
    return dataset.file_names[number] if kind == "file" else dataset.group_name(number)


def _once(dataset: Dataset) -> dict[str, str]:
    """Return a caution about classes in a single run."""
    once = recorded_once(dataset.y, _sections(dataset))
    if not len(once):
        return {}
    return {
        "one run": (
            f"{counted(len(once), 'class')} in a single run ({_listed(dataset, once)}): if it is a"
            " recording, test rows are much like learned ones and the accuracy is too high;"
            " record each class several times"
        )
    }


def _shared(train: Dataset, test: Dataset) -> dict[str, str]:
    """Return a caution if some of several groups have both learned and test rows."""
    if train.group is None or test.group is None:
        return {}
    shared = np.intersect1d(train.group, test.group)
    if not len(shared) or len(np.union1d(train.group, test.group)) == 1:
        return {}
    have = "has" if len(shared) == 1 else "have"
    return {
        "shared groups": (
            f"{counted(len(shared), 'group')} {have} both learned and test rows, which are much"
            " alike, so the accuracy is too high for new groups; split by group"
        )
    }


def _listed(dataset: Dataset, classes: IntArray) -> str:
    return listed([dataset.labels[at] for at in classes])


def _rare(
    dataset: Dataset, train: Dataset, test: Dataset, kind: str | None = None
) -> dict[str, str]:
    """Return cautions about classes with few rows in all data or none in a part."""
    if dataset.targets is not None:
        return {}
    counts, learned, tested = (
        np.bincount(part.y, minlength=dataset.classes) for part in (dataset, train, test)
    )
    found = {}
    rare = np.flatnonzero((counts > 0) & (counts < FEW))
    if len(rare):
        shown = listed([f"{dataset.labels[at]} ({counts[at]})" for at in rare], " ...")
        found["few rows"] = (
            f"{counted(len(rare), 'class')} with fewer than {FEW} rows: {shown}; collect more rows"
            " to learn and to measure them"
        )
    for sign, missing, lack in (
        ("not learned", learned == 0, "no row to learn"),
        ("not tested", tested == 0, "no test row, so its recall is unknown"),
    ):
        none = np.flatnonzero((counts > 0) & missing)
        if len(none) and len(test.y):
            found[sign] = (
                f"{counted(len(none), 'class')} with {lack}: {_listed(dataset, none)};"
                f" {_advice(dataset, kind)}"
            )
    return found


def _advice(dataset: Dataset, kind: str | None) -> str:
    """Return what to do about a class without rows in a part."""
    if kind == "own":
        return "add such rows to that part of the data, or choose another split (--split)"
    if kind in ("group", "file") or (kind == "plain" and dataset.group is not None):
        whole = "file" if kind == "file" else "group"
        return f"record such classes in several {whole}s, or hold out blocks (--split blocked)"
    if kind == "plain":
        return "collect more rows of such classes, or hold out rows of each (--split random)"
    return "collect more rows of such classes"
