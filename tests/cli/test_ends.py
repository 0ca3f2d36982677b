"""A command ends with the right exit code and last message, even if its output streams fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ska_edge.cli.commands import train as train_command
from ska_edge.model.model_file import Model
from tests.cli.conftest import Run
from tests.cli.test_unprinted import stream
from tests.logbook import Logbook
from tests.signals import heeded

QUICK = ("--hidden", "3", "--epochs", "1")

IMPORTED_STUBBORNLY = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            try:
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(10 ** 6):
                    pass
            except KeyboardInterrupt:
                pass  # as some compiled modules do

sys.meta_path.insert(0, Interrupting())
sys.argv = ["ska-edge", "boards"]
from ska_edge.__main__ import main
main()
"""


def test_ctrl_c_while_modules_are_imported_is_one_line() -> None:
    with heeded():
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED_STUBBORNLY],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "ska-edge: stopped\n")


def interrupted(*_: object, **__: object) -> Any:
    """Fail like a print during which Ctrl-C arrives and the reader of the pipe ends."""
    try:
        raise KeyboardInterrupt
    finally:
        raise BrokenPipeError


def test_a_pipe_that_breaks_after_ctrl_c_leaves_the_exit_code(
    ska_edge: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_command, "train_model", interrupted)
    outcome = ska_edge("train", "iris", "-o", "m.ska", *QUICK)
    assert outcome.code == 130
    assert "Traceback" not in outcome.err
    assert outcome.err.splitlines()[-1] == "ska-edge: stopped"


def test_a_checkpoint_after_ctrl_c_is_kept_without_a_reader(
    ska_edge: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    original = train_command.train_model
    monkeypatch.setattr(
        train_command,
        "train_model",
        lambda data, options, _, say: original(data, options, stop, say),
    )
    with stream("stderr", "closed"):
        outcome = ska_edge("train", "iris", "-o", "m.ska", *QUICK, "--checkpoint", "c.ska")
    assert outcome.code == 130
    assert Path("c.ska").exists()


# --- a document with --json, whatever happened ----------------------------------------------------


def test_a_replay_that_fails_its_check_prints_a_document(
    ska_edge: Run, iris_file: Path, iris: Model
) -> None:
    book = Logbook(iris)
    book.learn(3)
    book.write(Path("steps.jsonl"))
    lines = Path("steps.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [number for number, line in enumerate(lines) if "predicted" in line]
    line = json.loads(lines[rows[1]])
    line["decisions"][0] += 1
    lines[rows[1]] = json.dumps(line)
    Path("steps.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    outcome = ska_edge("replay", "steps.jsonl", iris_file, "--json")
    assert outcome.code == 1
    assert outcome.err == f"ska-edge: {outcome.document()['error']}\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("inspect", "none.ska"), 2),
        (("build", "none"), 2),
        (("train", "iris", "-o", "m.ska", "--rate", "0"), 2),
        (("pull", "MODEL", "-o", "p.ska", "--port", "/dev/none"), 3),
    ],
)
def test_an_error_is_a_document_too(
    ska_edge: Run, iris_file: Path, arguments: tuple[str, ...], code: int
) -> None:
    given = [iris_file if word == "MODEL" else word for word in arguments]
    outcome = ska_edge(*given, "--json")
    assert outcome.code == code
    assert outcome.err == f"ska-edge: {outcome.document()['error']}\n"
    assert ska_edge(*given).out == ""


def test_a_command_with_an_error_prints_one_document(
    ska_edge: Run, iris_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = ska_edge("monitor", iris_file, "iris", "--port", "/dev/none", "--json")
    assert outcome.code == 3
    assert outcome.document()["devices"][0]["error"] in outcome.err
