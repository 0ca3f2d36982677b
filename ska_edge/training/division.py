"""Divides data into rows to learn and held-out rows."""

from __future__ import annotations

import numpy as np

from ska_edge.data.dataset import Dataset, few, split
from ska_edge.model.model_file import Model
from ska_edge.training.options import OPTIONS, Options

# The options that determine which rows are learned.
DECISIVE = ("seed", *(name for name, each in OPTIONS.items() if each.divides))


def parts(dataset: Dataset, options: Options) -> tuple[Dataset, Dataset]:
    """Divide one group or all rows into (train, test): by a number per class, or by a fraction."""
    assert options.seed is not None and options.test_fraction is not None
    if options.group is not None:
        dataset = dataset.of_group(options.group)
    if options.per_class is not None:
        return few(dataset, options.per_class, options.seed)
    return split(dataset, options.test_fraction, options.seed)


def parts_of(model: Model, dataset: Dataset) -> dict[str, Dataset]:
    """Return the parts of a model's training data, by name; other data are all test rows."""
    notes = model.notes
    if notes.get("data_digest") == dataset.digest:
        train, test = parts(dataset, Options(**{name: notes[name] for name in DECISIVE}))
        return {"train": train, "test": test}
    return {"train": dataset.take(np.array([], dtype=np.int64)), "test": dataset}
