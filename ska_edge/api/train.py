"""Defines `ska_edge.train`, whose typed keywords `make golden` writes from the options."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Literal, TypeAlias

from ska_edge.data.load import load, reads_windows
from ska_edge.data.source import Source, load_data, takes_one
from ska_edge.model.open import cuts_windows, open_start, task_of
from ska_edge.progress import Progress, silent
from ska_edge.training.checkpoint import check_outputs
from ska_edge.training.options import Options
from ska_edge.training.train import Trained
from ska_edge.training.train import train as train_model

PathLike: TypeAlias = "str | os.PathLike[str]"


@takes_one
def train(
    data: Source,
    *,
    rule: str | None = None,
    task: str | None = None,
    hidden: int | Sequence[int] | None = None,
    activation: str | None = None,
    rate: float | Literal["auto"] | None = None,
    hidden_halvings: int | None = None,
    margin: float | None = None,
    normalized_step: bool | None = None,
    running_normalization: bool | None = None,
    precision: str | None = None,
    batch: int | Literal["all"] | None = None,
    epochs: int | None = None,
    decay: int | None = None,
    steps: int = 50,
    seed: int | None = None,
    arithmetic: str = "both",
    test_fraction: float | None = None,
    reject: float | None = None,
    split: str | None = None,
    scale: str | None = None,
    raw: str | None = None,
    stream_order: str = "iid",
    stored: int | None = None,
    relearned: int | None = None,
    buffer: str | None = None,
    spare_classes: int | None = None,
    device_decay: int | None = None,
    decay_samples: int | None = None,
    readout_only: bool | None = None,
    group: int | str | None = None,
    per_class: int | None = None,
    prequential: int | None = None,
    untrained: bool = False,
    start: PathLike | None = None,
    spread: float | Literal["auto"] | None = None,
    init: PathLike | None = None,
    checkpoint: PathLike | None = None,
    log: PathLike | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a network in fixed point, together with its float twin.

    Args:
        data: a built-in name, a path, a Dataset, or arrays `(x, y)`. Options for reading a file,
            such as the column of the labels, belong to `ska_edge.load_data`.
        rule: learning rule: "local", "feedback", "code" or "published". Default: "local".
        task: what to learn: classes, or numbers; then y is (rows,), or (rows, targets). Default:
            "classification".
        hidden: width of the hidden layer, or the widths of several; () for none. Default: 64; a
            second layer of 32 is added if the rate is found by trials and a trial with this layer
            is clearly better.
        activation: activation of the hidden layers: sigmoid, scaled to -1 to 1; or relu, max(0, z):
            "sigmoid" or "relu". Default: "sigmoid".
        rate: learning rate; auto: the best of a few in short trials on the training rows. Default:
            auto for a new classifier that learns 200 rows or more, in a new order in every epoch;
            otherwise about 8 / inputs, at most 0.125; relu: 1/4 of that, 1/8 with several hidden
            layers; published: the paper's eta, 0.01.
        hidden_halvings: how many times to halve the rate of the hidden layers, but not of the
            output layer. Default: one for every doubling of the classes beyond 4; relu and
            regression: 0.
        margin: a sample whose output errors are all below this changes no weight; 0: every sample
            learns. Default: 0.
        normalized_step: divide a sample's step by the power of two nearest to |x|^2/d, the mean
            square of its inputs, if that is above 1. It limits the harm of inputs that drift.
            Default: False.
        running_normalization: normalize each input by a running mean and variance, which move with
            every sample that a device learns. They follow inputs that drift. Default: False.
        precision: bits of weights and activations: "w16a8" or "w32a16". Default: "w16a8".
        batch: samples per update, or 'all'. Default: 1, as a device learns; published: all.
        epochs: passes over the data. Default: 20; regression: 40.
        decay: how many times to halve the rate, at equal intervals. Default: 4, but less than
            epochs; 0 for a continued model, and for rows in a fixed order.
        steps: passes over the one batch; the first pass learns nothing. For rules without labels.
        seed: seed of all random numbers, such as the initial weights and the order of samples.
            Default: 0.
        arithmetic: train in "fixed" point, in "float", or "both"; predictions always use integers.
        test_fraction: fraction of rows to hold out; whole groups if the data have groups. Default:
            0.2; published: 0.
        reject: share of the held-out rows that keep a class, so 0.95 calls 5% unknown, those of
            least confidence. 0: no row is unknown. Default: 0.
        split: how rows are held out: "random", "blocked", "group", "file", "own" or "plain";
            docs/DATA.md describes these kinds. Default: what suits the data; never "random" for
            rows in the order of time.
        scale: scaling of the features: "standardize", "global" or "none". Default: "standardize";
            published: "none".
        raw: features that a device standardizes by itself: integers, if all training features are
            integers, or float32: "integer" or "float32". Default: "integer".
        stream_order: "iid" shuffles the samples anew in every epoch, "as-is" keeps the order of the
            data, "blocked" takes one class after the other.
        stored: samples of each class that a replay buffer stores, to learn them again. Default: 0;
            10 with spare classes.
        relearned: stored samples to learn again with each new sample. Default: 1; 10 with spare
            classes.
        buffer: kind of the replay buffer: a reservoir stores samples of the whole past; a FIFO
            stores the last ones, for data whose classes change: "reservoir" or "fifo". Default:
            "reservoir".
        spare_classes: outputs without a class, for classes that a device learns later
            (`Device.teach`). Default: 0.
        device_decay: how many times a device halves its rate while it learns. Default: 0: the rate
            stays, as a stream without end needs it.
        decay_samples: samples that a device learns from one of these halvings to the next.
        readout_only: only the output layer learns. Default: False.
        group: learn only from the rows of this group, by its name or number. Default: all groups.
        per_class: learn from this many rows of each class; all others are test rows. Default: all
            that are not held out.
        prequential: learn this many rows as usual; then test and learn each of the other rows once,
            in the order of the data. Default: all rows as usual.
        untrained: keep the initial weights, for a device that learns from nothing; the training
            only chooses the rate and the formats.
        start: model file, or its integer ONNX file, to continue from; or the ONNX file of a network
            from another program. A model keeps the options that are part of its plan, such as rule
            and rate, unless you name others. A network keeps its sizes and its activation.
        spread: factor of the first hidden layer's initial weights, and limit of its random biases;
            auto: 10 / sqrt(inputs), between 1 and 3; 0: a factor of 1, and biases of 0. Default:
            auto; relu and regression: 1, and biases of 0.
        init: npz with W0, b0, W1, ... to start from. Default: random weights.
        checkpoint: model file for what is learned so far; it is written twice a minute, and when
            Ctrl-C stops the training.
        log: JSONL file for the metrics of every step.
        progress: a function that is called now and then with (rows done, all rows).

    Returns:
        A Trained: the `model`, the Datasets `train` and `test`, and the accuracies as fractions,
        `accuracy["float" or "fixed"]["train" or "test"]`.

    Raises InputError for data or options that cannot work; the message names the option. Raises
    ToolError as `load_data` does, and if SKA_EDGE_ENGINE is "native", but the native engine cannot
    be used. If the log cannot be written completely, this function only warns, because the model is
    still good.

    Example: ``trained = ska_edge.train((x, y), hidden=16, epochs=10)``
    """
    named = dict(locals())  # must come first, while the only locals are the arguments
    del named["data"], named["progress"]
    options = Options(**named)
    base = None if options.start is None else open_start(options.start)
    known = cuts_windows(base)
    recorded = isinstance(data, str | os.PathLike) and reads_windows(data, known)
    check_outputs(options, data, by="train", recorded=recorded)
    if isinstance(data, str | os.PathLike) and recorded:
        loaded = load(data, model=known)
    else:
        loaded = load_data(data, task=task_of(task, base))
    trained = train_model(loaded, options, progress or silent)
    if trained.log_fault is not None:
        warnings.warn(f"the log is incomplete: {trained.log_fault}", stacklevel=3)
    return trained
