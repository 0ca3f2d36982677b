"""Divides data into rows to learn and held-out rows, as the options or a model's notes say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.division import Division, divide, divide_few, divide_stream
from ska_edge.data.split.kind import choose
from ska_edge.model.model_file import Model
from ska_edge.plural import counted
from ska_edge.training.options import OPTIONS, Options

# The options that determine which rows are learned.
DECISIVE = ("seed", *(name for name, each in OPTIONS.items() if each.divides))


def parts(dataset: Dataset, options: Options, base: Model | None = None) -> Division:
    """Divide all rows, or the rows of one group, into a part to learn and a part to hold out.

    If the continued model `base` has learned the same data, its kind of split is used unless the
    options name another kind. A caution says if test rows were learned before. The rows of one
    group are split like data without groups. Raises InputError if the data cannot be divided so.
    """
    own = None if base is None else parts_of(base, dataset)
    kind = options.split
    if kind is None and own is not None:
        kind = own.kind
    assert options.seed is not None and options.test_fraction is not None
    if options.group is not None:
        dataset = dataset.of_group(options.group)
        if options.split is None:
            kind, _ = choose(replace(dataset, group=None, default_split=""))
    if options.prequential is not None:
        found = divide_stream(dataset, options.prequential)
    elif options.per_class is not None:
        found = divide_few(dataset, options.per_class, options.seed)
    else:
        found = divide(dataset, options.test_fraction, options.seed, kind)
    if base is None or own is None:
        return found
    # Options that choose other rows to learn cannot keep the split of the model.
    chosen = options.group, options.per_class
    keeps = chosen == (base.notes.get("group"), base.notes.get("per_class"))
    advice = (
        "keep its split, test fraction and seed"
        if keeps
        else "measure it on rows that the model has not learned"
    )
    return replace(found, cautions=found.cautions | _learned(found, own, advice))


def _learned(found: Division, own: Division, advice: str) -> dict[str, str]:
    """Return a caution if a split tests rows that a continued model learned in its `own` split."""
    tested, learned = found.test.places, own.train.places
    count = 0 if tested is None or learned is None else int(np.isin(tested, learned).sum())
    if not count:
        return {}
    return {
        "learned before": (
            f"{count} of {counted(len(found.test.y), 'test row')} were learned by the continued"
            f" model, so the accuracy is too high; {advice}"
        )
    }


def repeated(dataset: Dataset, options: Options, base: Model) -> Options:
    """Return the options with the test fraction of a continued model, if it learned these data."""
    fraction = base.notes.get("test_fraction")
    if _digest(base) != dataset.digest or fraction is None or options.per_class is not None:
        return options
    return replace(options, test_fraction=fraction)


def parts_of(model: Model, dataset: Dataset, group: str | None = None) -> Division | None:
    """Return the parts of a model's training data, or the rows of one group in these parts.

    Returns None for other data, and for a group without rows in either part.
    """
    if _digest(model) != dataset.digest:
        return None
    options = {name: model.notes[name] for name in DECISIVE if name in model.notes}
    found = parts(dataset, Options(**{**options, "split": _split(model)}))
    if group is None:
        return found
    # A group is taken from the parts, because a split of its rows alone would be another one.
    wanted = dataset.of_group(group).places
    train, test = (_among(part, wanted) for part in (found.train, found.test))
    if not len(train.y) + len(test.y):
        return None
    return replace(found, train=train, test=test)


def unknown_because(model: Model, dataset: Dataset) -> str:
    """Return a sentence that says why it is unknown which of these rows the model has learned."""
    digest = _digest(model)
    if digest is None:
        why = "the model does not note which data it has learned"
    elif digest == dataset.digest:
        why = "the last training of the model took none of these rows, but an earlier one may have"
    else:
        name = model.notes.get("data")
        why = (
            f"these are not exactly the data that the model was trained on ({name!r:.80}), so its"
            " split cannot be repeated"
        )
    return f"{why}; this is a test only if the model has learned none of these rows"


def lacks_groups(model: Model, dataset: Dataset) -> bool:
    """Tell whether a model's data were split by groups, but these data have none."""
    return model.notes.get("split") == "group" and dataset.group is None


def _among(part: Dataset, places: NDArray[np.int64] | None) -> Dataset:
    """Return the rows of a part that have one of these places in the original data."""
    assert places is not None and part.places is not None
    return part.take(np.isin(part.places, places))


def _digest(model: Model) -> str | None:
    """Return the digest of a model's training data; None if it is unknown."""
    digest = model.notes.get("data_digest")
    return digest if isinstance(digest, str) else None


def _split(model: Model) -> str | None:
    """Return the kind of a model's split; None if it learned a number of rows of each class.

    A model of an earlier version has no note about its split, which was plain.
    """
    if model.notes.get("per_class") is not None or model.notes.get("prequential") is not None:
        return None
    kind: str | None = model.notes.get("split", "plain")
    return kind
