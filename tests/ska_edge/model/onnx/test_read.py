"""Importing the integer ONNX form gives back the model; a change of its graph is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import numpy_helper

from ska_edge.device.link import Link
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import content_digest, export, save
from ska_edge.model.open import open_model
from ska_edge.model.scaling import Scaling
from ska_edge.network.measures.range_tracker import Range
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from tests.random_states import learned_states
from tests.trainer_device import TrainerDevice


def a_model() -> Model:
    plan = make_plan((3, 4, 2), labels=("no", "yes"), replay=Replay(2, 1))
    parameters = np.random.default_rng(3).integers(-3000, 3000, plan.parameter_count)
    model = Model(
        plan,
        State(plan, parameters),
        Scaling(np.array([0.1, -1e-30, 3.0]), np.array([1 / 3, 2.0, 1e20]), 4.0),
        ranges=[Range(0, "input", 8, 5, largest=100, saturated=1, values=9)],
        notes={"seed": 4, "data": "wine", "group": None},
    )
    FixedTrainer(model.state).learn_one(np.array([5, -7, 100]), 1)
    model.state.halve_rate(2)
    return model


def assert_same(found: Model, model: Model) -> None:
    """Check that two models are equal except for the float twin."""
    assert found.plan == model.plan
    assert found.state.to_bytes() == model.state.to_bytes()
    assert found.state.step == model.state.step
    np.testing.assert_array_equal(found.scaling.mean, model.scaling.mean)
    np.testing.assert_array_equal(found.scaling.scale, model.scaling.scale)
    assert found.scaling.limit == model.scaling.limit
    assert found.ranges == model.ranges
    assert found.notes == model.notes


def test_an_exported_model_is_imported_unchanged(tmp_path: Path) -> None:
    model, path = a_model(), tmp_path / "m.onnx"
    save(export(model, "integer"), path)
    assert_same(open_model(path), model)
    assert_same(open_model(path), model)
    model.state.step = 2**32 + 7
    model.scaling = Scaling(model.scaling.mean, model.scaling.scale)  # a scaling without a limit
    save(export(model, "integer"), path)
    assert_same(open_model(path), model)
    model.save(tmp_path / "m.ska")
    assert_same(open_model(tmp_path / "m.ska"), model)


def test_a_model_is_imported_from_a_graph_that_takes_features(tmp_path: Path) -> None:
    exported, path = export(a_model(), "integer", float_input=True), tmp_path / "m.onnx"
    save(exported, path)
    assert_same(open_model(path), a_model())
    set_tensor(exported, "input_scale", lambda values: values.__imul__(2))
    assert "the tensor input_scale" in refusal(path, exported.SerializeToString())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(learned_states())
def test_a_state_survives_pull_onnx_and_push_bit_for_bit(tmp_path: Path, state: State) -> None:
    ska, exported, plan = tmp_path / "m.ska", tmp_path / "m.onnx", state.plan
    with TrainerDevice(state) as device, Link(device.port) as link:
        pulled = State.from_bytes(plan, link.pull(plan.state_bytes))
    Model(plan, pulled, Scaling(np.zeros(plan.inputs), np.ones(plan.inputs))).save(ska)
    save(export(open_model(ska), "integer"), exported)
    found = open_model(exported)
    with TrainerDevice(State(plan)) as device, Link(device.port) as link:
        link.push(found.state.to_bytes(), found.plan.digest)
        assert device.network.to_bytes() == state.to_bytes()
        assert link.hello().crc == state.crc


# --- what is refused ------------------------------------------------------------------------------


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_model(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[Callable[[onnx.ModelProto], None]], str]:
    """Return a function that changes an export by `change` and returns the sentence that refuses
    the file.
    """

    def refuse(change: Callable[[onnx.ModelProto], None]) -> str:
        exported = export(a_model(), "integer")
        change(exported)
        return refusal(tmp_path / "m.onnx", exported.SerializeToString())

    return refuse


def set_entry(exported: onnx.ModelProto, key: str, value: str) -> None:
    (entry,) = (entry for entry in exported.metadata_props if entry.key == f"ska_edge.{key}")
    entry.value = value


def set_tensor(exported: onnx.ModelProto, name: str, change: Callable[[np.ndarray], None]) -> None:
    (tensor,) = (tensor for tensor in exported.graph.initializer if tensor.name == name)
    values = numpy_helper.to_array(tensor).copy()
    change(values)
    tensor.CopyFrom(numpy_helper.from_array(values, name))


def test_a_foreign_model_is_refused(refused, tmp_path: Path) -> None:
    assert "was not exported by ska-edge" in refused(lambda m: m.ClearField("metadata_props"))
    assert "was not exported by ska-edge" in refusal(tmp_path / "m.onnx", b"")
    assert "is no ONNX file, or it is damaged" in refusal(tmp_path / "m.onnx", b"hello, world")


def test_the_float_form_is_refused(tmp_path: Path) -> None:
    content = export(a_model(), "float").SerializeToString()
    assert "--form integer" in refusal(tmp_path / "m.onnx", content)


def test_an_export_without_a_state_is_refused(refused) -> None:
    def strip(exported: onnx.ModelProto) -> None:
        kept = [e for e in exported.metadata_props if e.key in ("ska_edge.form", "ska_edge.digest")]
        del exported.metadata_props[:]
        exported.metadata_props.extend(kept)

    assert "has no state" in refused(strip)


@pytest.mark.parametrize("name", ["layer0_weight", "layer1_weight", "layer0_bias", "layer1_bias"])
def test_a_tensor_that_was_changed_is_named(refused, name: str) -> None:
    def change(values: np.ndarray) -> None:
        values.flat[-1] ^= 1

    sentence = refused(lambda m: set_tensor(m, name, change))
    assert f"was changed after its export: the tensor {name} is not" in sentence


def test_a_tensor_too_many_or_too_few_is_named(refused) -> None:
    extra = numpy_helper.from_array(np.zeros(3), "another")
    assert "the tensor another" in refused(lambda m: m.graph.initializer.append(extra))
    assert "the tensor " in refused(lambda m: m.graph.initializer.pop())


def test_a_tensor_that_cannot_be_read_is_named(refused) -> None:
    def spoil(exported: onnx.ModelProto) -> None:
        exported.graph.initializer[0].raw_data = b"123"

    assert "cannot be read" in refused(spoil)


def node(exported: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    return [found for found in exported.graph.node if found.op_type == operator][-1]


def rename(message: onnx.NodeProto, operator: str) -> None:
    message.op_type = operator


def set_location(exported: onnx.ModelProto) -> None:
    exported.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL


CHANGES: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "the class that decides least": (lambda m: rename(node(m, "ArgMax"), "ArgMin"), "the node"),
    "another operator": (lambda m: rename(node(m, "Add"), "Sub"), "the node"),
    "an operator of others": (lambda m: setattr(node(m, "Add"), "domain", "mine"), "the node"),
    "an attribute": (lambda m: setattr(node(m, "ArgMax").attribute[0], "i", 0), "the node"),
    "another edge": (lambda m: node(m, "Add").input.reverse(), "the node"),
    "a node less": (lambda m: m.graph.node.pop(), "the node"),
    "a node more": (lambda m: m.graph.node.add(op_type="Relu"), "the node"),
    "another input": (lambda m: setattr(m.graph.input[0], "name", "x"), "the input 0"),
    "another type": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 5),
        "the input 0",
    ),
    "an output less": (lambda m: m.graph.output.pop(), "the output 1"),
    "another opset": (lambda m: setattr(m.opset_import[0], "version", 12), "its operators"),
    "an opset more": (lambda m: m.opset_import.add(domain="mine"), "its operators"),
    "another format": (lambda m: setattr(m, "ir_version", 7), "its operators"),
    "a function": (lambda m: m.functions.add(name="Relu"), "outside of the graph"),
    "a tensor twice": (
        lambda m: m.graph.initializer.add().CopyFrom(m.graph.initializer[0]),
        "the tensor layer0_weight",
    ),
    "a tensor in another file": (set_location, "the tensor layer0_weight"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_graph_that_was_changed_is_refused(refused, name: str) -> None:
    change, place = CHANGES[name]
    sentence = refused(change)
    assert "was changed after its export" in sentence
    assert place in sentence


def test_names_and_texts_of_a_graph_may_change(tmp_path: Path) -> None:
    exported = onnx.shape_inference.infer_shapes(export(a_model(), "integer"))
    exported.producer_name, exported.doc_string, exported.graph.name = "mine", "a text", "mine"
    for number, found in enumerate(exported.graph.node):
        found.name, found.doc_string = f"node {number}", "a text"
    assert exported.graph.value_info
    save(exported, tmp_path / "m.onnx")
    assert_same(open_model(tmp_path / "m.onnx"), a_model())


def set_part(exported: onnx.ModelProto, key: str, value: str) -> None:
    """Change one entry of ska-edge's metadata, and seal the metadata again."""
    set_entry(exported, key, value)
    metadata = {entry.key: entry.value for entry in exported.metadata_props}
    set_entry(exported, "content", content_digest(metadata))


