"""Scripts can rely on each command's help, JSON document, keys of this document, and exit codes."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import ska_edge.cli
from firmware_gen.board.board import Board, board_names
from ska_edge.cli.commands import evaluate
from ska_edge.cli.groups import GROUPS
from ska_edge.cli.main import main
from ska_edge.data.builtin.catalog import builtin_names
from ska_edge.device.port.port import PortInfo
from ska_edge.model.model_file import Model

COMMANDS = sorted(main.commands)


def test_the_commands_are_those_of_the_main_job() -> None:
    wanted = "boards build data eval export firmware flash inspect monitor ports run train verify"
    assert set(wanted.split()) <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_it_does_and_shows_an_example(name: str, ska_edge) -> None:
    outcome = ska_edge(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: ska-edge {name} ")
    assert f"Example:  ska-edge {name}" in " ".join(outcome.out.split("\n")).replace("   ", " ")
    assert "--json" in outcome.out
    assert outcome.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_an_example_exists(name: str) -> None:
    command = main.commands[name]
    assert command.epilog is not None
    known = {text for option in command.params for text in (*option.opts, *option.secondary_opts)}
    example = command.epilog.split("Example:")[1].split("&&")[0]
    used = [word for word in example.split() if word.startswith("-")]
    assert set(used) <= known


def test_the_group_shows_help_and_version(ska_edge) -> None:
    assert all(name in ska_edge("--help").out for name in COMMANDS)
    assert ska_edge("train", "-h").code == 0


def test_without_a_command_the_help_is_shown(ska_edge) -> None:
    outcome = ska_edge()
    assert outcome.code == 2
    assert outcome.err.splitlines() == ska_edge("--help").out.splitlines()


def test_the_help_lists_every_command_in_one_group() -> None:
    modules = pkgutil.walk_packages(ska_edge.cli.__path__, "ska_edge.cli.")
    found = {
        value.name
        for module in modules
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, click.Command) and value is not main
    }
    assert found == set(COMMANDS)
    assert [c.name for group in GROUPS.values() for c, _ in group] == list(main.commands)
    assert len(found) == sum(len(group) for group in GROUPS.values())


def test_the_help_shows_groups_and_data_in_80_columns(ska_edge, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = ska_edge("--help").out
    assert max(map(len, text.splitlines())) <= 80
    titles = [line[:-1] for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert titles == ["Options", *GROUPS, "Built-in data"]
    for group in GROUPS.values():
        for command, phrase in group:
            assert re.search(rf"^  {command.name} +{re.escape(phrase)}$", text, re.M)
    listed = text.split("Built-in data:")[1]
    assert tuple(" ".join(listed.split()).split(", ")) == builtin_names()


def test_it_runs_as_a_module() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "ska_edge", "boards", "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.stdout.startswith("{")


# --- the keys of each document --------------------------------------------------------------------


def assert_accuracy(document: dict, *, train: bool = True) -> None:
    assert set(document["accuracy"]) == {"float", "fixed"}
    for parts in document["accuracy"].values():
        assert set(parts) == {"train", "test"}
        assert 0.3 < parts["test"] <= 1.0  # a fraction, not percent
        assert (parts["train"] is not None) == train


def test_the_document_of_data(ska_edge) -> None:
    pytest.importorskip("sklearn")
    outcome = ska_edge("data", "iris", "-o", "iris.npz", "--json")
    document = outcome.document()
    assert outcome.code == 0
    assert (document["rows"], document["features"]) == (150, 4)
    assert document["classes"] == {"setosa": 50, "versicolor": 50, "virginica": 50}
    assert document["output"] == "iris.npz"
    again = ska_edge("data", "iris.npz", "--json").document()
    assert (again["rows"], again["classes"]) == (150, document["classes"])


def test_the_document_of_train(ska_edge) -> None:
    pytest.importorskip("sklearn")
    arguments = ("train", "iris", "-o", "iris.ska", "--hidden", "4", "--epochs", "2")
    outcome = ska_edge(*arguments, "--log", "steps.jsonl", "--json")
    document = outcome.document()
    assert outcome.code == 0
    assert_accuracy(document)
    assert document["parameters"] == 4 * 4 + 4 + 4 * 3 + 3
    assert document["model"] == "iris.ska"
    assert int(document["digest"], 16) > 0 and len(document["digest"]) == 16
    assert len(Path("steps.jsonl").read_text().splitlines()) == 2 * 120
    plain = ska_edge(*arguments)
    assert plain.code == 0
    assert "parameters, plan" in plain.out and plain.err == ""


def test_the_document_of_eval(ska_edge, iris_file: Path) -> None:
    outcome = ska_edge("eval", iris_file, "iris", "--json")
    document = outcome.document()
    assert outcome.code == 0
    assert_accuracy(document)
    assert {"parameters", "digest", "model"} <= set(document)
    assert sum(map(sum, document["confusion"])) == 30


def test_eval_agrees_with_train(ska_edge) -> None:
    pytest.importorskip("sklearn")
    options = ("--hidden", "4", "--epochs", "1", "--seed", "3", "--json")
    trained = ska_edge("train", "iris", "-o", "iris.ska", *options).document()
    assert (
        ska_edge("eval", "iris.ska", "iris", "--json").document()["accuracy"]
        == (trained["accuracy"])
    )


def test_the_document_of_inspect(ska_edge, iris_file: Path, iris: Model) -> None:
    outcome = ska_edge("inspect", iris_file, "--json")
    document = outcome.document()
    assert outcome.code == 0
    assert document["sizes"] == [4, 4, 3]
    assert document["digest"] == iris.plan.digest
    assert document["parameter_bytes"] == 2 * document["parameters"] == 70
    assert document["accumulator"] == max(bound["width"] for bound in document["proof"])
    assert [t["tensor"] for t in document["tensors"]] == ["weight", "bias"] * 2
    assert "range proof" in ska_edge("inspect", iris_file).out


@pytest.mark.parametrize("form", ["integer", "float"])
def test_the_document_of_export(ska_edge, iris_file: Path, form: str) -> None:
    outcome = ska_edge(
        "export", iris_file, "-o", "i.onnx", "--form", form, "--data", "iris", "--json"
    )
    document = outcome.document()
    assert outcome.code == 0
    assert document["rows"] == 150
    assert document["mismatches"] == 0 if form == "integer" else document["mismatches"] < 5
    assert Path("i.onnx").stat().st_size > 0


def test_export_that_differs_exits_1_with_its_document(
    ska_edge, iris_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ska_edge.cli.commands import export
    from ska_edge.model.evaluation import Agreement

    monkeypatch.setattr(export, "compare", lambda *_: Agreement(rows=9, mismatches=2))
    outcome = ska_edge("export", iris_file, "-o", "i.onnx", "--json")
    assert outcome.code == 1
    assert outcome.document()["mismatches"] == 2
    assert outcome.document()["output"] is None and not Path("i.onnx").exists()
    assert "differs from the trainer in 2 of 9 rows" in outcome.err.splitlines()[-1]


def test_the_documents_of_firmware_and_build(
    ska_edge, iris_file: Path, iris: Model, require_board: Callable[[str], Board]
) -> None:
    require_board("virtual-m4")
    outcome = ska_edge("firmware", iris_file, "--board", "virtual-m4", "-o", "fw", "--json")
    assert outcome.code == 0
    assert outcome.document() == {
        "output": "fw",
        "board": "virtual-m4",
        "name": "ska",
        "raw_inputs": [],
        "digest": iris.plan.digest,
    }
    built = ska_edge("build", "fw", "--json")
    document = built.document()
    assert built.code == 0
    assert document["fits"] is True
    assert 1000 < document["flash"] < document["flash_size"]
    assert 70 < document["ram"] + document["stack"] < document["ram_size"]
    assert Path(document["elf"]).is_file()


def test_build_as_a_shared_library(ska_edge, iris_file: Path, require_toolchain) -> None:
    require_toolchain("cc")
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "fw").code == 0
    built = ska_edge("build", "fw", "--as", "shared-library", "--toolchain", "cc", "--json")
    document = built.document()
    assert built.code == 0
    assert set(document) == {"library", "toolchain", "headers"}
    assert Path(document["library"]).is_file()
    names = {path.name for folder in document["headers"] for path in Path(folder).glob("*.h")}
    assert {"ska.h", "ska_library.h"} <= names
    assert ska_edge("firmware", iris_file, "--board", "virtual-m4", "-o", "m4").code == 0
    refused = ska_edge("build", "m4", "--as", "shared-library").refusal(2)
    assert "has no sources of a shared library" in refused


def test_build_that_does_not_fit_exits_1_with_its_document(
    ska_edge, iris_file: Path, require_board: Callable[[str], Board]
) -> None:
    require_board("virtual-m4")
    assert ska_edge("firmware", iris_file, "-o", "fw").code == 0
    description = Path("fw/board/board.toml")
    text = description.read_text()
    assert "size = 0x0002_0000" in text
    description.write_text(text.replace("size = 0x0002_0000", "size = 256"))
    outcome = ska_edge("build", "fw", "--json")
    document = outcome.document()
    assert outcome.code == 1
    assert (document["fits"], document["ram_size"]) == (False, 256)
    last = outcome.err.splitlines()[-1]
    assert last.startswith("ska-edge: fw does not fit board virtual-m4") and "of 256 bytes" in last
    assert "does not fit" in ska_edge("flash", "fw").refusal(1)


def test_the_document_of_boards(ska_edge) -> None:
    outcome = ska_edge("boards", "--json")
    assert outcome.code == 0
    found = outcome.document()["boards"]
    assert [board["name"] for board in found] == list(board_names())
    for board in found:
        assert {"title", "core", "status", "missing"} <= set(board)
    plain = ska_edge("boards")
    assert all(name in plain.out for name in board_names()) and plain.err == ""


def test_the_document_of_ports(ska_edge) -> None:
    outcome = ska_edge("ports", "--json")
    assert outcome.code == 0
    assert isinstance(outcome.document()["ports"], list)
    assert ska_edge("ports").err == ""


def test_ports_tell_the_serial_number(ska_edge, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        PortInfo("/dev/ttyACM0", "a board", True, "E6614"),
        PortInfo("/dev/ttyS0", "n/a", False),
    ]
    monkeypatch.setattr("ska_edge.cli.commands.boards.list_ports", lambda: found)
    assert ska_edge("ports", "--json").document()["ports"] == [
        {"port": "/dev/ttyACM0", "what": "a board", "serial_number": "E6614"},
        {"port": "/dev/ttyS0", "what": "n/a", "serial_number": None},
    ]
    table = ska_edge("ports").out
    assert "serial number" in table and "E6614" in table and "None" not in table


# --- exit codes that all commands share ---------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Return a function that makes the command `boards` raise an exception."""

    def fail(error: BaseException) -> None:
        @click.command()
        def boards() -> None:
            raise error

        monkeypatch.setitem(main.commands, "boards", boards)

    return fail


