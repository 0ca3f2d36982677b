"""`train` and `monitor` warn about a training that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ska_edge.model.open import open_model

NO_UPDATES = ("--hidden", "4", "--rate", "0.00001")


def test_train_warns_in_text_and_document(ska_edge) -> None:
    pytest.importorskip("sklearn")
    sick = ska_edge("train", "iris", "-o", "m.ska", *NO_UPDATES, "--epochs", "2", "--json")
    assert sick.code == 0
    warnings = sick.document()["warnings"]
    assert ("vanishing updates", 1) in {(each["sign"], each["layer"]) for each in warnings}
    said = [line for line in sick.err.splitlines() if line.startswith("warning: ")]
    assert said == [f"warning: {each['text']}" for each in warnings]
    assert "raise --rate" in warnings[0]["text"]


def test_train_does_not_warn_about_a_healthy_training(ska_edge) -> None:
    pytest.importorskip("sklearn")
    healthy = ska_edge("train", "iris", "-o", "m.ska", "--hidden", "8", "--epochs", "5", "--json")
    assert healthy.document()["warnings"] == []
    assert "warning" not in healthy.err


def test_a_domain_too_far_is_among_the_warnings(ska_edge) -> None:
    pytest.importorskip("sklearn")
    assert ska_edge("train", "iris", "-o", "m.ska", "--hidden", "4", "--epochs", "2").code == 0
    lines = ska_edge("data", "iris", "-o", "iris.npz", "--json")
    assert lines.code == 0
    turn("iris.npz")
    again = ska_edge(
        "train", "iris.npz", "-o", "n.ska", "--from", "m.ska", "--epochs", "1", "--json"
    )
    first, *_ = again.document()["warnings"]
    assert (first["sign"], first["layer"]) == ("far domain", None)
    assert f"warning: {first['text']}" in again.err.splitlines()


def turn(path: str) -> None:
    """Give every row of a data file the label of another class."""
    import numpy as np

    with np.load(path) as content:
        arrays = {name: content[name] for name in content.files}
    arrays["y"] = (arrays["y"] + 1) % 3
    np.savez(path, **arrays)


def test_monitor_warns_below_its_table_in_its_log_and_in_its_document(
    ska_edge, write_host_project: Callable, launched: Callable[[Path], str]
) -> None:
    pytest.importorskip("sklearn")
    assert ska_edge("train", "iris", "-o", "m.ska", *NO_UPDATES, "--epochs", "1").code == 0
    port = launched(write_host_project(open_model(Path("m.ska")), Path("fw")))
    arguments = ("m.ska", "iris", "--port", port, "--log", "steps.jsonl", "--json")

    few = ska_edge("monitor", *arguments, "--samples", "19")
    assert few.document()["warnings"] == []
    assert "warning" not in few.err + Path("steps.jsonl").read_text()

    seen = ska_edge("monitor", *arguments, "--samples", "60")
    assert seen.code == 0, seen.err
    warnings = seen.document()["warnings"]
    assert ("vanishing updates", 1) in {(each["sign"], each["layer"]) for each in warnings}
    said = [line for line in seen.err.splitlines() if line.startswith("warning: ")]
    assert said == [f"warning: {each['text']}" for each in warnings]
    assert seen.err.index("zero updates") < seen.err.index("warning: ")  # the header comes first
    lines = [json.loads(line) for line in Path("steps.jsonl").read_text().splitlines()]
    logged = [line["warning"] for line in lines if "warning" in line]
    assert [set(each) for each in logged] == [{"sign", "layer", "text"}] * len(logged)
    assert {(e["sign"], e["layer"]) for e in warnings} <= {(e["sign"], e["layer"]) for e in logged}
    assert sum("sample" in line for line in lines) == 19 + 60  # the training continued