BAD_PARTS = ("", "x", "-1", "nan", "[[]]", '{"seed": "x"}', "-" + "9" * 5000, "[" * 9999)


@pytest.mark.parametrize("key", ["step", "state", "input_mean", "input_limit", "ranges", "notes"])
@pytest.mark.parametrize("value", BAD_PARTS, ids=range(len(BAD_PARTS)))
def test_a_part_that_was_edited_and_sealed_again_is_refused(refused, key: str, value: str) -> None:
    sentence = refused(lambda m: set_part(m, key, value))
    assert "is damaged" in sentence


@pytest.mark.parametrize(
    ("key", "value"),
    [("step", "8"), ("state", "AAAA"), ("input_mean", "0 0 0"), ("plan", "{}"), ("notes", "{}")],
)
def test_metadata_that_were_changed_are_refused(refused, key: str, value: str) -> None:
    assert "do not match their digest" in refused(lambda m: set_entry(m, key, value))


def test_metadata_of_other_programs_are_ignored(tmp_path: Path) -> None:
    exported = export(a_model(), "integer")
    entry = exported.metadata_props.add()
    entry.key, entry.value = "description", "mine"
    save(exported, tmp_path / "m.onnx")
    assert_same(open_model(tmp_path / "m.onnx"), a_model())


def test_damage_anywhere_is_refused_or_changes_no_bit_of_the_model(tmp_path: Path) -> None:
    model, path = a_model(), tmp_path / "m.onnx"
    good = export(model, "integer").SerializeToString()
    taken = 0
    for number, position in enumerate(range(0, len(good), 64)):
        bad = bytearray(good)
        bad[position] ^= 1 << number % 8
        path.write_bytes(bad)
        try:
            found = open_model(path)
        except InputError as error:
            assert "\n" not in str(error)
            continue
        assert_same(found, model)  # the flipped bit does not affect the model
        taken += 1
    assert taken < len(good) / 64
    for length in range(0, len(good), 64):
        refusal(path, good[:length])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no ONNX file"):
        open_model(tmp_path / "none.onnx")
    with pytest.raises(InputError, match="cannot read"):
        open_model(tmp_path)
