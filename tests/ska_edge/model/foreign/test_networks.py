"""Networks from other programs decide alike on our layers in float, and almost alike in integers.

The scripts in tests/data/foreign wrote the fixtures with the exporters of these programs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.errors import InputError
from ska_edge.model.foreign.graph import read_foreign
from ska_edge.model.foreign.network import ForeignNetwork
from ska_edge.model.open import open_start
from ska_edge.model.scaling import Scaling
from ska_edge.rules.reference import Reference
from ska_edge.training.options import Options
from ska_edge.training.preparation.foreign import import_network
from ska_edge.training.train import train
from tests.ska_edge.model.foreign.graphs import FILES, graph, node


def network(name: str) -> ForeignNetwork:
    found = open_start(FILES / name)
    assert isinstance(found, ForeignNetwork)
    return found


def halves(name: str) -> Dataset:
    """Return digits with two classes: below 5, and the others."""
    digits = load(name)
    return replace(digits, y=(digits.y > 4).astype(np.int64), labels=("0", "1"))


FIXTURES = {
    "iris_tanh.onnx": ("iris", (4, 8, 3)),
    "iris_columns.onnx": ("iris", (4, 6, 5, 3)),
    "iris_linear.onnx": ("iris", (4, 3)),
    "iris_relu.onnx": ("iris", (4, 8, 3)),
    "cancer.onnx": ("breast_cancer", (30, 8, 4, 2)),
    "digits.onnx": ("digits", (64, 16, 10)),
    "torch_logits.onnx": ("iris", (4, 6, 3)),
    "torch_outside.onnx": ("digits", (64, 12, 10)),
    "torch_shaped.onnx": ("digits", (64, 8, 2)),
    "keras_digits.onnx": ("digits", (64, 16, 10)),
}


@pytest.mark.parametrize("name", FIXTURES)
def test_a_real_file_decides_alike_in_float_and_almost_alike_in_integers(name: str) -> None:
    data, sizes = FIXTURES[name]
    read = network(name)
    dataset = halves(data) if name == "torch_shaped.onnx" else load(data)
    made = import_network(read, dataset, Options())
    assert made.model.plan.sizes == sizes
    found = made.compare(read)
    assert found.accuracy["file"] > 0.95
    assert found.same["float"] >= 0.995 * found.rows  # inputs beyond the format are clipped
    assert found.same["fixed"] >= 0.98 * found.rows
    assert found.accuracy["fixed"] >= found.accuracy["file"] - 0.01


def test_a_file_for_a_fixed_number_of_rows_is_compared_in_parts(tmp_path: Path) -> None:
    exported = onnx.load(FILES / "iris_tanh.onnx")
    exported.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    del exported.graph.output[1:]  # only the label is left
    path = tmp_path / "m.onnx"
    path.write_bytes(exported.SerializeToString())
    read = open_start(path)
    assert isinstance(read, ForeignNetwork)
    assert import_network(read, load("iris"), Options()).compare(read).same["float"] == 150


def test_an_imported_network_continues_to_learn() -> None:
    digits = load("digits").take(np.arange(600))
    gains = np.random.default_rng(0).uniform(0.3, 3, digits.x.shape[1])
    options = Options(start=FILES / "digits.onnx", scale="none", epochs=3)
    trained = train(replace(digits, x=digits.x * gains / 16), options)
    assert trained.before is not None
    before, after = trained.before["fixed"]["train"], trained.accuracy["fixed"]["train"]
    assert before is not None
    assert after is not None
    assert before < 0.5 < 0.9 < after
    assert trained.changes == {}


def test_an_import_takes_options_of_learning_but_not_of_the_network() -> None:
    options = Options(rule="feedback", precision="w32a16", rate=0.01, scale="none")
    made = import_network(network("iris_tanh.onnx"), load("iris"), options)
    assert (made.model.plan.rule, made.model.plan.precision) == ("feedback", "w32a16")
    assert not made.model.scaling.mean.any()
    with pytest.raises(InputError, match="become sigmoid, which cannot change"):
        import_network(network("iris_tanh.onnx"), load("iris"), Options(activation="relu"))
    with pytest.raises(InputError, match="hidden layers of 8, which cannot change"):
        import_network(network("iris_tanh.onnx"), load("iris"), Options(hidden=(3,)))


def test_class_names_of_the_file_are_matched_with_the_data() -> None:
    cancer = load("breast_cancer")
    made = import_network(network("cancer.onnx"), cancer, Options())
    assert made.model.plan.labels == ("benign", "malignant")
    assert cancer.labels == ("malignant", "benign")
    with pytest.raises(InputError, match=r"iris has 4 features, but .* has 30 inputs"):
        network("cancer.onnx").matched(load("iris"))
    other = replace(load("iris"), labels=("a", "b", "c"))
    with pytest.raises(InputError, match="has the class 'a', which the model does not know"):
        network("iris_tanh.onnx").matched(other)


def test_numbered_classes_get_the_sorted_labels_and_a_remark() -> None:
    made = network("torch_logits.onnx").matched(load("iris"))
    assert made.labels == ("setosa", "versicolor", "virginica")
    assert "0 is setosa, 1 is versicolor" in made.remarks[-1]
    two = load("iris").take(load("iris").y < 2)
    few = replace(two, labels=("setosa", "versicolor"))
    with pytest.raises(InputError, match="has 3 classes without names, and 'iris' has 2"):
        network("torch_logits.onnx").matched(few)


def test_features_are_matched_by_the_names_of_the_inputs() -> None:
    iris = load("iris")
    names = ("petal width (cm)", "petal length (cm)", "sepal width (cm)", "sepal length (cm)")
    turned = replace(iris, x=iris.x[:, ::-1], features=names)
    np.testing.assert_array_equal(network("iris_columns.onnx").matched(turned).x, iris.x)
    unknown = replace(iris, features=("a", "b", "c", "d"))
    np.testing.assert_array_equal(network("iris_columns.onnx").matched(unknown).x, iris.x)


# --- random chains of layers, compared with onnx's reference evaluator ----------------------------


@st.composite
def chains(draw: st.DrawFn) -> tuple[onnx.ModelProto, np.ndarray]:
    """Return a random network with elementwise operators between its layers, and rows for it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    width, side = 6, (2, 3)
    nodes, tensors, last = [], {}, "x"

    def add(operator: str, *constants: np.ndarray, **attributes: object) -> None:
        nonlocal last
        names = [f"c{len(tensors) + at}" for at in range(len(constants))]
        tensors.update(zip(names, constants, strict=True))
        nodes.append(node(operator, " ".join([last, *names]), f"e{len(nodes)}", **attributes))
        last = f"e{len(nodes) - 1}"

    if draw(st.booleans()):
        add("Transpose", perm=[0, 2, 1])
    add("Reshape", np.array([-1, 6])) if draw(st.booleans()) else add("Flatten")
    activations = draw(st.sampled_from([["Sigmoid", "Tanh"], ["Relu"]]))
    for _ in range(draw(st.integers(1, 3))):
        for _ in range(draw(st.integers(0, 3))):
            row = rng.uniform(0.5, 2, width)
            operator = draw(st.sampled_from(["Sub", "Div", "Mul", "Add", "Neg", "Identity"]))
            add(operator, *([row] if operator in ("Sub", "Div", "Mul", "Add") else []))
        out = draw(st.integers(2, 5))
        matrix, bias = rng.normal(size=(width, out)), rng.normal(size=out)
        if draw(st.booleans()):
            add("MatMul", matrix)
            add("Add", bias[None])
        else:
            add("Gemm", matrix.T, bias, transB=1, alpha=0.5, beta=2.0)
        width = out
        add(draw(st.sampled_from(activations)))
    add("MatMul", rng.normal(size=(width, 3)))
    add(draw(st.sampled_from(["Sigmoid", "Softmax", "Identity"])))
    nodes[-1].output[0] = "y"
    return graph(nodes, tensors, side), rng.normal(size=(20, 6))


@settings(max_examples=60, deadline=None)
@given(chains())
def test_a_random_chain_computes_the_same(chain: tuple[onnx.ModelProto, np.ndarray]) -> None:
    exported, x = chain
    expected = ReferenceEvaluator(exported).run(["y"], {"x": x.reshape(-1, 2, 3).astype("f4")})[0]
    read = read_foreign(FILES / "random.onnx", exported)
    scaling = Scaling.fit(x, "standardize")
    relu = read.activation == "relu"
    twin = Reference(read.parameters(scaling, x), "feedback", 0.1, relu=relu)
    got = twin.infer(scaling.apply(x))
    if read.output.activation == "Sigmoid":
        np.testing.assert_allclose(got, expected, atol=1e-4)
    best = expected.argmax(axis=1)
    rows = np.arange(len(x))
    assert (expected[rows, got.argmax(axis=1)] >= expected[rows, best] - 1e-4).all()
