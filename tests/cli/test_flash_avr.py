"""`flash` writes an image with avrdude; the board's boot loader receives it and then starts it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.boot_loader import OPTIBOOT, STK500V2, BootLoader
from tests.conftest import without
from tests.firmware_gen.export.arduino_core import HARDWARE, INSTALL

Built = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def tools() -> None:
    if shutil.which("avrdude") is None:
        without("avrdude is not installed: apt-get install avrdude")
    if not HARDWARE.is_dir():
        without(INSTALL)


@pytest.mark.parametrize("loader", [OPTIBOOT, STK500V2], ids=lambda loader: loader.board)
def test_avrdude_writes_an_image_that_then_runs(
    loader: BootLoader, ska_edge, built: Built, iris_file: Path, tmp_path: Path
) -> None:
    project = built(loader.board, "fw")
    with loader.running(tmp_path) as port:
        flashed = ska_edge("flash", project, "--port", port, "--trust", "--json")
        assert flashed.code == 0, flashed.err
        assert flashed.document()["tool"] == "avrdude"
        assert flashed.document()["flashed"] is True
        # This opens the port, which resets the board: the boot loader gets the first HELLO.
        outcome = ska_edge("verify", iris_file, "iris", "--samples", 20, "--port", port)
        assert outcome.code == 0, outcome.err
        assert "device and host are equal" in outcome.out


def test_a_reset_by_the_port_returns_an_uno_to_its_last_save(
    ska_edge, built: Built, iris_file: Path, tmp_path: Path
) -> None:
    project = built("uno", "fw")
    with OPTIBOOT.running(tmp_path) as port:
        assert ska_edge("flash", project, "--port", port, "--trust").code == 0
        for samples, more in [(12, ["--save"]), (8, [])]:
            words = ["--port", port, "--samples", samples, "--log", f"{samples}.jsonl", *more]
            assert ska_edge("monitor", iris_file, "iris", *words).code == 0
        pull = ["pull", iris_file, "--port", port, "--json"]
        assert ska_edge(*pull, "-o", "all.ska").document()["samples"] == 20
        # Now DTR falls when the port closes, as with other programs, so the next opening resets the
        # board.
        subprocess.run(["stty", "-F", port, "hupcl"], check=True)
        assert ska_edge(*pull, "-o", "saved.ska").document()["samples"] == 12


def test_a_failure_of_avrdude_refers_to_its_output(ska_edge, built: Built) -> None:
    outcome = ska_edge("flash", built("uno", "fw"), "--port", "/dev/none", "--trust")
    assert outcome.code == 3
    assert "avrdude failed with exit code 1; its output above says why" in outcome.err
