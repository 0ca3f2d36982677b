"""Does one training of a sweep and makes its record."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from importlib import metadata
from typing import Any

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.network.engine import EngineWarning
from ska_edge.training.option import AUTO
from ska_edge.training.options import OPTIONS, Options, flag
from ska_edge.training.settling import filled
from ska_edge.training.train import train

PACKAGE = "ska-edge"

# Runs on the same data differ in the options of `KEY`. A sweep takes lists of values for the
# options of `COLUMNS`. A row of its table is the mean over the seeds of one combination.
COLUMNS = tuple(name for name, each in OPTIONS.items() if each.listed)
KEY = (*COLUMNS, "epochs", "seed", "split")

Record = dict[str, Any]


def run(dataset: Dataset, options: Options) -> Record:
    """Train once; return the record of the training, ready for JSON.

    The record always has ``data_digest``, ``data`` (the name of the data), ``options`` (see
    `key_options`) and ``version`` (of ska-edge). After success, it also has ``accuracy`` as in
    `train.Trained`, ``parameters`` (their number) and ``digest`` (of the plan). After an
    InputError, it also has ``error``, the error sentence.
    """
    record: Record = {
        "data_digest": dataset.digest,
        "data": dataset.name,
        "options": key_options(dataset, options),
        "version": version(),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EngineWarning)  # the sweep warns once for all runs
            trained = train(dataset, options)
    except InputError as error:
        return {**record, "error": error.named(flag)}
    plan = trained.model.plan
    return {
        **record,
        "accuracy": trained.accuracy,
        "parameters": plan.parameter_count,
        "digest": plan.digest,
    }


def version() -> str:
    """Return the version of ska-edge."""
    return metadata.version(PACKAGE)


def key_options(dataset: Dataset, options: Options) -> dict[str, Any]:
    """Return the options of `KEY` for this training, including defaults, as JSON values.

    A front end that each training learns is one more option, because the data have its samples, and
    so the same digest as without it.
    """
    whole = filled(options, dataset.x.shape[1], len(dataset.labels))
    values = {name: getattr(whole, name) for name in KEY}
    values["hidden"] = list(values["hidden"])
    if options.may_try:
        values["rate"] = AUTO
        if options.hidden is None:
            values["hidden"] = AUTO
    front = dataset.front
    if front is not None and front.learns:
        values["frontend"] = json.loads(json.dumps(asdict(front)))
    return values


def key(data_digest: str, options: dict[str, Any]) -> str:
    """Return the key of a training: its data and its options."""
    return json.dumps([data_digest, options], sort_keys=True)
