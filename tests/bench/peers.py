"""Measure other libraries next to ours, with the same data, samples and steps.

Run it by `make peers`, or by `python -m tests.bench.peers --genann FOLDER ...`. Each option names
the folder with the sources of one library. Get these sources yourself; a library without a folder
is skipped. `tests/bench/peers` has a program for each library; it calls the library's functions and
has none of its code.

Instructions and memory come from `ska-edge bench --compare`. Accuracy comes from the same program
on this computer: 20 epochs of digits, at the rate that is best on a fifth of the training part.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_gen.bench.bench import Compared, Figures, bench
from firmware_gen.board.board import load_board
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.plain import split
from ska_edge.model.scaling import Scaling
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.baseline import CONSTANT, task
from tests.bench.host_program import HostProgram, host_program

HERE = Path(__file__).parent
DATA, HIDDEN, EPOCHS = "digits", (32,), 20
FACTORS = tuple(2.0**power for power in range(-4, 5))
"""The rates that are tried for a library, as multiples of our rate."""
HOST_HEAP = 1 << 22


@dataclass(frozen=True)
class Peer:
    """A library to compare with.

    Attributes:
        name: its name.
        program: the program that uses it, in tests/bench.
        source: where its authors publish it.
        method: the numbers that it computes with, and its loss.
    """

    name: str
    program: str
    source: str
    method: str


PEERS = {
    "genann": Peer(
        "Genann", "peers/with_genann.c", "github.com/codeplea/genann", "double, squared error"
    ),
    "tinn": Peer("Tinn", "peers/with_tinn.c", "github.com/glouw/tinn", "float, squared error"),
    "aifes": Peer(
        "AIfES 2",
        "peers/with_aifes.c",
        "github.com/Fraunhofer-IMS/AIfES_for_Arduino, folder src",
        "float, softmax",
    ),
    "kann": Peer("KANN", "peers/with_kann.c", "github.com/attractivechaos/kann", "float, softmax"),
    "odt": Peer(
        "TI ODT",
        "peers/with_odt.c",
        "TI's MCU SDKs, folder ai/common/ondevice_training",
        "float, ReLU, squared error",
    ),
}
PLAIN = Peer("plain C", "plain_float.c", "tests/bench/plain_float.c", "float, cross-entropy")

Rows = tuple[NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True)
class Learner:
    """A peer's program on this computer; it is compiled again for every rate."""

    peer: Peer
    library: Path | None

    def program(self, factor: float, folder: Path) -> HostProgram:
        """Compile and load the program with `factor` times our rate."""
        work = task(DATA, HIDDEN)
        compared = Compared(HERE / self.peer.program, self.library)
        rate = f"-DPEER_RATE=({factor}f * BENCH_RATE)"
        inner = folder / f"{factor}"
        inner.mkdir()
        flags = [rate, *compared.library_flags(HOST_HEAP)]
        return host_program(compared.program, work.plan, work.start, inner, flags)

    def accuracy(self, fit: Rows, test: Rows, factor: float, folder: Path) -> float:
        """Return the share of test rows that the program gets right after all epochs."""
        tested = self.program(factor, folder)
        rng = np.random.default_rng(0)
        for _ in range(EPOCHS):
            for row in rng.permutation(len(fit[1])):
                tested.learn(fit[0][row], int(fit[1][row]))
        return float(np.mean([tested.infer(x) == y for x, y in zip(*test, strict=True)]))


def best_accuracy(learner: Learner, fit: Dataset, test: Dataset) -> tuple[float, float]:
    """Return the test accuracy and the rate's factor. The factor is the best on a fifth of the
    training part.
    """
    scaling = Scaling.fit(fit.x, "standardize")

    def rows(part: Dataset) -> Rows:
        return scaling.apply(part.x).astype(np.float32), part.y

    inner, held_out = split(fit, 0.2, 1)
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(folder) / "tried"
        tried.mkdir()
        found = [learner.accuracy(rows(inner), rows(held_out), f, tried) for f in FACTORS]
        factor = FACTORS[int(np.argmax(found))]
        return learner.accuracy(rows(fit), rows(test), factor, Path(folder)), factor


def figures(board: str, peer: Peer, library: Path | None) -> tuple[Figures, Figures]:
    """Measure on a board; return the figures of our library and of the peer's program."""
    work, compared = task(DATA, HIDDEN), Compared(HERE / peer.program, library)
    with tempfile.TemporaryDirectory() as folder:
        found = bench(load_board(board), work, Path(folder), compare=compared)
    assert found.compared is not None
    return found.own, found.compared


def row(name: str, found: Figures, own: Figures, accuracy: float, method: str) -> str:
    memory = "-" if found.stack is None else f"{found.ram + found.stack:,}"
    cells = (
        name,
        method,
        f"{found.infer:,.0f}",
        f"{found.learn:,.0f}",
        f"{found.learn / own.learn:.1f}",
        memory,
        f"{found.code:,}",
        f"{100 * accuracy:.1f} %",
    )
    return f"| {' | '.join(cells)} |"


def main(board: str, libraries: dict[str, Path | None]) -> list[str]:
    """Return the lines of the table, then a line about each skipped library."""
    data = load(DATA)
    fit, test = split(data, 0.2, 0)
    ours = train(data, Options(hidden=HIDDEN, epochs=EPOCHS, **CONSTANT)).accuracy["fixed"]["test"]
    lines, skipped = [], []
    own: Figures | None = None
    for peer, library in [(PLAIN, None), *((PEERS[n], libraries[n]) for n in PEERS)]:
        if library is None and peer is not PLAIN:
            skipped.append(f"{peer.name} is skipped: give its sources ({peer.source})")
            continue
        own, found = figures(board, peer, library)
        accuracy, factor = best_accuracy(Learner(peer, library), fit, test)
        lines.append(row(peer.name, found, own, accuracy, f"{peer.method}, rate x{factor:g}"))
    assert own is not None and ours is not None
    head = [
        f"{board}, {DATA}, {'-'.join(map(str, task(DATA, HIDDEN).plan.sizes))}",
        "",
        "| library | method | per inference | per step | against ours | RAM | code | accuracy |",
        "|---|---|---|---|---|---|---|---|",
        row("ska-edge", own, own, ours, "16-bit integers, rule `local`"),
    ]
    return [*head, *lines, "", *skipped]


def _folders(arguments: Sequence[str] | None = None) -> tuple[str, dict[str, Path | None]]:
    parser = argparse.ArgumentParser(description=__doc__, prog="make peers")
    parser.add_argument("--board", default="qemu-m4")
    for name, peer in PEERS.items():
        parser.add_argument(f"--{name}", type=Path, help=f"folder: {peer.source}")
    found = vars(parser.parse_args(arguments))
    return found.pop("board"), found


if __name__ == "__main__":
    print("\n".join(main(*_folders())))
