"""The float program of the comparison computes backprop, and learns as well as backprop does."""

from __future__ import annotations

import ctypes
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.load import load
from ska_edge.data.split.plain import split
from ska_edge.errors import ToolError
from ska_edge.model.scaling import Scaling
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters
from tests.bench.host_program import HostProgram, host_program
from tests.conftest import without

PROGRAM = Path(__file__).with_name("plain_float.c")
Layers = list[tuple[np.ndarray, np.ndarray]]


def program(folder: Path, plan: Plan, layers: Layers) -> tuple[HostProgram, np.ndarray]:
    """Compile the program; return it and its weights in memory."""
    access = folder / "access.c"
    access.write_text(
        f'#include "{PROGRAM}"\n'
        "float *bench_access(void);\n"
        "float *bench_access(void) {\n    return weights;\n}\n"
    )
    tensors = [tensor for layer in layers for tensor in layer]
    try:
        loaded = host_program(access, plan, tensors, folder)
    except ToolError as error:
        without(str(error))
    loaded.library.bench_access.restype = ctypes.POINTER(ctypes.c_float)
    size = sum(tensor.size for tensor in tensors)
    return loaded, np.ctypeslib.as_array(loaded.library.bench_access(), (size,))


def forward(layers: Layers, x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the inputs of every layer, and the decisions of the last layer."""
    inputs, decision = [], x
    for index, (weight, bias) in enumerate(layers):
        inputs.append(x if index == 0 else 2 * decision - 1)
        decision = 1 / (1 + np.exp(-(weight @ inputs[-1] + bias)))
    return inputs, decision


def loss(layers: Layers, x: np.ndarray, label: int) -> float:
    """Return the binary cross-entropy, summed over classes."""
    decision = forward(layers, x)[1]
    wanted = np.arange(len(decision)) == label
    return float(-np.log(np.where(wanted, decision, 1 - decision)).sum())


def test_a_step_is_gradient_descent(tmp_path: Path) -> None:
    """The expected step comes from differences of the loss, not from the program's formulas."""
    rng = np.random.default_rng(0)
    sizes = (5, 4, 6, 3)
    layers = [(rng.normal(size=(n, m)), rng.normal(size=n)) for m, n in pairwise(sizes)]
    plan = make_plan(sizes, rate=0.125)
    tested, weights = program(tmp_path, plan, layers)
    x = rng.normal(size=5)
    before = weights.astype(np.float64)
    tested.learn(x.astype(np.float32), 2)
    change = weights - before
    slopes, step = [], 1e-6
    for tensor in (tensor for layer in layers for tensor in layer):
        for place in np.ndindex(tensor.shape):
            kept = tensor[place]
            tensor[place] = kept + step
            above = loss(layers, x, 2)
            tensor[place] = kept - step
            slopes.append((above - loss(layers, x, 2)) / (2 * step))
            tensor[place] = kept
    np.testing.assert_allclose(change, -plan.rate.real * np.array(slopes), atol=2e-5)
    assert np.abs(change).max() > 0.01


def test_it_learns_digits(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    fit, test = split(load("digits"), 0.2, 0)
    scaling = Scaling.fit(fit.x, "standardize")
    inputs, rows = (scaling.apply(part.x).astype(np.float32) for part in (fit, test))
    start = initial_parameters((64, 32, 10), "local", 0)
    layers = list(zip(start.weights, start.biases, strict=True))
    tested, _ = program(tmp_path, make_plan((64, 32, 10), rate=0.125), layers)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(20):
        for row in rng.permutation(len(inputs)):
            tested.learn(inputs[row], fit.y[row])
        found.append(np.mean([tested.infer(x) == y for x, y in zip(rows, test.y, strict=True)]))
    assert found[4] > 0.95
    assert found[-1] > 0.97