def test_a_defect_is_one_sentence_and_a_traceback_with_debug(ska_edge, failing) -> None:
    failing(ZeroDivisionError("division by zero"))
    outcome = ska_edge("boards")
    assert outcome.code == 70
    assert len(outcome.err.splitlines()) == 1 and "--debug" in outcome.err
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "boards"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "iris", "--json"), "Missing option '-o' / '--output'."),
        (("train", "iris", "-o", "m.ska", "--rule", "x", "--json"), "'x' is not one of"),
        (("eval", "--json", "--nope"), "--nope"),
        (("instruct", "iris", "--json"), "No such command 'instruct'."),
        (("eval", "none.ska", "iris", "--json"), "none.ska"),
        (("data", "iris", "-o", "none/x.npz", "--json"), "there is no folder none"),
    ],
)
def test_every_error_has_a_document(ska_edge, arguments: tuple[str, ...], sentence: str) -> None:
    outcome = ska_edge(*arguments)
    assert outcome.code == 2 and list(outcome.document()) == ["error"]
    assert sentence in outcome.document()["error"]
    assert sentence in outcome.err


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left", "x.ska")])
def test_every_kind_of_error_has_a_document(
    ska_edge, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_name: str) -> None:
        raise error

    monkeypatch.setattr(evaluate, "open_model", fail)
    outcome = ska_edge("eval", "m.ska", "iris", "--json")
    assert outcome.code == 2
    assert f"ska-edge: {outcome.document()['error']}" == outcome.err.strip()


