"""Builds the ONNX graph of a front end alone, to compare its features with those of numpy."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ska_edge.arithmetic.fixedpoint import Fixed
from ska_edge.frontend.front import SAMPLE, Front
from ska_edge.frontend.frontends import FRONTENDS
from ska_edge.model.onnx.onnx_ops import IR_VERSION, OPSET, OnnxOps


def feature_graph(front: Front) -> onnx.ModelProto:
    """Return a checked graph from "windows" (n, length, axes) to "features", both int64."""
    ops = OnnxOps()
    features = FRONTENDS[front.kind].features(front, ops, Fixed.of(ops, "windows", SAMPLE))
    ops.nodes.append(helper.make_node("Identity", [features.data], ["features"]))
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape)]
        for name, shape in (("windows", [None] * 3), ("features", [None] * 2))
    )
    graph = helper.make_graph(ops.nodes, front.kind, inputs, outputs, ops.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def features_in_onnx(front: Front, windows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the features (n, features) that onnxruntime computes with the graph."""
    session = onnxruntime.InferenceSession(feature_graph(front).SerializeToString())
    found: NDArray[np.int64] = session.run(None, {"windows": windows.astype(np.int64)})[0]
    return found
