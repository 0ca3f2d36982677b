"""Builds small ONNX files of other programs, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILES = Path(__file__).parents[3] / "data" / "foreign"
ML = "ai.onnx.ml"


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """Return a node; `inputs` has the names of its inputs, with blanks between them."""
    ml = operator in ("ArrayFeatureExtractor", "Normalizer", "Scaler", "ZipMap")
    domain = ML if ml else ""
    return helper.make_node(operator, inputs.split(), [output], domain=domain, **attributes)


def graph(
    nodes: Sequence[onnx.NodeProto],
    tensors: dict[str, Any],
    row: Sequence[int | str] = (4,),
    opset: int = 15,
    outputs: Sequence[str] = ("y",),
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """Return a model of these nodes. Its input is x: any number of rows, each of shape `row`."""
    return helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", kind, ["n", *row])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(tensor(values), name) for name, values in tensors.items()],
        ),
        opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(ML, 1)],
        producer_name="tests",
        ir_version=8,
    )


def tensor(values: Any) -> np.ndarray:
    """Return values as an array: reals as float32, integers as int64."""
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype.kind == "f" else array
