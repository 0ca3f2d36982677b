"""numpy, two ONNX runtimes, and C under a sanitizer agree on every bit of the per-neuron functions.

Functions of one 16-bit argument are compared on every value of the argument.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from firmware_gen.emit.plan import emit_plan, emit_tables
from firmware_gen.emit.rule import emit_rule
from firmware_gen.project import RUNTIME
from ska_edge.arithmetic.fixedpoint import Fixed, QFormat
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.arithmetic.numpy_ops import NumpyOps
from ska_edge.frontend.front import Filters, Front
from ska_edge.frontend.frontends import LONGEST, MOST_AXES, front_for
from ska_edge.model.onnx.onnx_ops import IR_VERSION, OPSET, OnnxOps
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

RANDOM_ROWS = 20_000
EVERY_VALUE = 1 << 16
PLANS = {
    "local": make_plan((3, 5, 4, 3), raw=RawInput((5, 70_000, 0), (-9, 2**40, 7), 11)),
    "feedback": make_plan(
        (6, 5, 4, 3),
        rule="feedback",
        input_format=QFormat(8, 4),
        normalized=True,
        running_normalization=True,
    ),
    "code": make_plan(
        (3, 5, 4, 3),
        rule="code",
        precision="w32a16",
        input_format=QFormat(16, 11),
        normalized=True,
        running_normalization=True,
        raw=RawInput((5, 2**30, 0), (-9, 2**60, 7), 30, (4, -104, 160)),
    ),
    "front": make_plan(
        (20, 2),
        raw=RawInput((5,) * 20, (3,) * 20, 11),
        front=front_for("statistics", 50, 25, ("ax", "ay", "az")),
    ),
    "longest front": make_plan(
        (5, 2),
        raw=RawInput((5,) * 5, (3,) * 5, 11),
        front=front_for("statistics", LONGEST, LONGEST, ("sound",)),
    ),
    "image front": make_plan(
        (32, 2),
        raw=RawInput((5,) * 32, (3,) * 32, 11),
        front=Front("patches", 12, 12, 10, filters=Filters(2, 3, 1, 4, (127, -128, 5) * 6)),
    ),
    "spectrum front": make_plan(
        (16, 2),
        raw=RawInput((5,) * 16, (3,) * 16, 11),
        front=front_for("spectrum", 64, 64, ("sound",), bands=16),
    ),
    "longest spectrum front": make_plan(
        (64, 2),
        raw=RawInput((5,) * 64, (3,) * 64, 11),
        front=front_for("spectrum", 1024, 64, ("sound",), bands=64),
    ),
    "kernel front": make_plan(
        (1 + MOST_AXES, 2),
        raw=RawInput((5,) * (1 + MOST_AXES), (3,) * (1 + MOST_AXES), 11),
        front=front_for("kernels", LONGEST, 1, ("sound",) * MOST_AXES, count=1, levels=1),
    ),
    "echo front": make_plan(
        (2 * MOST_AXES, 2),
        raw=RawInput((5,) * 2 * MOST_AXES, (3,) * 2 * MOST_AXES, 11),
        front=front_for("echo", LONGEST, LONGEST, ("sound",) * MOST_AXES, units=MOST_AXES),
    ),
    "published": make_plan((6, 5, 3), rule="published", rate=0.1, batch=2, steps=3),
}
RELU_PLANS = {
    "relu": make_plan((3, 5, 4, 3), activation="relu"),
    "relu_wide": make_plan((6, 5, 3), activation="relu", rule="feedback", precision="w32a16"),
}
# All other functions are the same with and without ReLU.
RELU_FUNCTIONS = ("activation", "hidden_shift")
FUNCTIONS = [
    pytest.param(name, function, id=f"{name}-{function.name}")
    for name, plan in (PLANS | RELU_PLANS).items()
    for function in plan.neuron_functions()
    if name not in RELU_PLANS or function.name in RELU_FUNCTIONS
    if "front" not in name or function.name.startswith("front_")
]
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow"]


def values_of(arguments: tuple[Argument, ...]) -> list[np.ndarray]:
    """Return the values of each argument.

    A single 16-bit argument gets all its values; other arguments get random and extreme values.
    """
    if len(arguments) == 1 and arguments[0].hi - arguments[0].lo < EVERY_VALUE:
        return [np.arange(arguments[0].lo, arguments[0].hi + 1)]
    rng = np.random.default_rng(5)
    columns = []
    for a in arguments:
        column = rng.integers(a.lo, a.hi + 1, RANDOM_ROWS)
        extreme = rng.random(RANDOM_ROWS) < 0.2
        column[extreme] = rng.choice([a.lo, a.hi, min(a.lo + 1, a.hi)], int(extreme.sum()))
        columns.append(column)
    return columns


def in_numpy(function: FixedFunction, columns: list[np.ndarray]) -> np.ndarray:
    ops = NumpyOps(check=True)
    values = [
        Fixed(ops, column.astype(np.int64), a.frac, a.lo, a.hi)
        for a, column in zip(function.arguments, columns, strict=True)
    ]
    result = function.body(*values)
    assert result.lo <= result.data.min()
    assert result.data.max() <= result.hi
    return np.broadcast_to(result.data, columns[0].shape)


def as_onnx(function: FixedFunction) -> onnx.ModelProto:
    ops = OnnxOps()
    values = [Fixed(ops, a.name, a.frac, a.lo, a.hi) for a in function.arguments]
    result = function.body(*values)
    ops.nodes.append(helper.make_node("Identity", [result.data], ["result"]))
    used = {edge for node in ops.nodes for edge in node.input}
    graph = helper.make_graph(
        ops.nodes,
        function.name,
        [
            helper.make_tensor_value_info(a.name, TensorProto.INT64, ["n"])
            for a in function.arguments
            if a.name in used
        ],
        [helper.make_tensor_value_info("result", TensorProto.INT64, ["n"])],
        [tensor for tensor in ops.initializers if tensor.name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return model


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_onnx_has_the_bits_of_numpy(name: str, function: FixedFunction) -> None:
    columns = values_of(function.arguments)
    expected = in_numpy(function, columns)
    model = as_onnx(function)
    inputs = {entry.name for entry in model.graph.input}
    feed = {
        a.name: column.astype(np.int64)
        for a, column in zip(function.arguments, columns, strict=True)
        if a.name in inputs
    }
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    np.testing.assert_array_equal(session.run(None, feed)[0], expected)
    np.testing.assert_array_equal(ReferenceEvaluator(model).run(None, feed)[0], expected)


@pytest.fixture(scope="module")
def libraries(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> dict[str, ctypes.CDLL]:
    compiler = require_toolchain("gcc")
    libraries = {}
    for name, plan in (PLANS | RELU_PLANS).items():
        folder = tmp_path_factory.mktemp(name)
        for header in ("ska_const.h", "ska_fixed.h"):
            shutil.copyfile(RUNTIME / header, folder / header)
        (folder / "ska_plan.h").write_text(emit_plan(plan))
        (folder / "ska_tables.h").write_text(emit_tables(plan))
        (folder / "ska_rule.h").write_text(emit_rule(plan))
        (folder / "rows.c").write_text(rows_source(plan))
        command = [compiler, *WARNINGS, "-Wno-unused", "-Werror", "-O1", "-shared", "-fPIC"]
        command += ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
        subprocess.run([*command, "-o", "rows.so", "rows.c"], cwd=folder, check=True)
        libraries[name] = ctypes.CDLL(str(folder / "rows.so"))
    return libraries


def rows_source(plan: Plan) -> str:
    lines = ['#include "ska_rule.h"']
    for f in plan.neuron_functions():
        types = ["int8_t", "int16_t", "int32_t", "int64_t"]
        arguments = ", ".join(
            f"({types[sum(a.hi >= 1 << b for b in (7, 15, 31))]})x[{i} * n + row]"
            for i, a in enumerate(f.arguments)
        )
        lines.append(
            f"void rows_{f.name}(const int64_t *x, int64_t *y, int64_t n);\n"
            f"void rows_{f.name}(const int64_t *x, int64_t *y, int64_t n) {{\n"
            "    for (int64_t row = 0; row < n; row++)\n"
            f"        y[row] = ska_rule_{f.name}({arguments});\n}}"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_c_has_the_bits_of_numpy(
    name: str, function: FixedFunction, libraries: dict[str, ctypes.CDLL]
) -> None:
    columns = values_of(function.arguments)
    rows = np.ascontiguousarray(np.stack(columns), dtype=np.int64)
    result = np.zeros(rows.shape[1], dtype=np.int64)
    pointer = ctypes.POINTER(ctypes.c_int64)
    getattr(libraries[name], f"rows_{function.name}")(
        rows.ctypes.data_as(pointer), result.ctypes.data_as(pointer), ctypes.c_int64(rows.shape[1])
    )
    np.testing.assert_array_equal(result, in_numpy(function, columns))


def test_decisions_are_the_sigmoid_to_two_units() -> None:
    plan = PLANS["local"]
    function = next(p.values[1] for p in FUNCTIONS if p.values[1].name == "decision")
    z = np.arange(-(1 << 15), 1 << 15)
    got = in_numpy(function, [z])
    inside = np.clip(plan.formats.knowledge.dequantize(z), -8, 8)
    exact = 32768 / (1 + np.exp(-inside))
    assert np.abs(got - exact).max() < 2.2
    # So the output with the largest z also has the largest decision.
    assert (np.diff(got) >= 0).all()


@pytest.mark.parametrize("name", RELU_PLANS)
def test_relu_rounds_and_saturates_the_positive_knowledge(name: str) -> None:
    plan = RELU_PLANS[name]
    function = next(f for f in plan.neuron_functions() if f.name == "activation")
    z = np.arange(-(1 << 15), 1 << 15)
    real = plan.formats.activation.dequantize(in_numpy(function, [z]))
    exact = np.maximum(plan.formats.knowledge.dequantize(z), 0.0)
    half = 0.5 * 2.0**-plan.formats.activation.frac
    largest = plan.formats.activation.maximum * 2.0**-plan.formats.activation.frac
    assert np.abs(real - np.minimum(exact, largest)).max() <= half
    assert (real[z <= 0] == 0).all()
