"""`ska_edge.train`: the training options as typed keywords."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, TypeAlias

from ska_edge.data.source import Source, load_data
from ska_edge.progress import Progress, silent
from ska_edge.training.options import Options
from ska_edge.training.train import Trained
from ska_edge.training.train import train as train_model

PathLike: TypeAlias = "str | os.PathLike[str]"


def train(
    data: Source,
    *,
    rule: str | None = None,
    precision: str | None = None,
    hidden: int | Sequence[int] | None = None,
    epochs: int = 20,
    rate: float | None = None,
    decay: int = 0,
    batch: int | Literal["all"] | None = None,
    steps: int = 50,
    seed: int | None = None,
    arithmetic: str = "both",
    test_fraction: float | None = None,
    scale: str | None = None,
    stream_order: str = "iid",
    replay: int | None = None,
    replays: int | None = None,
    readout_only: bool | None = None,
    start: PathLike | None = None,
    group: int | None = None,
    per_class: int | None = None,
    init: PathLike | None = None,
    checkpoint: PathLike | None = None,
    log: PathLike | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a network in fixed point, beside its float twin.

    Args:
        data: a built-in name, a path, a Dataset, or arrays `(x, y)`; see `ska_edge.load_data`.
        rule: "local", "feedback", "code" or "published". Default: "local".
        precision: "w16a8", "w8a8" or "w32a16": bits of weights and activations. Default: "w16a8".
        hidden: width of the hidden layer, or the widths of several; () for none.
            Default: (64, 32).
        epochs: passes over the training rows.
        rate: learning rate; for the rule "published" the paper's eta. Default: about
            8 / features, at most 0.125; "published": 0.01.
        decay: how often the rate is halved, in equal parts of the epochs.
        batch: rows in one update. Default: 1, as a device learns; "published": all.
        steps: passes over the held batch, for the rule "published".
        seed: seed of the split, the initial weights, the order and all random numbers. Default: 0.
        arithmetic: train in "fixed" point, in "float", or "both".
        test_fraction: fraction of rows to hold out; whole groups if the data have groups.
            Default: 0.2; "published": 0.
        scale: scaling of the features: "standardize", "global" or "none".
            Default: "standardize"; "published": "none".
        stream_order: "iid" shuffles anew in every epoch, "as-is" keeps the order of the data,
            "blocked" takes one class after the other.
        replay: rows of each class to store and learn again. Default: 0.
        replays: stored rows to learn again with each new row. Default: 1.
        readout_only: only the output layer learns. Default: False.
        start: a model file, or its integer ONNX file, to continue from. The model keeps
            its rule, sizes, rate, batch, seed, replay and readout_only unless you name others.
        group: learn only from the rows of this group.
        per_class: learn from this many rows of each class; all others are test rows.
        init: npz file with W0, b0, W1, ... to start from.
        checkpoint: model file for what is learned so far; it is written twice a minute, and when
            Ctrl-C stops the training.
        log: JSONL file for the metrics of every update.
        progress: a function that is called now and then with (rows done, all rows).

    Returns:
        A Trained: `model`, `accuracy` (fractions, {"float" or "fixed": {"train", "test"}}), and
        the Datasets `train` and `test` that were used.

    Raises InputError for data or options that cannot work; the message names the option.

    Example: ``trained = ska_edge.train((x, y), hidden=16, epochs=10)``
    """
    named = dict(locals())  # first of all, when there is nothing but the arguments
    del named["data"], named["progress"]
    options = Options(**named)
    return train_model(load_data(data), options, progress or silent)
