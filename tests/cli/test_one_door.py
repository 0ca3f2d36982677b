"""Every command takes either a model file or an integer ONNX file, whatever its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import pytest

from ska_edge.cli.main import main
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import export, save


def commands_with_a_model() -> set[str]:
    return {
        name
        for name, command in main.commands.items()
        for parameter in command.params
        if parameter.name == "model" or (name == "train" and parameter.name == "start")
        if isinstance(parameter.type, click.Path)
    }


@pytest.mark.parametrize("form", ["ska", "onnx"])
def test_every_command_reads_both_kinds(
    ska_edge, iris: Model, iris_file: Path, start_board, form: str
) -> None:
    model = Path("a-model")
    if form == "ska":
        shutil.copy(iris_file, model)
    else:
        save(export(iris, "integer"), model)
    port = start_board("host", "fw")
    rows = ("iris", "--port", port, "--samples", 3)
    arguments: dict[str, tuple[object, ...]] = {
        "inspect": (model,),
        "eval": (model, "iris"),
        "predict": (model, "iris"),
        "export": (model, "-o", "again.onnx"),
        "firmware": (model, "--board", "host", "-o", "written"),
        "monitor": (model, *rows, "--log", "log.jsonl"),  # the device has learned nothing yet
        "replay": ("log.jsonl", model),
        "pull": (model, "-o", "pulled.ska", "--port", port),
        "push": (model, "--port", port),
        "verify": (model, *rows),
        "train": ("iris", "--from", model, "-o", "on.ska", "--epochs", 1),
    }
    assert {*arguments, "teach"} == commands_with_a_model()
    for command, given in arguments.items():
        outcome = ska_edge(command, *given, "--json")
        assert outcome.code == 0, (command, outcome)
        assert outcome.document()
    assert ska_edge("eval", model, "iris", "--json").document()["digest"] == iris.plan.digest
    # This model has no spare class, and `teach` says so after it has read the model.
    assert "spare" in ska_edge("teach", model, "wave", "--port", port).refusal(2)
