"""Count the instructions of a learning step on a Cortex-M4, by function and per weight.

`make profile` runs it. The image is built from `bench_size.c` for the board virtual-m4. Its
functions run in Unicorn on the first 200 samples of digits, and every instruction is counted.
"""

from __future__ import annotations

import bisect
import importlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

from firmware_gen.bench.bench import Task
from firmware_gen.board import Board, load_board
from firmware_gen.build import build
from firmware_gen.emulators.cortex_m4 import Machine
from firmware_gen.project import write_project
from tests.bench.baseline import task

BOARD = "virtual-m4"
KERNELS = {"infer": "forward", "learn": "passes_change"}
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
        self._arm: Any = importlib.import_module("unicorn.arm_const")
        unicorn: Any = importlib.import_module("unicorn")
        self._machine = Machine(elf, board, _NoWire()).unicorn
        assert board.memory is not None
        self._stack = board.memory.ram.origin + board.memory.ram.size
        self._end = board.memory.flash.origin + board.memory.flash.size - 2
        symbols = _symbols(elf)
        self.addresses = {name: start for start, name in symbols}
        functions = sorted(symbols)
        starts = [start for start, _ in functions]
        self.counts: Counter[str] = Counter()

        def count(_engine: Any, address: int, _size: int, _data: Any) -> None:
            self.counts[functions[bisect.bisect_right(starts, address) - 1][1]] += 1

        self._machine.hook_add(unicorn.UC_HOOK_CODE, count)

    def call(self, function: str, *arguments: int) -> Counter[str]:
        """Call a function; return the number of executed instructions per function."""
        self.counts.clear()
        registers = (self._arm.UC_ARM_REG_R0, self._arm.UC_ARM_REG_R1, self._arm.UC_ARM_REG_R2)
        for register, value in zip(registers, arguments, strict=False):
            self._machine.reg_write(register, value)
        self._machine.reg_write(self._arm.UC_ARM_REG_SP, self._stack)
        self._machine.reg_write(self._arm.UC_ARM_REG_LR, self._end | 1)
        self._machine.emu_start(self.addresses[function] | 1, self._end)
        return Counter(self.counts)

    def write(self, variable: str, data: bytes) -> None:
        self._machine.mem_write(self.addresses[variable], data)


class _NoWire:
    """A wire on which nothing is read or written."""

    def read(self, limit: int) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


def _symbols(elf: Path) -> list[tuple[int, str]]:
    with elf.open("rb") as stream:
        table: Any = ELFFile(stream).get_section_by_name(".symtab")
        kinds = ("STT_FUNC", "STT_OBJECT")
        return [
            (symbol["st_value"] & ~1, symbol.name.split(".")[0])
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] in kinds
        ]


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
        network, x = found.addresses["network"], found.addresses["x"]
        found.call("ska_init", network)
        for sample, label in zip(work.inputs, work.labels.tolist(), strict=True):
            found.write("x", np.asarray(sample, dtype=np.int8).tobytes())
            totals["infer"] += found.call("ska_infer", network, x)
            totals["learn"] += found.call("ska_learn", network, x, label)
    return totals


def main() -> None:
    """Print the table."""
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
