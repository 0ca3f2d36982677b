"""Divides data into rows to learn and held-out rows, as the options or a model's notes say."""

from __future__ import annotations

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.division import Division, divide, divide_few
from ska_edge.model.model_file import Model
from ska_edge.training.options import OPTIONS, Options

# The options that determine which rows are learned.
DECISIVE = ("seed", *(name for name, each in OPTIONS.items() if each.divides))


def parts(dataset: Dataset, options: Options, base: Model | None = None) -> Division:
    """Divide one group or all rows: by a number of rows per class, or by a fraction.

    If `base`, a continued model, has learned the same data, its split is repeated, because another
    one would test learned rows.
    """
    kind = options.split
    if kind is None and base is not None and _digest(base) == dataset.digest:
        kind = _split(base)
    assert options.seed is not None and options.test_fraction is not None
    if options.group is not None:
        dataset = dataset.of_group(options.group)
    if options.per_class is not None:
        return divide_few(dataset, options.per_class, options.seed)
    return divide(dataset, options.test_fraction, options.seed, kind)


def parts_of(model: Model, dataset: Dataset) -> Division | None:
    """Return the parts of a model's training data; None for other data."""
    if _digest(model) != dataset.digest:
        return None
    options = {name: model.notes[name] for name in DECISIVE if name in model.notes}
    return parts(dataset, Options(**{**options, "split": _split(model)}))


def _digest(model: Model) -> str | None:
    """Return the digest of a model's training data; None if it is unknown."""
    digest = model.notes.get("data_digest")
    return digest if isinstance(digest, str) else None


def _split(model: Model) -> str | None:
    """Return the kind of a model's split; None if it learned a number of rows of each class.

    A model of an earlier version has no note about its split, which was plain.
    """
    if model.notes.get("per_class") is not None:
        return None
    kind: str | None = model.notes.get("split", "plain")
    return kind
