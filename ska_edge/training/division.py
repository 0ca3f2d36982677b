"""Which rows are learned, and which are held out."""

from __future__ import annotations

import numpy as np

from ska_edge.data.dataset import Dataset, few, split
from ska_edge.model.model_file import Model
from ska_edge.training.options import Options

DECISIVE = ("seed", "test_fraction", "group", "per_class")  # options that decide which rows


def parts(dataset: Dataset, options: Options) -> tuple[Dataset, Dataset]:
    """(train, test) as settled options ask for: a group, a few of each class, or a share."""
    assert options.seed is not None and options.test_fraction is not None
    if options.group is not None:
        dataset = dataset.of_group(options.group)
    if options.per_class is not None:
        return few(dataset, options.per_class, options.seed)
    return split(dataset, options.test_fraction, options.seed)


def parts_of(model: Model, dataset: Dataset) -> dict[str, Dataset]:
    """The split that the model was trained with when this is its data; else all of it is test."""
    notes = model.notes
    if notes.get("data_digest") == dataset.digest:
        train, test = parts(dataset, Options(**{name: notes[name] for name in DECISIVE}))
        return {"train": train, "test": test}
    return {"train": dataset.take(np.array([], dtype=np.int64)), "test": dataset}
