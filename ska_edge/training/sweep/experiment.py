"""One training of a sweep, and the record that is kept of it."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.training.options import OPTIONS, Options
from ska_edge.training.train import train

PACKAGE = "ska-edge"

# The options that make two runs on the same data different runs: first those that a row of the
# table is for, of which a sweep takes lists, then what a row sums up.
COLUMNS = tuple(name for name, each in OPTIONS.items() if each.listed)
KEY = (*COLUMNS, "epochs", "seed")

Record = dict[str, Any]


def run(dataset: Dataset, options: Options) -> Record:
    """Train once; what is kept of it, ready for JSON.

    Always ``data_digest``, ``data`` (its name), ``options`` (those of `KEY`) and ``version`` (of
    ska-edge). When it worked ``accuracy`` as in `training.Trained`, ``parameters`` and ``digest``
    (of the plan); after an InputError its sentence as ``error``.
    """
    record: Record = {
        "data_digest": dataset.digest,
        "data": dataset.name,
        "options": key_options(dataset, options),
        "version": version(),
    }
    try:
        trained = train(dataset, options)
    except InputError as error:
        return {**record, "error": str(error)}
    plan = trained.model.plan
    return {
        **record,
        "accuracy": trained.accuracy,
        "parameters": plan.parameter_count,
        "digest": plan.digest,
    }


def version() -> str:
    """That of ska-edge."""
    return metadata.version(PACKAGE)


def key_options(dataset: Dataset, options: Options) -> dict[str, Any]:
    """The options of `KEY` for this training, defaults in their place, as JSON gives them back."""
    filled = options.filled(dataset.x.shape[1])
    values = {name: getattr(filled, name) for name in KEY}
    return {**values, "hidden": list(values["hidden"])}


def key(data_digest: str, options: dict[str, Any]) -> str:
    """What names a training: the data and its options."""
    return json.dumps([data_digest, options], sort_keys=True)
