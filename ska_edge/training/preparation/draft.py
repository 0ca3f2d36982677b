"""Specifies the plan of a training from its options, its data and its calibration."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.data.dataset import Dataset
from ska_edge.data.image_rows import images_of, with_images
from ska_edge.data.recordings.window_rows import with_features
from ska_edge.data.row_blocks import row_blocks
from ska_edge.data.split.division import Division
from ska_edge.data.targets import REGRESSION
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.echo_learning import learned_echo
from ska_edge.frontend.filter_learning import learned_weights
from ska_edge.frontend.frontends import check_front
from ska_edge.frontend.kernel_learning import learned_kernels
from ska_edge.model.scaling import Scaling
from ska_edge.plan.check import check_rejecting
from ska_edge.plan.decay import Decay
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import Draft
from ska_edge.rules.neuron import RawInput
from ska_edge.rules.rule import RULES, SIGMOID
from ska_edge.training.option import ALL_ROWS
from ska_edge.training.options import RAW_FLOAT, Options
from ska_edge.training.preparation.calibration import (
    Magnitudes,
    input_format,
    knowledge_format,
    raw_float_input,
    raw_input,
    relu_format,
    weight_formats,
)
from ska_edge.training.preparation.division import parts
from ska_edge.training.settling import settled

UNCALIBRATED = QFormat(16, 11)
"""The format of a regression's values before `calibration.output_format` chooses one."""


def with_learned_front(dataset: Dataset, options: Options) -> Dataset:
    """Return data with the features of their front end, which is learned here.

    Other data are unchanged. Filters, kernels or an echo are learned from the rows that a training
    with these options learns; the seed of the training determines the rest.

    Raises InputError for images with too few different patches, and as `images_of` and `parts` do;
    OptionError if the training continues a network, because it has learned other inputs.
    """
    front = dataset.front
    if front is None or front.learned:
        return dataset
    if options.start is not None:
        raise OptionError("{start} is a network that has learned rows; leave {frontend} out")
    if dataset.targets is not None:
        options = replace(options, task=REGRESSION)
    whole = settled(options.untried(), dataset.x.shape[1], len(dataset.labels))
    assert whole.seed is not None
    rows = parts(dataset, whole).train
    if front.filters is None:
        assert rows.windows is not None
        if front.echo is not None:
            front = replace(front, echo=learned_echo(front, rows.windows, whole.seed))
        else:
            front = replace(front, kernels=learned_kernels(front, rows.windows, whole.seed))
        check_front(front)
        return with_features(dataset, front)
    weights = learned_weights(
        front.filters, images_of(dataset.name, rows.x, front).astype(np.int64), whole.seed
    )
    front = replace(front, filters=replace(front.filters, weights=weights))
    check_front(front)
    return with_images(dataset, front)


def draft_for(options: Options, dataset: Dataset, rows: int, sizes: tuple[int, ...]) -> Draft:
    """Return the part of the plan's specification that options and data determine.

    `rows` is the number of rows to learn. Raises OptionError for a batch that does not suit the
    rows or the spare classes.
    """
    assert options.rule and options.precision and options.seed is not None
    assert isinstance(options.rate, float)
    supervised = RULES[options.rule].supervised
    batch = rows if options.batch == ALL_ROWS else int(options.batch or 1)
    if batch > rows:
        raise OptionError(
            "a batch of {wanted} is larger than the {rows} training rows; give a smaller {batch}",
            wanted=batch,
            rows=rows,
        )
    if options.spare_classes and options.stored and batch != 1:
        raise OptionError(
            "{spare_classes} needs a device that learns sample by sample, with stored samples;"
            " leave {batch} out"
        )
    eta = 1.0 if supervised else 1 / math.log(2)  # the papers divide the entropy by ln 2
    return Draft(
        sizes,
        rule=options.rule,
        precision=options.precision,
        rate=options.rate * eta,
        batch=batch,
        steps=1 if supervised else options.steps,
        labels=dataset.labels[: sizes[-1] - (options.spare_classes or 0)],
        output_only=bool(options.readout_only),
        replay=Replay() if options.spare_classes else replay_of(options),
        seed=options.seed,
        margin=options.margin or 0.0,
        hidden_halvings=options.hidden_halvings or 0,
        activation=options.activation or SIGMOID,
        output=None if dataset.targets is None else UNCALIBRATED,
        spares=options.spare_classes or 0,
        normalized=bool(options.normalized_step),
        front=dataset.front,
    )


