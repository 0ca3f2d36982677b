"""Counts the instructions of the front ends: `python -m tests.bench.front` prints five tables.

For `statistics`, samples of a normal distribution are pushed, six axes with two vectors, for
windows of 200 samples with hop 100. For `spectrum`, they have one axis, and windows of 256 and of
1024 samples have 16 bands. For `kernels`, windows of 150 samples of one axis and of 200 samples of
six axes have the default number of kernels, learned from random windows, and no levels. For `echo`,
the same windows have the default number of units. They have no overlap; those of six axes also
have a hop of half a window. For `patches`, features of an image of 28x28 random pixels are computed
with the default number of filters, whose weights are random.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from firmware_gen.bench.trace import END, Trace, Tracer
from firmware_gen.board.board import load_board
from firmware_gen.build import ELF_NAME, build
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.frontend.echo_learning import learned_echo
from ska_edge.frontend.front import Filters, Front
from ska_edge.frontend.frontends import feature_count, front_for
from ska_edge.frontend.kernel_learning import learned_kernels
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from tests.bench.markdown import table

AXES = ("ax", "ay", "az", "wx", "wy", "wz")
FRONT = front_for("statistics", 200, 100, AXES)
SPECTRA = [front_for("spectrum", length, length, ("a",), bands=16) for length in (256, 1024)]
IMAGE = Front(
    "patches",
    *(28, 28, 28),
    filters=Filters(
        weights=tuple(np.random.default_rng(1).integers(-60, 61, 16 * 25).tolist()),
    ),
)
KERNEL_WINDOWS = ((150, AXES[:1]), (200, AXES))
ECHO_WINDOWS = ((150, 150, AXES[:1]), (200, 200, AXES), (200, 100, AXES))  # length, hop, axes
BOARDS = ("qemu-m0", "qemu-m4")
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
IMAGE_MAIN = """\
#include "ska_board.h"
#include "ska_front.h"

uint8_t image[SKA_FRONT_PIXELS];
ska_signal_t x[SKA_INPUTS];

int main(void) {
    ska_front_image_input(image, x);
    return x[0];
}
"""


def with_kernels(length: int, axes: Sequence[str]) -> Front:
    """Return a front end with kernels that are learned from random windows."""
    front = front_for("kernels", length, length // 2, axes, levels=0)
    samples = np.random.default_rng(1).normal(0, 2000, (20, length, len(axes))).astype(np.int16)
    return replace(front, kernels=learned_kernels(front, samples, 5))


def with_echo(length: int, hop: int, axes: Sequence[str]) -> Front:
    """Return a front end with an echo that is learned from random windows."""
    front = front_for("echo", length, hop, axes)
    samples = np.random.default_rng(1).normal(0, 2000, (20, length, len(axes))).astype(np.int16)
    return replace(front, echo=learned_echo(front, samples, 5))


def count(tracer: Tracer, trace: Trace) -> int:
    """Return the number of instructions in a trace."""
    blocks = ((block, times) for (_, block), times in trace.items() if block.address != END)
    return sum(times * len(tracer.code(block)) for block, times in blocks)


def traced(name: str, front: Front, text: str, folder: Path) -> Tracer:
    """Build a front end and `text`, a main function that uses it, for a board."""
    inputs = feature_count(front)
    raw = RawInput((70,) * inputs, (9,) * inputs, 11)
    plan = make_plan((inputs, 2), input_format=QFormat(8, 4), raw=raw, front=front)
    board = load_board(name)
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), name, folder)
    for path in (folder / "src").glob("*.c"):
        if path.name not in ("ska.c", "ska_front.c", "ska_front_part.c"):
            path.unlink()
    (folder / "src" / "ska_main.c").write_text(text, encoding="utf-8")
    build(folder)
    return Tracer(folder / "build" / ELF_NAME, board)


def image(name: str, folder: Path) -> int:
    """Return the instructions of an image."""
    tracer = traced(name, IMAGE, IMAGE_MAIN, folder)
    places = [tracer.symbols[symbol] for symbol in ("image", "x")]
    pixels = np.random.default_rng(0).integers(0, 256, IMAGE.length * IMAGE.axes)
    tracer.write(places[0], pixels.astype(np.uint8).tobytes())
    return count(tracer, tracer.call("ska_front_image_input", *places))


def measured(name: str, front: Front, folder: Path) -> tuple[float, int, int]:
    """Return the instructions of a sample (mean, most) and of a window."""
    tracer = traced(name, front, MAIN, folder)
    places = [tracer.symbols[symbol] for symbol in ("front", "sample", "x")]
    tracer.call("ska_front_reset", places[0])
    rng, pushes = np.random.default_rng(0), []
    for _ in range(front.length):
        tracer.write(places[1], rng.normal(0, 2000, front.axes).astype("<i2").tobytes())
        pushes.append(count(tracer, tracer.call("ska_front_push", *places[:2])))
    window = count(tracer, tracer.call("ska_front_input", places[0], places[2]))
    return float(np.mean(pushes)), max(pushes), window


def figures(name: str, folder: Path) -> dict[str, float]:
    """Return the instructions of the front ends on a board, by the name of the figure."""
    sample, most, window = measured(name, FRONT, folder / "statistics")
    length, axes = KERNEL_WINDOWS[0]
    echo = measured(name, with_echo(*ECHO_WINDOWS[1]), folder / "echo")
    return {
        "front_sample": round(sample, 1),
        "front_sample_most": most,
        "front_window": window,
        "spectrum_window": measured(name, SPECTRA[0], folder / "spectrum")[2],
        "kernels_window": measured(name, with_kernels(length, axes), folder / "kernels")[2],
        "echo_sample": round(echo[0], 1),
        "echo_window": echo[2],
        "front_image": image(name, folder / "image"),
    }


def row(name: str, front: Front, folder: Path) -> tuple[str, ...]:
    """Return the cells of a board: its name, and the instructions as `measured` returns them."""
    return name, *(f"{value:,.0f}" for value in measured(name, front, folder))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(name, FRONT, Path(folder) / name) for name in BOARDS]
        spectra = [
            (str(front.length), *row(name, front, Path(folder) / f"{name}-{front.length}"))
            for front in SPECTRA
            for name in BOARDS
        ]
        kernels = [
            (str(length), str(len(axes)), *row(name, with_kernels(length, axes), place))
            for length, axes in KERNEL_WINDOWS
            for name in BOARDS
            for place in [Path(folder) / f"{name}-{length}"]
        ]
        echoes = [
            (str(length), str(hop), str(len(axes)), *row(name, with_echo(length, hop, axes), place))
            for length, hop, axes in ECHO_WINDOWS
            for name in BOARDS
            for place in [Path(folder) / f"{name}-{length}-{hop}-echo"]
        ]
        images = [(name, f"{image(name, Path(folder) / f'{name}-image'):,}") for name in BOARDS]
    print(table(("board", "a sample, mean", "a sample, most", "a window"), rows))
    print()
    print(table(("samples", "board", "a sample, mean", "a sample, most", "a window"), spectra))
    print()
    print(table(("samples", "axes", "board", "a sample, mean", "most", "a window"), kernels))
    print()
    print(table(("samples", "hop", "axes", "board", "a sample", "most", "a window"), echoes))
    print()
    print(table(("board", "an image"), images))


if __name__ == "__main__":
    main()
