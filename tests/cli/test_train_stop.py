"""After Ctrl-C, `train` leaves a checkpoint, which is a model, or says that nothing was kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ska_edge.model.open import open_model


def stopped(number: int, *options: str) -> tuple[int, str]:
    """Send a signal to a training while it learns; return its exit code and messages."""
    data = "\n".join(f"{n % 7},{n % 5},{'ab'[n % 7 > 3]}" for n in range(40))
    Path("rows.csv").write_text(f"p,q,label\n{data}\n")
    os.mkfifo("steps")  # the log is a pipe, so the test can wait for its lines
    program = [sys.executable, "-m", "ska_edge", "train", "rows.csv", "-o", "m.ska"]
    epochs = ("--hidden", "4", "--epochs", "300")
    with subprocess.Popen(
        [*program, *epochs, "--log", "steps", *options],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            with open("steps") as steps:
                steps.read(100_000)  # by then the fixed-point phase has begun
                process.send_signal(number)
                steps.read()
            assert process.stderr is not None
            messages = process.stderr.read()
        finally:
            process.kill()
    return process.wait(), messages


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_leaves_its_checkpoint(ska_edge, number: int, code: int) -> None:
    found, messages = stopped(number, "--checkpoint", "c.ska")
    assert found == code, messages
    first, last = filter(None, messages.splitlines())
    notes = open_model(Path("c.ska")).notes["stopped"]
    assert 9_600 < notes["done"] < notes["of"] == 2 * 300 * 32
    done = f"{notes['done']} of {notes['of']} samples"
    assert (first, last) == (f"c.ska holds what was learned in {done}", "ska-edge: stopped")
    assert not Path("m.ska").exists()
    assert ska_edge("eval", "c.ska", "rows.csv").code == 0
    onward = ("train", "rows.csv", "-o", "m.ska", "--from", "c.ska", "--checkpoint", "c.ska")
    assert ska_edge(*onward, "--epochs", "1").code == 0


def test_a_stopped_training_without_a_checkpoint_says_that_nothing_is_kept() -> None:
    found, messages = stopped(signal.SIGINT)
    assert found == 130
    assert list(filter(None, messages.splitlines())) == [
        "nothing of this training was kept; --checkpoint FILE would keep it",
        "ska-edge: stopped",
    ]
    assert sorted(os.listdir()) == ["rows.csv", "steps"]