def test_too_little_memory_is_bad_input(ska_edge, failing) -> None:
    failing(MemoryError())
    assert "not enough memory" in ska_edge("boards").refusal(2)


def test_a_file_that_nobody_expected_is_bad_input(ska_edge, failing) -> None:
    failing(OSError(28, "No space left on device", "/somewhere/full"))
    assert "/somewhere/full: No space left" in ska_edge("boards").refusal(2)


def test_debug_shows_the_traceback_of_bad_input(ska_edge) -> None:
    outcome = ska_edge("--debug", "inspect", "none.ska")
    assert outcome.code == 2
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("ska-edge: ")


def test_text_from_files_is_not_markup(ska_edge) -> None:
    rows = [f"{n},{n * n % 7},{label}" for n in range(5) for label in ("[/x]", "[red]q", ":smile:")]
    Path("odd[b].csv").write_text("a,b,label\n" + "\n".join(rows) + "\n")
    outcome = ska_edge("data", "odd[b].csv")
    assert outcome.code == 0, outcome
    for text in ("odd[b]", "[/x]", "[red]q", ":smile:"):
        assert text in outcome.out
    assert ska_edge("train", "odd[b].csv", "-o", "o.ska", "--hidden", "", "--epochs", "1").code == 0
    assert "[red]q" in ska_edge("eval", "o.ska", "odd[b].csv").out


def test_labels_may_be_in_any_column(ska_edge) -> None:
    rows = [f"{'ab'[n % 2]},{n},{-n}" for n in range(20)]
    Path("first.csv").write_text("\n".join(["kind,p,q", *rows]) + "\n")
    arguments = ("first.csv", "--label-column", "kind", "--json")
    assert ska_edge("data", *arguments).document()["classes"] == {"a": 10, "b": 10}
    trained = ska_edge("train", *arguments, "-o", "m.ska", "--hidden", "2", "--epochs", "1")
    assert trained.document()["parameters"] == 12
    assert ska_edge("eval", "m.ska", *arguments).code == 0


def test_a_closed_pipe_gives_exit_code_141() -> None:
    program = [sys.executable, "-m", "ska_edge", "boards"]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(program, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(write)
    assert done.returncode == 141
    assert done.stderr == ""
