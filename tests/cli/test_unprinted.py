"""A command whose output cannot be printed still does its work, and reports the failure."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.project import load_project
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from tests.logbook import Logbook
from tests.trainer_device import TrainerDevice

QUICK = ("--hidden", "3", "--epochs", "1")
FULL = "ska-edge: cannot use standard output: No space left on device\n"


@contextmanager
def stream(name: str, kind: str) -> Iterator[None]:
    """In this block a standard stream leads to a full disk or has no reader."""
    if kind == "full":
        number = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, number = os.pipe()
        os.close(reader)
    file = os.fdopen(number, "w", buffering=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, name, file)
        yield
    with contextlib.suppress(OSError):  # flushing its buffer fails, too
        file.close()


@pytest.fixture(params=["full", "closed"])
def end(request: pytest.FixtureRequest, ska_edge) -> Callable[..., None]:
    """Return a function that runs a command without usable output, and checks how it ends."""

    def run(*arguments: object) -> None:
        with stream("stdout", request.param):
            outcome = ska_edge(*arguments)
        if request.param == "full":
            assert outcome.code == 2
            assert outcome.err.endswith(FULL)
        else:
            assert outcome.code == 141
            assert "ska-edge:" not in outcome.err

    return run


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_train_keeps_what_it_learned(options: tuple[str, ...], end) -> None:
    end("train", "iris", "-o", "m.ska", *QUICK, *options)
    assert open_model(Path("m.ska")).plan.sizes == (4, 3, 3)


def test_data_and_export_and_firmware_write_their_files(end, iris_file: Path) -> None:
    end("data", "iris", "-o", "iris.npz")
    end("export", iris_file, "-o", "m.onnx")
    end("firmware", iris_file, "-o", "fw")
    assert Path("iris.npz").stat().st_size > 1000
    assert Path("m.onnx").stat().st_size > 1000
    assert load_project(Path("fw")).board == "virtual-m4"


def test_sweep_writes_its_picture(end) -> None:
    pytest.importorskip("joblib")
    pytest.importorskip("matplotlib")
    end("sweep", "iris", "-o", "s", *QUICK, "--seeds", "1", "--jobs", "1")
    assert Path("s/sweep.png").read_bytes().startswith(b"\x89PNG")
    assert len(Path("s/runs.jsonl").read_text().splitlines()) == 1


def test_replay_writes_the_state(end, iris_file: Path, iris: Model) -> None:
    book = Logbook(iris)
    book.learn(3)
    book.write(Path("steps.jsonl"))
    end("replay", "steps.jsonl", iris_file, "-o", "r.ska")
    assert open_model(Path("r.ska")).state.to_bytes() == book.state.to_bytes()


def test_pull_writes_the_state(end, iris_file: Path, iris: Model) -> None:
    with TrainerDevice(iris.state.flashed()) as device:
        end("pull", iris_file, "-o", "p.ska", "--port", device.port)
    assert open_model(Path("p.ska")).plan.digest == iris.plan.digest


def test_run_keeps_its_model(end, require_board: Callable[[str], Board]) -> None:
    require_board("host")
    end("run", "iris", "--board", "host", "-o", "r", *QUICK)
    assert open_model(Path("r/model.ska")).plan.sizes == (4, 3, 3)


def test_a_log_that_cannot_be_written_costs_no_training(ska_edge) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", *QUICK, "--log", "/dev/full")
    assert outcome.code == 2
    assert outcome.err == "ska-edge: cannot write /dev/full: No space left on device\n"
    assert open_model(Path("m.ska")).plan.sizes == (4, 3, 3)


@pytest.mark.parametrize("redirection", [">/dev/full", "| true"])
def test_the_end_of_the_interpreter_does_not_change_the_exit_code(redirection: str) -> None:
    # At exit the interpreter flushes the buffer again, which fails again.
    program = f"{sys.executable} -m ska_edge train iris -o m.ska {' '.join(QUICK)}"
    script = f"set -o pipefail; {program} {redirection}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    expected = (2, FULL) if redirection == ">/dev/full" else (141, "")
    assert (done.returncode, done.stderr) == expected
    assert open_model(Path("m.ska")).plan.sizes == (4, 3, 3)


@pytest.mark.parametrize(
    "arguments", [("inspect", "none.ska"), ("none",), ("--debug", "build", "x")]
)
@pytest.mark.parametrize("kind", ["full", "closed"])
def test_an_unusable_standard_error_does_not_change_the_exit_code(
    kind: str, arguments: tuple[str, ...], ska_edge
) -> None:
    with stream("stderr", kind):
        assert ska_edge(*arguments).code == 2


@pytest.mark.parametrize("name", ["é", "東京", "\udcff"], ids=ascii)
def test_characters_that_the_encoding_lacks_are_replaced(name: str, ska_edge) -> None:
    label = name.encode("utf-8", "replace").decode()
    rows = "".join(f"{n},{n},{(label, 'x')[n % 2]}\n" for n in range(9))
    Path(f"{name}.csv").write_text(f"a,b,label\n{rows}", encoding="utf-8")
    shown = io.BytesIO()
    command = ("train", f"{name}.csv", "-o", f"{name}.ska", *QUICK)
    with pytest.MonkeyPatch.context() as patched:
        ascii_stream = io.TextIOWrapper(shown, encoding="ascii", write_through=True)
        patched.setattr(sys, "stdout", ascii_stream)
        assert ska_edge(*command).code == 0
    assert Path(f"{name}.ska").exists()
    escaped = name.encode("unicode_escape").decode()
    assert f"wrote {escaped}.ska" in shown.getvalue().decode("ascii")
