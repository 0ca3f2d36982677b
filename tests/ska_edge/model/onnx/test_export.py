"""The integer ONNX form gives the trainer's bits, and the float form the trainer's classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import compare, export, save
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from ska_edge.rules.rule import ACTIVATIONS, RULES, SIGMOID
from ska_edge.training.preparation.calibration import raw_float_input, raw_input


def random_model(
    sizes: list[int], rule: str, seed: int, limit: int = 32768, precision: str = "w16a8"
) -> Model:
    rng = np.random.default_rng(seed)
    bits = PRECISIONS[precision].activation.bits
    input_format = QFormat(bits, int(rng.integers(2, bits)))
    plan = make_plan(
        sizes,
        rule=rule,
        precision=precision,
        input_format=input_format,
        activation=str(rng.choice(ACTIVATIONS if RULES[rule].rectifies else (SIGMOID,))),
    )
    limit = limit * 2 ** (plan.formats.weight_bits - 16)
    state = State(plan, rng.integers(-limit, limit, plan.parameter_count))
    return Model(plan, state, Scaling(np.zeros(sizes[0]), np.ones(sizes[0])))


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 20), min_size=2, max_size=5),
    st.sampled_from(tuple(RULES)),
    st.sampled_from(tuple(PRECISIONS)),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1500, 32768]),
    st.booleans(),
)
def test_the_integer_form_has_the_trainers_bits(
    sizes: list[int], rule: str, precision: str, seed: int, limit: int, wide: bool
) -> None:
    if wide:
        sizes = [600, *sizes[1:]]  # this size needs 64-bit sums
    model = random_model(sizes, rule, seed, limit, precision)
    format = model.plan.layers[0].input
    x = np.random.default_rng(seed).integers(format.minimum, format.maximum + 1, (9, sizes[0]))
    expected = FixedTrainer(model.state).infer(x)
    exported = export(model, "integer")
    feed = {"input": x.astype(f"int{format.bits}")}
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for decisions, label in (session.run(None, feed), ReferenceEvaluator(exported).run(None, feed)):
        np.testing.assert_array_equal(decisions, expected)
        np.testing.assert_array_equal(label, expected.argmax(axis=1))


def test_sums_beyond_32_bits_have_the_trainers_bits() -> None:
    model = random_model([600, 2], "local", 57, precision="w32a16")
    format = model.plan.layers[0].input
    x = np.random.default_rng(57).integers(format.minimum, format.maximum + 1, (9, 600))
    session = onnxruntime.InferenceSession(
        export(model, "integer").SerializeToString(), providers=["CPUExecutionProvider"]
    )
    decisions, _ = session.run(None, {"input": x.astype(np.int16)})
    np.testing.assert_array_equal(decisions, FixedTrainer(model.state).infer(x))


@settings(max_examples=40)
@given(
    st.sampled_from(tuple(PRECISIONS)),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["whole", "float32", "float64"]),
    st.booleans(),
)
def test_a_graph_that_takes_features_has_the_same_bits(
    precision: str, seed: int, kind: str, limited: bool
) -> None:
    rng = np.random.default_rng(seed)
    model = random_model([5, 4, 3], "local", seed, 3000, precision)
    format = model.plan.layers[0].input
    scaling = Scaling(rng.normal(size=5) * 100, rng.uniform(1e-3, 50, 5))
    model.scaling = scaling.within(format) if limited else scaling
    if kind == "float32":
        raw = raw_float_input(scaling.mean, scaling.scale, format)
        model.plan = replace(model.plan, raw=raw)
    if kind == "whole":
        x = rng.integers(-32768, 32768, (400, 5)).astype(np.float64)
        raw = raw_input(x, scaling.mean, scaling.scale, format)
        model.plan = replace(model.plan, raw=raw)
    # Features at the edge between two integers, their neighbors, and arbitrary ones.
    middles = rng.integers(format.minimum - 5, format.maximum + 5, (200, 5)) + 0.5
    edges = middles * 2.0**-format.frac * scaling.scale + scaling.mean
    x = np.concatenate([edges, np.nextafter(edges, np.inf), rng.normal(size=(50, 5)) * 1e4])
    exported = export(model, "integer", float_input=True)
    assert compare(exported, model, x).mismatches == 0
    _, label = ReferenceEvaluator(exported).run(None, {"input": x})
    np.testing.assert_array_equal(label, model.decisions(x).argmax(axis=1))


@pytest.mark.parametrize("kind", ["whole", "float32", "float64"])
def test_a_graph_takes_nan_as_the_input_0(kind: str) -> None:
    model = random_model([3, 4, 2], "local", 0, 3000)
    model.scaling = scaling = Scaling(np.array([700.0, -30.0, 4.0]), np.array([90.0, 7.0, 2.0]))
    format = model.plan.layers[0].input
    raws = {
        "whole": raw_input(np.zeros((1, 3)), scaling.mean, scaling.scale, format),
        "float32": raw_float_input(scaling.mean, scaling.scale, format),
        "float64": None,
    }
    model.plan = replace(model.plan, raw=raws[kind])
    x = np.array([[np.nan, -40, 5], [650, np.nan, np.inf], [-np.inf, -20, np.nan], [np.nan] * 3])
    exported = export(model, "integer", float_input=True)
    if kind == "float32":  # the only kind in which NaN reaches a device
        assert compare(exported, model, x).mismatches == 0
    integers = np.where(np.isnan(x), 0, model.quantize(np.nan_to_num(x, posinf=1e9, neginf=-1e9)))
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for program in (session, ReferenceEvaluator(exported)):
        decisions, _ = program.run(None, {"input": x})
        np.testing.assert_array_equal(decisions, FixedTrainer(model.state).infer(integers))


def test_the_file_says_how_to_fill_its_input() -> None:
    model = random_model([3, 2], "local", 0)
    model.scaling = Scaling(np.array([1.5, 0.0, -2.0]), np.array([2.0, 1.0, 0.25]), 4.0)
    model.notes["features"] = ["a", "b", "c"]
    exported = export(model, "integer")
    metadata = {entry.key: entry.value for entry in exported.metadata_props}
    assert metadata["ska_edge.input"] == "integers"
    assert metadata["ska_edge.features"] == '["a", "b", "c"]'
    assert metadata["ska_edge.input_mean"] == "1.5 0.0 -2.0"
    assert metadata["ska_edge.input_scale"] == "2.0 1.0 0.25"
    format = model.plan.layers[0].input
    words = exported.graph.input[0].doc_string
    assert words.startswith(
        f"Integers in {format.name}: (feature - input_mean) / input_scale * 2^{format.frac},"
    )
    raw = RawInput((3, 4, 5), (-6, 7, 0), 9)
    model.plan = replace(model.plan, raw=raw)
    exported = export(model, "integer")
    metadata = {entry.key: entry.value for entry in exported.metadata_props}
    assert metadata["ska_edge.input_multipliers"] == "3 4 5"
    assert metadata["ska_edge.input_offsets"] == "-6 7 0"
    assert metadata["ska_edge.input_frac"] == "9"
    assert "(feature * input_multipliers + input_offsets)" in exported.graph.input[0].doc_string
    model.plan = replace(model.plan, raw=RawInput((3, 4, 5), (-6, 7, 0), 9, (1, 2, -3)))
    exported = export(model, "integer")
    metadata = {entry.key: entry.value for entry in exported.metadata_props}
    assert metadata["ska_edge.input_points"] == "1 2 -3"
    assert "round(float32(feature) * 2^input_points)" in exported.graph.input[0].doc_string
    exported = export(model, "integer", float_input=True)
    assert {e.key: e.value for e in exported.metadata_props}["ska_edge.input"] == "features"
    assert exported.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE


def test_weights_have_16_bits_and_the_metadata_describe_the_model() -> None:
    model = random_model([6, 5, 3], "local", 0)
    exported = export(model, "integer")
    kinds = {t.name: t.data_type for t in exported.graph.initializer}
    assert kinds["layer0_weight"] == onnx.TensorProto.INT16
    properties = {entry.key: entry.value for entry in exported.metadata_props}
    assert properties["ska_edge.digest"] == model.plan.digest
    assert properties["ska_edge.labels"] == '["0", "1", "2"]'
    assert exported.opset_import[0].version == 13
    assert exported.ir_version == 8
    banned = ("Quantize", "QLinear", "MatMulInteger")
    assert not [n for n in exported.graph.node if any(word in n.op_type for word in banned)]


def test_compare_finds_a_model_that_differs() -> None:
    model, x = (
        random_model([6, 5, 3], "local", 0, 3000),
        np.random.default_rng(1).normal(size=(50, 6)),
    )
    exported = export(model, "integer")
    assert compare(exported, model, x).mismatches == 0
    model.state.tensor(0, "weight")[0, 0] += 500
    assert compare(exported, model, x).mismatches > 0


@pytest.mark.parametrize("rule", ["local", "published"])
def test_the_float_form_is_close(rule: str) -> None:
    model = random_model([6, 5, 3], rule, 0, 3000)
    x = np.random.default_rng(1).uniform(-0.99, 0.99, size=(200, 6))  # inside every input format
    agreement = compare(export(model, "float"), model, x)
    assert agreement.rows == 200
    assert agreement.mismatches <= 6


def test_equal_models_export_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        save(export(random_model([4, 3, 2], "local", 1), "integer"), tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    with pytest.raises(InputError, match="cannot write"):
        save(export(random_model([4, 3, 2], "local", 1), "integer"), tmp_path / "no" / "a.onnx")


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(InputError, match="there are integer, float"):
        export(random_model([4, 3, 2], "local", 1), "qdq")
