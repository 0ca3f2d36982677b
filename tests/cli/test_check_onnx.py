"""`check-onnx`, `train --from` and `firmware --data` take networks of other programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.model.open import open_model
from tests.ska_edge.model.foreign.graphs import FILES

IRIS = FILES / "iris_tanh.onnx"


def test_without_data_it_says_what_an_import_gives(ska_edge) -> None:
    outcome = ska_edge("check-onnx", IRIS)
    assert outcome.code == 0
    assert "by skl2onnx 1.20.0: 4-8-3" in outcome.out
    assert "Tanh" in outcome.out
    assert "setosa, versicolor, virginica" in outcome.out
    document = ska_edge("check-onnx", IRIS, "--json").document()
    assert [layer["activation"] for layer in document["layers"]] == ["Tanh", "Softmax"]
    assert document["accuracy"] is None


def test_with_data_it_compares_and_imports(ska_edge) -> None:
    outcome = ska_edge("check-onnx", IRIS, "iris", "-o", "m.ska", "--json", "--rate", "0.05")
    document = outcome.document()
    assert document["rows"] == 150
    assert document["same"]["float"] == document["same"]["file"] == 150
    assert document["same"]["fixed"] >= 148
    assert set(document["accuracy"]) == {"file", "float", "fixed"}
    assert ska_edge("eval", "m.ska", "iris").code == 0
    assert open_model(Path("m.ska")).plan.rate.real == pytest.approx(0.05, rel=1e-4)
    assert "iris_tanh.onnx" in ska_edge("inspect", "m.ska", "--json").out


def test_a_network_with_relu_becomes_a_model_with_relu(ska_edge) -> None:
    relu = FILES / "iris_relu.onnx"
    document = ska_edge("check-onnx", relu, "iris", "-o", "m.ska", "--json").document()
    assert document["layers"][0]["device"] == "equal"
    assert document["same"]["fixed"] >= 148
    assert open_model(Path("m.ska")).plan.activation == "relu"
    refused = ska_edge("check-onnx", relu, "iris", "-o", "n.ska", "--rule", "code").refusal(2)
    assert "relu needs --rule local or feedback" in refused


def test_wrong_uses_are_refused(ska_edge) -> None:
    ska_edge("check-onnx", IRIS, "iris", "-o", "m.ska")
    assert "name DATA beside --output" in ska_edge("check-onnx", IRIS, "-o", "n.ska").refusal(2)
    Path("plain.csv").write_text("a,b,label\n1,2,0\n3,4,1\n")
    sentence = ska_edge("check-onnx", "plain.csv").refusal(2)
    assert "plain.csv is not an ONNX file, or it is damaged" in sentence
    assert ska_edge("data", "iris", "-o", "plain.npz").code == 0
    assert "plain.npz is not an ONNX file" in ska_edge("check-onnx", "plain.npz").refusal(2)
    assert "`ska-edge eval m.ska DATA`" in ska_edge("check-onnx", "m.ska").refusal(2)
    assert ska_edge("export", "m.ska", "-o", "own.onnx").code == 0
    assert "`ska-edge eval own.onnx DATA`" in ska_edge("check-onnx", "own.onnx").refusal(2)
    assert "there is no" in ska_edge("check-onnx", "none.onnx").refusal(2)
    assert "has 64 features" in ska_edge("check-onnx", IRIS, "digits").refusal(2)
    published = ska_edge("check-onnx", IRIS, "iris", "--rule", "published")
    assert "--from continues with labels" in published.refusal(2)
    assert "check-onnx" in ska_edge("eval", IRIS, "iris").refusal(2)


def test_train_continues_from_it(ska_edge) -> None:
    arguments = ("train", "iris", "--from", IRIS, "--epochs", "2", "-o", "m.ska")
    document = ska_edge(*arguments, "--json").document()
    assert document["before"]["fixed"]["train"] > 0.95
    assert document["changes"] == {}
    assert ska_edge(*arguments, "--scale", "global").code == 0
    assert "leave --hidden out" in ska_edge(*arguments, "--hidden", "9").refusal(2)


def test_firmware_takes_it_with_data(ska_edge) -> None:
    arguments = ("firmware", IRIS, "--board", "host", "-o", "fw")
    assert "give --data, rows" in ska_edge(*arguments).refusal(2)
    assert ska_edge(*arguments, "--data", "iris").code == 0
    assert ska_edge("firmware", IRIS, "--as", "arduino", "-o", "lib", "--data", "iris").code == 0
    assert "setosa" in Path("fw/ska-project.json").read_text(encoding="utf-8")
    ska_edge("check-onnx", IRIS, "iris", "-o", "m.ska")
    refused = ska_edge("firmware", "m.ska", "--data", "iris", "-o", "x").refusal(2)
    assert "leave --data out" in refused


def test_a_device_continues_to_learn_with_it(ska_edge, require_board) -> None:
    require_board("virtual-m4")
    ska_edge("check-onnx", IRIS, "iris", "-o", "m.ska")
    outcome = ska_edge(
        "verify", "m.ska", "iris", "--board", "virtual-m4", "--samples", "30", "--json"
    )
    assert outcome.document()["equal"] is True
