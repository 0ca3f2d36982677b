"""The integer ONNX form of a model with a front end takes raw samples and gives the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.frontend.echo_learning import learned_echo
from ska_edge.frontend.front import Front
from ska_edge.frontend.frontends import LONGEST, feature_count, features_of, front_for
from ska_edge.frontend.kernel_learning import learned_kernels
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import compare, export, exported_as, probe, random_windows, save
from ska_edge.model.onnx.input import INTEGERS
from ska_edge.model.open import open_model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

AXES = ("ax", "ay", "az", "t")
UNLEARNED = front_for("kernels", 20, 7, AXES, count=60, levels=0)
UNLEARNED_ECHO = front_for("echo", 20, 10, AXES, units=12)
FRONTS = {
    "half": front_for("statistics", 20, 10, AXES),
    "odd": front_for("statistics", 7, 7, AXES[:2]),
    "kernels": replace(
        UNLEARNED, kernels=learned_kernels(UNLEARNED, random_windows(UNLEARNED), seed=1)
    ),
    "echo": replace(
        UNLEARNED_ECHO, echo=learned_echo(UNLEARNED_ECHO, random_windows(UNLEARNED_ECHO), seed=1)
    ),
    "longest": front_for("statistics", LONGEST, LONGEST, AXES),
}


def model_of(front: Front) -> Model:
    inputs = feature_count(front)
    raw = RawInput(tuple(range(1, inputs + 1)), tuple(7 * i - 90 for i in range(inputs)), 13)
    plan = make_plan((inputs, 6, 3), input_format=QFormat(8, 4), raw=raw, front=front)
    parameters = np.random.default_rng(5).integers(-3000, 3000, plan.parameter_count)
    return Model(plan, State(plan, parameters), Scaling(np.zeros(inputs), np.ones(inputs)))


@pytest.mark.parametrize("name", FRONTS)
def test_both_runtimes_agree_with_the_trainer(name: str) -> None:
    front = FRONTS[name]
    model = model_of(front)
    windows = random_windows(front, 20)
    exported = export(model, "integer")
    found = compare(exported, model, np.empty(0), windows)
    assert (found.rows, found.mismatches) == (20, 0)
    inputs = model.quantize(features_of(front, windows).astype(np.float64))
    decisions, _ = ReferenceEvaluator(exported).run(None, {"input": windows})
    np.testing.assert_array_equal(decisions, FixedTrainer(model.state).infer(inputs))
    assert len(np.unique(decisions)) > 20


def test_the_input_is_described() -> None:
    exported = export(model_of(FRONTS["half"]), "integer")
    (taken,) = exported.graph.input
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.INT16
    shape = [each.dim_value or each.dim_param for each in taken.type.tensor_type.shape.dim]
    assert shape == ["n", 20, 4]
    assert "20 samples of 4 axes" in taken.doc_string
    metadata = {entry.key: entry.value for entry in exported.metadata_props}
    assert metadata["ska_edge.input"] == "windows"


def test_a_wrong_node_is_found() -> None:
    model = model_of(FRONTS["half"])
    exported = export(model, "integer")
    node = next(node for node in exported.graph.node if node.op_type == "ReduceMax")
    node.op_type = "ReduceMin"
    assert compare(exported, model, probe(model)).mismatches > 0


@pytest.mark.parametrize("takes", ["windows", INTEGERS, "features"])
def test_every_input_is_restored(takes: str, tmp_path: Path) -> None:
    """An earlier version exported models with a front end in the form that takes integers."""
    model = model_of(FRONTS["half"])
    save(exported_as(model, "integer", takes), tmp_path / "m.onnx")
    restored = open_model(tmp_path / "m.onnx")
    assert restored.plan == model.plan
    np.testing.assert_array_equal(restored.state.parameters, model.state.parameters)
