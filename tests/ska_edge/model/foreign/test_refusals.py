"""A graph that no device can run is refused in one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ska_edge.errors import InputError
from ska_edge.model.foreign.graph import read_foreign
from ska_edge.model.open import open_model, open_start
from tests.ska_edge.model.foreign.graphs import FILES, graph, node

W, B = np.ones((4, 3)), np.ones(3)
LAYER = [node("MatMul", "x w", "z")]


def refusal(model: onnx.ModelProto, path: Path = Path("m.onnx")) -> str:
    with pytest.raises(InputError) as caught:
        read_foreign(path, model)
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("iris_normalizer.onnx", ["the operator Normalizer", "normalize the rows of your data"]),
        ("keras_normalization.onnx", ["has 3 inputs", "layer Normalization: leave it out"]),
    ],
)
def test_a_real_file_is_refused(name: str, words: Sequence[str]) -> None:
    with pytest.raises(InputError) as caught:
        open_start(FILES / name)
    assert all(word in str(caught.value) for word in words)


def test_commands_for_models_say_how_to_import() -> None:
    with pytest.raises(InputError, match=r"check-onnx .*iris_tanh.onnx DATA -o model.ska` imports"):
        open_model(FILES / "iris_tanh.onnx")


NODES: dict[str, tuple[list[onnx.NodeProto], str]] = {
    "an unknown operator": ([*LAYER, node("Cos", "z", "y")], "export the network without it"),
    "an operator of others": (
        [helper.make_node("MatMul", ["x", "w"], ["y"], domain="mine")],
        "the operator MatMul cannot be imported",
    ),
    "a convolution": ([node("Conv", "x w", "y")], "only fully connected layers"),
    "trees": ([node("TreeEnsembleClassifier", "x", "y")], "train an MLPClassifier"),
    "a quantized network": ([node("QuantizeLinear", "x w", "y")], "export the network in float"),
    "branches": (
        [*LAYER, node("Tanh", "z", "t"), node("Add", "z t", "y")],
        "it combines two branches",
    ),
    "joined branches": (
        [*LAYER, node("Tanh", "z", "t"), node("Concat", "z t", "y", axis=1)],
        "it combines two branches",
    ),
    "Relu in a part of the layers": (
        [*LAYER, node("Relu", "z", "r"), node("MatMul", "r square", "u"), node("Tanh", "u", "y")],
        "hidden layers with Relu and others without",
    ),
    "a layer after the softmax": (
        [*LAYER, node("Softmax", "z", "s"), node("Add", "s b", "y")],
        "must be the last operator",
    ),
    "a softmax over rows": ([*LAYER, node("Softmax", "z", "y", axis=0)], "not a softmax over"),
    "weights of another width": ([node("MatMul", "x b", "y")], "do not fit rows of [4]"),
    "a bias of another width": (
        [*LAYER, node("Add", "z four", "y")],
        "a constant of shape [4] does not fit rows of [3]",
    ),
    "a weight from the features": ([node("MatMul", "x x", "y")], "two branches"),
    "a constant from the left": ([node("MatMul", "four x", "y")], "rows come first"),
    "rows mixed by Gemm": ([node("Gemm", "x w", "y", transA=1)], "transA mixes different rows"),
    "rows mixed by Reshape": ([node("Reshape", "x pairs", "y")], "it mixes different rows"),
    "rows moved": ([node("Transpose", "x", "y", perm=[1, 0])], "moves the axis of the rows"),
    "rounding": ([node("Cast", "x", "y", to=TensorProto.INT8)], "rounds values"),
    "a division by zero": ([node("Div", "x zero", "y")], "divides by zero"),
    "a division by features": ([node("Div", "four x", "y")], "divides by the features"),
    "training mode": (
        [*LAYER, node("BatchNormalization", "z b b b b", "y", training_mode=1)],
        "evaluation mode",
    ),
    "an input from nowhere": ([node("MatMul", "x nothing", "y")], "nothing computes"),
    "an attribute of another type": ([node("Gemm", "x w", "y", alpha="x")], "is damaged"),
    "a column beyond the last": ([node("Gather", "x pairs", "y", axis=1)], "a column beyond 4"),
    "a regression": ([node("MatMul", "x one", "y")], "may be a regression"),
    "no path from input to output": ([node("Identity", "b", "y")], "does not depend on the input"),
    "too many class names": (
        [*LAYER, node("ZipMap", "z", "y", classlabels_int64s=[1, 2])],
        "names 2 classes, but the network has 3",
    ),
}
TENSORS = {
    "w": W,
    "b": B,
    "square": np.ones((3, 3)),
    "four": np.ones(4),
    "pairs": np.array([-1, 4, 2]),
    "zero": np.zeros(4),
    "one": np.ones((4, 1)),
}


@pytest.mark.parametrize("name", NODES)
def test_a_graph_is_refused(name: str) -> None:
    nodes, words = NODES[name]
    assert words in refusal(graph(nodes, TENSORS))


def test_inputs_and_tensors_are_checked() -> None:
    layer = [node("MatMul", "x w", "y")]
    assert "no fixed number of features" in refusal(graph(layer, {"w": W}, ("d",)))
    assert "no real numbers" in refusal(graph(layer, {"w": W}, kind=TensorProto.INT64))
    assert "not finite" in refusal(graph(layer, {"w": W * np.nan}))
    cut = graph(layer, {"w": W})
    cut.graph.initializer[0].raw_data = b"123"
    assert "the tensor 'w' is damaged" in refusal(cut)
    none = graph(layer, {"w": W})
    none.graph.ClearField("input")
    assert "has no input" in refusal(none)
    none = graph(layer, {"w": W})
    none.graph.ClearField("output")
    assert "has no output" in refusal(none)
    two = graph([*layer, node("Tanh", "y", "t")], {"w": W}, outputs=("y", "t"))
    assert "outputs of different layers" in refusal(two)


def test_a_layer_too_large_for_any_device_is_refused() -> None:
    narrow = [node("MatMul", "x a", "m"), node("MatMul", "m b", "y")]
    wide = {"a": np.ones((60000, 1)), "b": np.ones((1, 60000))}
    assert "60000 x 60000 weights" in refusal(graph(narrow, wide, (60000,)))
    assert "takes at most 65535" in refusal(graph(narrow, wide, (2**20,)))


def outside(location: str, length: int) -> onnx.ModelProto:
    model = graph([node("MatMul", "x w", "y")], {"w": W})
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", str(length)), ("offset", "4")):
        weights.external_data.add(key=key, value=value)
    return model


def test_tensors_are_read_only_from_a_file_beside_the_network(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    assert "w.bin, which is missing" in refusal(outside("w.bin", 48), path)
    (tmp_path / "w.bin").write_bytes(bytes(50))
    with pytest.raises(InputError, match=r"w.bin is cut"):
        read_foreign(path, outside("w.bin", 48))
    (tmp_path / "w.bin").write_bytes(bytes(4) + np.ones(12, dtype="<f4").tobytes())
    assert (
        read_foreign(path, outside("w.bin", 48)).output.weight.tolist() == np.ones((3, 4)).tolist()
    )
    for location in ("../w.bin", "/etc/passwd", "", "a/w.bin"):
        assert "save the network as one file" in refusal(outside(location, 48), path)
    (tmp_path / "link").symlink_to(tmp_path / "w.bin")
    with pytest.raises(InputError, match="link is not a file"):
        read_foreign(path, outside("link", 48))
    assert "bytes of tensors" in refusal(outside("w.bin", 2**40), path)


def test_damage_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    good, path = (FILES / "iris_tanh.onnx").read_bytes(), tmp_path / "m.onnx"
    for number, position in enumerate(range(0, len(good), 7)):
        bad = bytearray(good)
        bad[position] ^= 1 << number % 8
        path.write_bytes(bad)
        try:
            open_start(path)
        except InputError as error:
            assert "\n" not in str(error)
