"""Counts the instructions of a front end: `python -m tests.bench.front` prints a table.

Samples of a normal distribution are pushed, six axes with two vectors, for windows of 200 samples
with hop 100.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from firmware_gen.bench.trace import END, Trace, Tracer
from firmware_gen.board.board import load_board
from firmware_gen.build import ELF_NAME, build
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.frontend.frontends import front_for
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from tests.bench.markdown import table

FRONT = front_for("statistics", 200, 100, ("ax", "ay", "az", "wx", "wy", "wz"))
BOARDS = ("qemu-m0", "virtual-m4")
MAIN = """\
#include "ska_board.h"
#include "ska_front.h"

ska_front_t front;
int16_t sample[SKA_FRONT_AXES];
ska_signal_t x[SKA_INPUTS];

int main(void) {
    ska_front_reset(&front);
    while (ska_front_push(&front, sample)) {
        ska_front_input(&front, x);
    }
    return x[0];
}
"""


def count(tracer: Tracer, trace: Trace) -> int:
    """Return the number of instructions in a trace."""
    blocks = ((block, times) for (_, block), times in trace.items() if block.address != END)
    return sum(times * len(tracer.code(block)) for block, times in blocks)


def measured(name: str, folder: Path) -> tuple[str, str, str, str]:
    """Return a row: the board, and the instructions of a sample (mean, most) and of a window."""
    plan = make_plan(
        (40, 2), input_format=QFormat(8, 4), raw=RawInput((70,) * 40, (9,) * 40, 11), front=FRONT
    )
    board = load_board(name)
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), name, folder)
    for path in (folder / "src").glob("*.c"):
        if path.name not in ("ska.c", "ska_front.c", "ska_front_part.c"):
            path.unlink()
    (folder / "src" / "ska_main.c").write_text(MAIN, encoding="utf-8")
    build(folder)
    tracer = Tracer(folder / "build" / ELF_NAME, board)
    places = [tracer.symbols[symbol] for symbol in ("front", "sample", "x")]
    tracer.call("ska_front_reset", places[0])
    rng, pushes = np.random.default_rng(0), []
    for _ in range(FRONT.length):
        tracer.write(places[1], rng.normal(0, 2000, FRONT.axes).astype("<i2").tobytes())
        pushes.append(count(tracer, tracer.call("ska_front_push", *places[:2])))
    window = count(tracer, tracer.call("ska_front_input", places[0], places[2]))
    return name, f"{np.mean(pushes):,.0f}", f"{max(pushes):,}", f"{window:,}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [measured(name, Path(folder) / name) for name in BOARDS]
    print(table(("board", "a sample, mean", "a sample, most", "a window"), rows))


if __name__ == "__main__":
    main()
