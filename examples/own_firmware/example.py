"""Generate C for an untrained network and compile it into a separate program.

The program uses only ska.h, ska.c and the generated headers, without the protocol and the board
files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from firmware_gen.project import write_project
from firmware_gen.toolchains import choose
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.model.quantization import quantize_state
from ska_edge.network.twin import tensors_of
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters

SIZES = (16, 8, 2)
LIBRARY = ("ska.c",)  # the library's only C file; it includes the headers


def main() -> None:
    """Write, compile and run the program."""
    plan = make_plan(SIZES, rate=0.0625, input_format=QFormat(8, 5))
    state = quantize_state(plan, tensors_of(initial_parameters(SIZES, "local", seed=0)))
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(plan, state.parameters, "host", project)
        sources = project / "src"
        compiler = choose(("cc", "gcc", "clang", "zig"))
        arguments = ["-std=c99", "-Os", f"-I{sources}", str(Path(__file__).with_name("main.c"))]
        arguments += [str(sources / name) for name in LIBRARY]
        compiler.run([*arguments, "-o", "program"], project)
        result = subprocess.run([project / "program"], check=True, capture_output=True, text=True)
    sys.stdout.write(result.stdout)


if __name__ == "__main__":
    main()
