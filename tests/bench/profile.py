"""Count the instructions of a learning step on a Cortex-M4, by function and per weight.

`make profile` runs it. The image has the library and a small main function, for the board
virtual-m4. Its functions run in Unicorn on samples of digits, and every instruction is counted.
"""

from __future__ import annotations

import bisect
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from firmware_gen.bench.task import Task
from firmware_gen.bench.trace import END, Block, Tracer
from firmware_gen.board.board import Board, load_board
from firmware_gen.build import build
from firmware_gen.project import write_project
from tests.bench.baseline import task

BOARD = "virtual-m4"
KERNELS = {"infer": "layers_forward", "learn": "passes_change"}
MAIN = """\
#include "ska.h"

static ska_t network;
static ska_signal_t x[SKA_INPUTS];
static volatile uint16_t label;

int main(void) {
    ska_init(&network);
    for (;;) {
        (void)ska_infer(&network, x);
        (void)ska_learn(&network, x, label);
    }
}
"""


class Profile:
    """Calls an image's functions one by one, and counts the instructions of every function."""

    def __init__(self, elf: Path, board: Board) -> None:
        self.image = Tracer(elf, board)
        self._functions = sorted((place, name) for name, place in self.image.symbols.items())

    def call(self, function: str, *arguments: int) -> Counter[str]:
        """Call a function; return the number of executed instructions per function."""
        counts: Counter[str] = Counter()
        for (_, block), times in self.image.call(function, *arguments).items():
            if block.address != END:
                counts[self._function(block)] += times * len(self.image.code(block))
        return counts

    def _function(self, block: Block) -> str:
        at = bisect.bisect_right(self._functions, (block.address, "\U0010ffff"))
        return self._functions[at - 1][1]


def profile(work: Task) -> dict[str, Counter[str]]:
    """Return the mean instructions of an inference and of a learning step, by function."""
    board = load_board(BOARD)
    totals: dict[str, Counter[str]] = {"infer": Counter(), "learn": Counter()}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(work.plan, work.initial, BOARD, project)
        for name in ("ska_main.c", "ska_frame.c"):
            (project / "src" / name).unlink()
        (project / "src" / "main.c").write_text(MAIN, encoding="utf-8")
        found = Profile(build(project).elf, board)
        network, x = found.image.symbols["network"], found.image.symbols["x"]
        found.call("ska_init", network)
        for sample, label in zip(work.inputs, work.labels.tolist(), strict=True):
            found.image.write(x, np.asarray(sample, dtype=np.int8).tobytes())
            totals["infer"] += found.call("ska_infer", network, x)
            totals["learn"] += found.call("ska_learn", network, x, label)
    return totals


def main() -> None:
    work = task("digits", (32,))
    weights = sum(layer.outputs * layer.inputs for layer in work.plan.layers)
    for name, counts in profile(work).items():
        samples = len(work.labels)
        print(f"{name}: {counts.total() / samples:,.1f} instructions")
        for function, count in counts.most_common():
            each = count / samples
            share = f"  {each / weights:.2f} a weight" if function == KERNELS[name] else ""
            print(f"  {function:<24}{each:>10,.1f}{share}")


if __name__ == "__main__":
    main()
