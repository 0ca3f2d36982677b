"""Opens the session of a training: it prepares the rows, the plan and the initial parameters."""

from __future__ import annotations

from dataclasses import replace

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.division import Division
from ska_edge.data.targets import REGRESSION
from ska_edge.errors import InputError, OptionError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_start
from ska_edge.model.quantization import dequantize_state
from ska_edge.model.regression import fit_units
from ska_edge.model.samples import with_classes_of
from ska_edge.network.twin import parameters_for, read_parameters, tensors_of
from ska_edge.rules.reference import initial_parameters
from ska_edge.rules.rule import RELU
from ska_edge.training.options import Options
from ska_edge.training.preparation.division import parts, repeated
from ska_edge.training.preparation.draft import (
    check_data,
    check_held_out,
    draft_for,
    with_input,
    with_learned_front,
)
from ska_edge.training.preparation.foreign import imported
from ska_edge.training.session import Features, Session
from ska_edge.training.settling import for_network, settled


def open_session(dataset: Dataset, options: Options) -> Session:
    """Prepare a training. Raises InputError for options or data that cannot work."""
    start = open_start(options.start) if options.start else None
    front = start.plan.front if isinstance(start, Model) else None
    if front is None or not front.learns:
        dataset = with_learned_front(dataset, options)
    if start is None or isinstance(start, Model):
        return _from(dataset, options, start)
    options = for_network(options, start.widths, start.activation)
    options = settled(options, start.inputs, start.classes)
    dataset = start.matched(dataset)
    check_data(dataset, options)
    division = parts(dataset, options)
    options = replace(options, split=division.kind)
    check_held_out(options, division)
    base = imported(start, division.train, options)
    return _continued(options, dataset, division, base)


def _from(dataset: Dataset, options: Options, base: Model | None) -> Session:
    """Prepare a training that continues a model, or begins with a new one."""
    fraction, reject = options.test_fraction, options.reject
    if options.task is None and base is None and dataset.targets is not None:
        options = replace(options, task=REGRESSION)
    classes = base.plan.classes if base else len(dataset.labels)
    options = settled(options, dataset.x.shape[1], classes, base.plan if base else None)
    if base is not None:
        if reject is None:
            options = replace(options, reject=_rejection(base))
        base, new = with_classes_of(base, dataset)
        dataset = base.matched(dataset)
        if fraction is None:
            options = repeated(dataset, options, base)
    elif (options.task == REGRESSION) != (dataset.targets is not None):
        has = "classes" if dataset.targets is None else "targets"
        raise OptionError(
            "'{name}' has {has}, which {task} {given} does not learn",
            name=dataset.name,
            has=has,
            given=options.task,
        )
    elif dataset.classes < 2 and dataset.targets is None:
        raise InputError(
            f"'{dataset.name}' has only one class, '{dataset.labels[0]}'; learning needs at"
            " least two"
        )
    else:
        check_data(dataset, options)
    division = parts(dataset, options, base)
    fit, options = division.train, replace(options, split=division.kind)
    check_held_out(options, division)
    if base is not None:
        session = _continued(options, dataset, division, base)
        session.new = new
        return session
    outputs = len(dataset.labels) + (options.spare_classes or 0)
    sizes = (dataset.x.shape[1], *(options.hidden or ()), outputs)
    draft = draft_for(options, dataset, len(fit.x), sizes)
    draft, scaling = with_input(draft, fit, options)
    assert not isinstance(options.spread, str)
    relu, spread = draft.activation == RELU, options.spread or None
    parameters = initial_parameters(sizes, draft.rule, draft.seed, spread, relu)
    if options.init:
        given = read_parameters(options.init, sizes)
        parameters.weights, parameters.biases = given.weights, given.biases
    units = None if fit.targets is None else fit_units(fit.targets)
    return Session(options, dataset, division, scaling, draft, parameters, None, units)


def _continued(options: Options, dataset: Dataset, division: Division, base: Model) -> Session:
    """Prepare a training that continues a model."""
    sizes = (dataset.x.shape[1], *(options.hidden or ()), base.plan.classes)
    draft = draft_for(options, dataset, len(division.train.x), sizes)
    _check_base(options, base, sizes)
    draft = draft.with_formats_of(base.plan)
    parameters = parameters_for(draft.resolve(), _start_tensors(base))
    return Session(options, dataset, division, base.scaling, draft, parameters, base, base.units)


def _check_base(options: Options, base: Model, sizes: tuple[int, ...]) -> None:
    """Raise OptionError unless a model can be continued with these options."""
    if sizes != base.plan.sizes or options.precision != base.plan.precision:
        raise OptionError(
            "{file} is a {precision_of} network of {sizes}; sizes and precision"
            " cannot change, so leave {hidden} and {precision} out",
            file=options.start,
            precision_of=base.plan.precision,
            sizes="-".join(str(size) for size in base.plan.sizes),
        )
    if options.activation != base.plan.activation:
        raise OptionError(
            "{file} has the activation {kept}, which cannot change; leave {activation} out",
            file=options.start,
            kept=base.plan.activation,
        )


def _rejection(base: Model) -> float:
    """Return the share `reject` for which a model has a least confidence; 0 if it has none."""
    share = base.notes.get("reject") if base.plan.least_confidence else 0.0
    return share if isinstance(share, float) else 0.0


def _start_tensors(base: Model) -> dict[tuple[int, str], Features]:
    """Return the tensors with which the float twin of a continued model starts."""
    if base.reference is not None:
        return tensors_of(base.reference)
    return dequantize_state(base.state)
