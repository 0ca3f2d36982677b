"""Chooses the trainer of a state: the native engine or numpy."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from ska_edge.errors import InputError, ToolError
from ska_edge.network.codes import class_codes
from ska_edge.network.engine.binding import Library
from ska_edge.network.engine.float_native import SOURCE, TEXT, FloatLibrary, NativeFloatTrainer
from ska_edge.network.engine.interface import Trainer
from ska_edge.network.engine.native import NativeTrainer
from ska_edge.network.float_trainer import FloatRule, FloatTrainer
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.rules.reference import Parameters

Found = TypeVar("Found")

VARIABLE = "SKA_EDGE_ENGINE"
SLOWER = "numpy is used for learning, and it is much slower than compiled C"
AUTO, NUMPY, NATIVE = "auto", "numpy", "native"

# Seconds that numpy must need for some work before a library is used for it.
WORTH_LOADING = 0.3  # for the first library of a process, which runs the compilers
WORTH_LOADING_ANOTHER = 0.05  # for another library
WORTH_BUILDING = 2.0  # for a library that must be compiled

_failed: set[str | None] = set()
"""Search paths on which no compiler worked; they are not tried again."""
_loaded_from: set[str | None] = set()
"""Search paths with which this process has loaded a library."""


class EngineWarning(RuntimeWarning):
    """The native engine cannot be used, so numpy works instead."""


def trainer_for(state: State, learn: int = 0) -> Trainer:
    """Return a trainer for a state that will learn about `learn` rows.

    SKA_EDGE_ENGINE may choose the trainer. Without a choice, the trainer is the native engine if
    there is enough work and a compiler works, otherwise numpy's. If the engine cannot be used, an
    EngineWarning gives the reason. For mini-batches of a rule with labels, the trainer is always
    numpy's.

    Raises:
        InputError: SKA_EDGE_ENGINE has an unknown value.
        ToolError: SKA_EDGE_ENGINE is "native", and the engine cannot be used.
    """
    _wanted()  # raises for an unknown value, even if the plan needs numpy
    plan = state.plan
    possible = plan.batch == 1 or not plan.rule_definition.supervised
    seconds = _numpy_seconds(plan, learn)
    library = _chosen(lambda build: _library(plan, build), seconds) if possible else None
    return FixedTrainer(state, check=False) if library is None else NativeTrainer(state, library)


def float_trainer_for(
    plan: Plan, parameters: Parameters, rate: float, learn: int = 0
) -> FloatTrainer:
    """Return a float trainer, for a plan with labels, that will learn about `learn` rows.

    The trainer changes `parameters` in place; C and numpy give the same bits. This function raises
    and warns as `trainer_for` does.
    """
    classes = len(parameters.biases[-1])  # the twin has no spare outputs
    codes = [code[:classes].astype(np.float64) for code in class_codes(plan)]
    rule = FloatRule(
        plan.rule,
        codes,
        2.0**plan.gain,
        plan.first_learned,
        plan.real_margin,
        2.0**-plan.hidden_halvings,
        plan.rule_definition.relu,
        plan.regression,
        2.0 ** -plan.layers[-1].matrix.halvings,
        plan.normalized,
    )
    seconds = learn * (1 + plan.replay.per_sample) * (100e-6 + 6e-9 * plan.parameter_count)
    library = _chosen(_float_library, seconds)
    if library is None:
        return FloatTrainer(parameters, rule, rate)
    return NativeFloatTrainer(parameters, rule, rate, library)


def _chosen(library: Callable[[bool], Found | None], seconds: float) -> Found | None:
    """Return a library for work that takes numpy `seconds`; None if numpy shall do the work.

    `library(build)` finds the library; `build` says whether to compile it if it is missing.
    """
    wanted = _wanted()
    if wanted == NATIVE:
        return library(True)
    search = os.environ.get("PATH")
    worth_loading = WORTH_LOADING_ANOTHER if search in _loaded_from else WORTH_LOADING
    if wanted == NUMPY or seconds < worth_loading or search in _failed:
        return None
    try:
        found = library(seconds >= WORTH_BUILDING)
    except ToolError as error:
        from firmware_gen.library.cache import NoCompilerError

        if isinstance(error, NoCompilerError):
            _failed.add(search)
        warnings.warn(f"{SLOWER}: {error}", EngineWarning, stacklevel=3)
        return None
    if found is not None:
        _loaded_from.add(search)
    return found


def unavailable() -> str | None:
    """Return why the engine cannot be used on this computer, as a sentence; None if a compiler
    works or SKA_EDGE_ENGINE excludes the engine.
    """
    from firmware_gen.library.compiler import NO_COMPILER, host_compilers

    if _wanted() == NUMPY:
        return None
    faults = []
    for found in host_compilers():
        if not isinstance(found, ToolError):
            return None
        faults.append(str(found))
    return f"{SLOWER}: {'; '.join(faults) or NO_COMPILER}"


def _wanted() -> str:
    found = os.environ.get(VARIABLE) or AUTO
    if found not in (AUTO, NUMPY, NATIVE):
        raise InputError(f"{VARIABLE} is {found!r}; set it to {AUTO}, {NUMPY} or {NATIVE}")
    return found


def _numpy_seconds(plan: Plan, rows: int) -> float:
    """Estimate numpy's time; the factors were measured with 10^2 to 10^5 parameters."""
    updates = rows * (1 + plan.replay.per_sample) * plan.steps / plan.batch
    return updates * (300e-6 + 6e-9 * plan.parameter_count)


def _library(plan: Plan, build: bool) -> Library | None:
    """Load the library of a plan; return None if it is missing and must not be built."""
    # Imported here, because most uses never compile anything.
    from firmware_gen.library.cache import library_for
    from ska_edge.network.engine.trial import trial

    path = library_for(plan, lambda path: trial(path, plan), build)
    return _loaded(path, lambda path: Library(path, plan))


def _float_library(build: bool) -> FloatLibrary | None:
    """Load the float trainer's library; return None if it is missing and must not be built."""
    from firmware_gen.library.cache import compiled
    from ska_edge.network.engine.trial import trial

    sources = {SOURCE.name: TEXT}
    path = compiled(sources, SOURCE.name, lambda path: trial(path, None), build)
    return _loaded(path, FloatLibrary)


def _loaded(path: Path | None, load: Callable[[Path], Found]) -> Found | None:
    try:
        return None if path is None else load(path)
    except (OSError, AttributeError) as error:
        raise ToolError(f"{path} cannot be loaded: {error}; remove it") from error