def replay_of(options: Options) -> Replay:
    """Return the replay buffer that the options describe."""
    if not options.stored:
        return Replay()
    assert options.relearned and options.buffer
    return Replay(options.stored, options.relearned, options.buffer)


def decay_of(options: Options) -> Decay:
    """Return the decay of a device's rate that the options describe."""
    return Decay(options.device_decay or 0, options.decay_samples or 0)


def with_input(draft: Draft, dataset: Dataset, options: Options) -> tuple[Draft, Scaling]:
    """Return the draft with the input's format for a data set, and the scaling of `options`.

    Raises OptionError for inputs that fit no format, and for features that a device cannot
    standardize as `options.raw` says.
    """
    assert options.scale is not None
    x = dataset.x
    scaling = Scaling.fit(x, options.scale)
    scaled = (scaling.apply(x[block]) for block in row_blocks(len(x)))
    format = input_format(scaled, PRECISIONS[draft.precision].activation.bits)
    scaling = scaling.within(format)
    if options.raw == RAW_FLOAT and dataset.front is not None:
        raise OptionError("{frontend} gives integers as features; leave {raw} out")
    if options.raw == RAW_FLOAT:
        raw: RawInput | None = raw_float_input(
            scaling.mean, scaling.scale, format, dataset.features
        )
    else:
        raw = raw_input(x, scaling.mean, scaling.scale, format)
    return replace(draft, input_format=format, raw=raw), scaling


def calibrated(draft: Draft, seen: Magnitudes, plan: Plan) -> Draft:
    """Return the draft with formats for the ranges of a float twin; `plan` is the resolved draft.

    Raises OptionError for ranges that fit no format.
    """
    precision, rule = PRECISIONS[draft.precision], plan.rule_definition
    relu = relu_format(seen, precision) if rule.relu else None
    return replace(
        draft,
        weight_formats=weight_formats(seen, precision, plan.rate),
        knowledge_format=knowledge_format(seen, precision, rule.supervised, relu),
        activation_format=relu,
    )


def check_data(dataset: Dataset, options: Options) -> None:
    """Raise InputError if all features are constant, or if a class lacks a row to test."""
    if (dataset.x.min(axis=0) == dataset.x.max(axis=0)).all():
        raise InputError(
            f"all {dataset.x.shape[1]} features of '{dataset.name}' are constant:"
            f" nothing distinguishes its {'rows' if dataset.targets is not None else 'classes'}"
        )
    some = options.test_fraction != 0 or options.per_class is not None
    if dataset.targets is not None or options.prequential is not None or not some:
        return  # no class can lack a row, or rows are held out by their order
    for label, count in zip(dataset.labels, np.bincount(dataset.y).tolist(), strict=False):
        if count == 1:
            raise OptionError(
                "'{name}' has a single sample of the class '{label}'; every class needs two or"
                " more, one to learn from and one to test, unless {test_fraction} is 0",
                name=dataset.name,
                label=label,
            )


def check_held_out(options: Options, division: Division) -> None:
    """Check the data, if the options ask for a least confidence.

    Raises OptionError if no rows are held out, and InputError if a class has the name of rejected
    rows.
    """
    if not options.reject:
        return
    check_rejecting(division.train.labels)
    if not len(division.test.y):
        raise OptionError("{reject} needs held-out rows, and there are none; give {test_fraction}")
