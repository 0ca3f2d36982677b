"""Runs `Fixed` on the edges of an ONNX graph, with exact operators.

Almost all nodes are operators on integers. The quantized operators of ONNX are not used: they would
round ties differently, or differ between processors. Only `quantized` and `square_root` use real
numbers, in float64; their operators are exact, or rounded as IEEE 754 says. The graph uses opset 13
and IR version 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ska_edge.arithmetic.fixedpoint import QFormat, RangeError, Table, width

OPSET, IR_VERSION = 13, 8
INT64_OFFSET_BITS = 62  # adding 2**62 makes values in [-2**62, 2**62) positive or 0


class OnnxOps:
    """Collects the nodes and initializers of a graph; a value is the name of an int64 edge.

    All names begin with `prefix`, so that a graph inside another one has names of its own.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, int], str] = {}
        self._count = 0

    def _edge(self, hint: str) -> str:
        self._count += 1
        return f"{self._prefix}{hint}_{self._count}"

    def node(self, operator: str, *inputs: str, hint: str = "t", **attributes: Any) -> str:
        """Append a node with one output; return its edge."""
        edge = self._edge(hint)
        self.nodes.append(helper.make_node(operator, list(inputs), [edge], **attributes))
        return edge

    def nodes_of(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Append a node with several outputs; return their edges."""
        edges = [self._edge("t") for _ in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), edges, **attributes))
        return edges

    def initializer(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a stored tensor of the type of `values`; return its name."""
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def cast(self, edge: str, kind: int) -> str:
        """Convert an edge to another type of elements."""
        return self.node("Cast", edge, to=kind)

    def quantized(self, real: str, format: QFormat, power: int = 0) -> str:
        """Convert a float64 edge times 2**power to int64, as `QFormat.quantize` does."""
        factor = self.initializer("input_factor", np.array(2.0 ** (format.frac + power)))
        half = self.initializer("input_half", np.array(0.5))
        rounded = self.node("Floor", self.node("Add", self.node("Mul", real, factor), half))
        ends = [
            self.initializer(name, np.array(float(value)))
            for name, value in (("minimum", format.minimum), ("maximum", format.maximum))
        ]
        return self.cast(self.node("Clip", rounded, *ends), TensorProto.INT64)

    def _scalar(self, value: int, unsigned: bool = False) -> str:
        key = ("u" if unsigned else "i", value)
        if key not in self._known:
            kind = np.uint64 if unsigned else np.int64
            kind_name = "unsigned" if unsigned else "constant"
            name = f"{self._prefix}{kind_name}_{str(value).replace('-', 'minus_')}"
            self._known[key] = self.initializer(name, np.array(value, dtype=kind))
        return self._known[key]

    def constant(self, value: int) -> str:
        return self._scalar(value)

    def add(self, a: str, b: str, lo: int, hi: int) -> str:
        return self.node("Add", a, b)

    def subtract(self, a: str, b: str, lo: int, hi: int) -> str:
        return self.node("Sub", a, b)

    def multiply(self, a: str, b: str, lo: int, hi: int) -> str:
        return self.node("Mul", a, b)

    def round_shift(self, a: str, shift: int, lo: int, hi: int) -> str:
        # BitShift is only for unsigned numbers: add an offset, shift, subtract the shifted offset.
        bits = 31 if width(lo, hi) == 32 else INT64_OFFSET_BITS
        if not -(1 << bits) <= lo <= hi < 1 << bits:
            raise RangeError(f"a sum in [{lo}, {hi}] is too wide for ONNX")
        lifted = self.node("Add", a, self._scalar((1 << bits) + (1 << (shift - 1))))
        unsigned = self.cast(lifted, TensorProto.UINT64)
        shifted = self.node("BitShift", unsigned, self._scalar(shift, True), direction="RIGHT")
        return self.node(
            "Sub", self.cast(shifted, TensorProto.INT64), self._scalar(1 << (bits - shift))
        )

    def clip(self, a: str, lo: int, hi: int) -> str:
        # Not Min and Max, because onnxruntime 1.23.2 compares only 32 bits of their int64.
        least, most = self._scalar(lo), self._scalar(hi)
        a = self.node("Where", self.node("Less", a, least), least, a)
        return self.node("Where", self.node("Greater", a, most), most, a)

    def high_bits(self, a: str, shift: int) -> str:
        unsigned = self.cast(a, TensorProto.UINT64)
        shifted = self.node("BitShift", unsigned, self._scalar(shift, True), direction="RIGHT")
        return self.cast(shifted, TensorProto.INT64)

    def low_bits(self, a: str, shift: int) -> str:
        return self.node("Mod", a, self._scalar(1 << shift))

    def square_root(self, a: str, lo: int, hi: int) -> str:
        # A float64 has fewer significant bits than an int64, so the root may be off by 1.
        real = self.node("Sqrt", self.cast(a, TensorProto.DOUBLE))
        near = self.cast(self.node("Floor", real), TensorProto.INT64)
        above = self.cast(self.node("Greater", self.node("Mul", near, near), a), TensorProto.INT64)
        near = self.node("Sub", near, above)
        after = self.node("Add", near, self._scalar(1))
        beyond = self.node("Greater", self.node("Mul", after, after), a)
        return self.node("Where", beyond, near, after)

    def logarithm(self, a: str, frac: int, lo: int, hi: int) -> str:
        # The number of powers of two, except 1, that a reaches is its logarithm, rounded down.
        below = np.array([(1 << power) - 1 for power in range(1, hi.bit_length())], np.int64)
        each = self.node("Unsqueeze", a, self._vector(-1))
        reached = self.node("Greater", each, self.initializer(self._edge("powers"), below))
        reached = self.cast(reached, TensorProto.INT64)
        power = self.node("ReduceSum", reached, self._vector(-1), keepdims=0)
        missing = self.cast(self.node("Sub", self._scalar(63), power), TensorProto.UINT64)
        unsigned = self.cast(a, TensorProto.UINT64)
        lifted = self.node("BitShift", unsigned, missing, direction="LEFT")
        shifted = self.node("BitShift", lifted, self._scalar(63 - frac, True), direction="RIGHT")
        whole = self.node("Mul", self.node("Sub", power, self._scalar(1)), self._scalar(1 << frac))
        return self.node("Add", whole, self.cast(shifted, TensorProto.INT64))

    def lookup(self, table: Table, index: str) -> str:
        key = (table.name, 0)
        if key not in self._known:
            values = np.array(table.values, dtype=np.int64)
            self._known[key] = self.initializer(self._prefix + table.name, values)
        return self.node("Gather", self._known[key], index, axis=0)

    def name(self, a: str, name: str, comment: str, lo: int, hi: int) -> str:
        return a

    def axis(self, a: str, index: int) -> str:
        return self.node("Gather", a, self._vector(index), axis=2)

    def joined(self, parts: Sequence[str]) -> str:
        return self.node("Concat", *parts, axis=-1)

    def row(self, values: Sequence[int]) -> str:
        return self.initializer(self._edge("row"), np.array(values, dtype=np.int64))

    def part(self, a: str, first: int, count: int) -> str:
        ends = self._vector(first), self._vector(first + count)
        return self.node("Slice", a, *ends, self._vector(1))

    def along(self, values: Sequence[int]) -> str:
        column = np.array(values, dtype=np.int64)[:, np.newaxis]
        return self.initializer(self._edge("along"), column)

    def taken(self, a: str, places: Sequence[int]) -> str:
        numbers = self.initializer(self._edge("places"), np.array(places, dtype=np.int64))
        return self.node("Gather", a, numbers, axis=1)

    def spread(self, a: str) -> str:
        return self.node("Unsqueeze", a, self._vector(1))

    def chained(self, parts: Sequence[str]) -> str:
        return self.node("Concat", *parts, axis=1)

    def total(self, a: str, lo: int, hi: int) -> str:
        return self.node("ReduceSum", a, self._vector(1), keepdims=0)

    def convolved(
        self, a: str, filters: Sequence[Sequence[int]], size: int, stride: int, lo: int, hi: int
    ) -> str:
        # ConvInteger would do it in one operator, but it takes only 8 bits, and few runtimes have
        # it. So each pixel of a square is a slice of the images, with its column of weights.
        sums = ""
        for place in range(size * size):
            down, right = divmod(place, size)
            weights = np.array([row[place] for row in filters], dtype=np.int64)
            pixels = self._strided(a, down, right, size, stride)
            pixels = self.node("Unsqueeze", pixels, self._vector(-1))
            product = self.node("Mul", pixels, self.initializer(f"filters_{place}", weights))
            sums = self.node("Add", sums, product) if sums else product
        return sums

    def _strided(self, a: str, down: int, right: int, size: int, stride: int) -> str:
        """Return one pixel of each square of images, (images, places down, places to the right)."""
        first, rest = (down, right), (size - 1 - down, size - 1 - right)
        last = tuple(-pixels if pixels else np.iinfo(np.int64).max for pixels in rest)
        ends = [
            self.initializer(self._edge("slice"), np.array(values, dtype=np.int64))
            for values in (first, last, (1, 2), (stride, stride))
        ]
        return self.node("Slice", a, *ends)

    def scanned(self, a: str, step: Callable[[OnnxOps, str, str], str]) -> str:
        # The operator goes along the first axis, because few runtimes have its other axes. Its
        # graph has all of its constants, because few runtimes find those of the graph around it.
        first = self.node("Mul", self.node("Gather", a, self._scalar(0), axis=1), self._scalar(0))
        inner = OnnxOps(self._edge("scan") + "_")
        before, sample = inner._edge("before"), inner._edge("sample")
        after = step(inner, sample, before)
        kept = inner.node("Identity", after)

        def shaped(*names: str) -> list[onnx.ValueInfoProto]:
            return [helper.make_tensor_value_info(e, TensorProto.INT64, [None] * 2) for e in names]

        body = helper.make_graph(
            inner.nodes, "step", shaped(before, sample), shaped(after, kept), inner.initializers
        )
        rows = self.node("Transpose", a, perm=[1, 0, 2])
        _, states = self.nodes_of("Scan", first, rows, outputs=2, body=body, num_scan_inputs=1)
        return self.node("Transpose", states, perm=[1, 0, 2])

    def least(self, a: str) -> str:
        return self.node("ReduceMin", a, axes=[1], keepdims=0)

    def most(self, a: str) -> str:
        return self.node("ReduceMax", a, axes=[1], keepdims=0)

    def _vector(self, value: int) -> str:
        """Return a stored vector of one int64."""
        key = ("v", value)
        if key not in self._known:
            self._known[key] = self.initializer(f"{self._prefix}vector_{value}", np.array([value]))
        return self._known[key]

    def dot(self, weights: str, inputs: str, lo: int, hi: int) -> str:
        # Use int32 if the interval allows it, because small runtimes multiply int32 fastest.
        kind = TensorProto.INT32 if width(lo, hi) == 32 else TensorProto.INT64
        transposed = self.node("Transpose", self.cast(weights, kind), perm=[1, 0])
        sums = self.node("MatMul", self.cast(inputs, kind), transposed, hint="sum")
        return self.cast(sums, TensorProto.INT64)
