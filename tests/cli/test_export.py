"""`export --float-input` writes a graph that takes features; ska-edge still opens it as a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from ska_edge.data.load import load
from ska_edge.model.model_file import Model


def test_a_graph_that_takes_features_decides_as_the_device(
    ska_edge, iris: Model, iris_file: Path
) -> None:
    arguments = ("export", iris_file, "-o", "i.onnx", "--float-input", "--data", "iris", "--json")
    document = ska_edge(*arguments).document()
    assert (document["rows"], document["mismatches"]) == (150, 0)
    features = load("iris").x
    session = onnxruntime.InferenceSession("i.onnx", providers=["CPUExecutionProvider"])
    decisions, _ = session.run(None, {"input": features})
    np.testing.assert_array_equal(decisions, iris.decisions(features))
    assert ska_edge("eval", "i.onnx", "iris", "--json").document()["digest"] == iris.plan.digest
    iris.export_onnx("again.onnx", float_input=True)
    assert Path("again.onnx").read_bytes() == Path("i.onnx").read_bytes()


def test_the_float_form_takes_features_anyway(ska_edge, iris_file: Path) -> None:
    arguments = ("export", iris_file, "-o", "i.onnx", "--form", "float", "--float-input")
    assert "leave --float-input out" in ska_edge(*arguments).refusal(2)
