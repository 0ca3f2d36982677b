"""The float program of the comparison computes backprop, and learns as well as backprop does."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.bench.bench import SOURCES
from firmware_gen.emit.bench import emit_network, emit_weights
from ska_edge.data.dataset import load, split
from ska_edge.model.scaling import Scaling
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters
from tests.conftest import without

PROGRAM = Path(__file__).with_name("plain_float.c")
ACCESS = '#include "plain_float.c"\nfloat *bench_access(void);\nfloat *bench_access(void) {\n'
ACCESS += "    return weights;\n}\n"
Layers = list[tuple[np.ndarray, np.ndarray]]


@dataclass
class Program:
    """The program, loaded into this process."""

    library: ctypes.CDLL
    weights: np.ndarray

    def infer(self, x: np.ndarray) -> int:
        return int(self.library.bench_infer(self._pointer(x)))

    def learn(self, x: np.ndarray, label: int) -> None:
        self.library.bench_learn(self._pointer(x), int(label))

    @staticmethod
    def _pointer(x: np.ndarray) -> ctypes.c_void_p:
        assert x.dtype == np.float32 and x.flags.c_contiguous
        return ctypes.c_void_p(x.ctypes.data)


def program(folder: Path, plan: Plan, layers: Layers) -> Program:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        without("a C compiler for this computer is not installed")
    shutil.copyfile(SOURCES / "bench_network.h", folder / "bench_network.h")
    shutil.copyfile(PROGRAM, folder / "plain_float.c")
    (folder / "bench_data.h").write_text(emit_network(plan, 1, 32))
    (folder / "bench_weights.h").write_text(emit_weights([t for layer in layers for t in layer]))
    (folder / "access.c").write_text(ACCESS)
    library = folder / "program.so"
    flags = ["-std=c99", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    subprocess.run([str(compiler), *flags, "access.c", "-o", str(library)], cwd=folder, check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.bench_infer.restype = ctypes.c_uint16
    loaded.bench_access.restype = ctypes.POINTER(ctypes.c_float)
    loaded.bench_init()
    size = sum(w.size + b.size for w, b in layers)
    return Program(loaded, np.ctypeslib.as_array(loaded.bench_access(), (size,)))


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
    tested = program(tmp_path, plan, layers)
    x = rng.normal(size=5)
    before = tested.weights.astype(np.float64)
    tested.learn(x.astype(np.float32), 2)
    change = tested.weights - before
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
    tested = program(tmp_path, make_plan((64, 32, 10), rate=0.125), layers)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(20):
        for row in rng.permutation(len(inputs)):
            tested.learn(inputs[row], fit.y[row])
        found.append(np.mean([tested.infer(x) == y for x, y in zip(rows, test.y, strict=True)]))
    assert found[4] > 0.95
    assert found[-1] > 0.97
