"""Compile a model file into a program of your own, in which the network learns.

Without an argument, the example makes the model file: an untrained network 16-8-2, for the sensor
that main.c invents. The program uses only ska.c and the headers of the project, without the
protocol and the board files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import ska_edge
from firmware_gen.toolchains import choose

LIBRARY = ("ska.c",)  # the library's only C file; it includes the headers


def make_model(path: Path) -> None:
    """Write a model that has learned nothing; rows of the sensor choose its formats."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 200)
    high = np.eye(2)[labels].repeat(8, axis=1)
    x = 40 * high - 20 + random.integers(-32, 32, high.shape)
    ska_edge.train((x, labels), hidden=8, untrained=True).model.save(path)


def main(arguments: list[str]) -> None:
    """Write, compile and run the program."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        path = Path(arguments[0]) if arguments else Path(folder) / "sensor.ska"
        if not arguments:
            make_model(path)
        ska_edge.load(path).firmware(project, board="host")
        sources = project / "src"
        compiler = choose(("cc", "gcc", "clang", "zig"))
        options = ["-std=c99", "-Os", f"-I{sources}", str(Path(__file__).with_name("main.c"))]
        options += [str(sources / name) for name in LIBRARY]
        compiler.run([*options, "-o", "program"], project)
        result = subprocess.run([project / "program"], check=True, capture_output=True, text=True)
    sys.stdout.write(result.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
