"""Measures a plan on a board: instructions or cycles per call, and the memory of the library.

Each measured program becomes three images: one that measures itself on the board (bench_main.c),
the smallest firmware that uses the library (bench_size.c), and the same firmware with empty
stand-ins for the library (bench_nothing.c). Only the first image runs on the board; the other
two give the sizes. The model of cycles calls functions of the second image.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from firmware_gen import toolchains
from firmware_gen.bench.model import Modelled, modelled
from firmware_gen.bench.report import Report, ask
from firmware_gen.bench.task import Task
from firmware_gen.board.board import Board, board_names, load_board
from firmware_gen.board.counter import Counter
from firmware_gen.build import BuildReport, build
from firmware_gen.emit.bench import emit_network, emit_samples, emit_weights
from firmware_gen.emulators.flash import start
from firmware_gen.project import RUNTIME, write_project
from ska_edge.errors import CheckError, InputError
from ska_edge.wire.frame import crc16

SOURCES = Path(__file__).parent
TOLERANCE = 1000
"""The counter may be wrong by one unit in this many units."""
FLOAT_FLAGS = ("-DBENCH_FLOAT=1", "-ffp-contract=fast")
"""Flags for float programs. The second allows the fused multiply-add, which -std=c99 alone forbids.
"""
HEAP_OF_RAM = 2
"""The measured image of a program with a library has 1 / HEAP_OF_RAM of the RAM as its heap."""


@dataclass(frozen=True)
class Compared:
    """A program to compare with the library.

    Attributes:
        program: a C file with another implementation of the network; see bench/bench_network.h.
        library: the folder of a library that the program includes. A program with a library gets
            the C library of the compiler and a heap.
    """

    program: Path
    library: Path | None = None

    def check(self) -> None:
        """Raise InputError if the file or the folder does not exist."""
        if not self.program.is_file():
            raise InputError(f"there is no file {self.program} to compare with")
        if self.library is not None and not self.library.is_dir():
            raise InputError(f"there is no folder {self.library} with a library")

    def flags(self, heap: int) -> tuple[str, ...]:
        """Return the compiler's flags for this program with `heap` bytes of heap."""
        libraries = () if self.library is None else ("-lm", "-lc")
        return (*FLOAT_FLAGS, *self.library_flags(heap), *libraries)

    def library_flags(self, heap: int) -> tuple[str, ...]:
        """Return the flags that let the program include its library, on any board or computer."""
        if self.library is None:
            return ()
        # A library's folder is a system folder for the compiler, so the compiler does not warn
        # about the files in it.
        beside, library = str(self.program.resolve().parent), str(self.library.resolve())
        return ("-I", beside, "-isystem", library, "-DNDEBUG", f"-DBENCH_HEAP={heap}")


@dataclass(frozen=True)
class Calls:
    """The measured calls of one program.

    Attributes:
        infer, learn: units of the counter per call, mean over the samples.
        right: number of samples that were classified correctly before they were learned.
    """

    infer: float
    learn: float
    right: int


@dataclass(frozen=True)
class Figures(Calls):
    """The measured figures of one program: its calls, and its memory.

    Attributes:
        flash, ram, stack: bytes of the smallest firmware that infers and learns; ram includes the
            heap. stack is the bound from the call graph. If there is no such bound, stack is the
            number of bytes that a run used, or None if the run did not measure it.
        code: bytes of code and tables of the library or of the compared program, without the
            initial weights.
    """

    flash: int
    ram: int
    stack: int | None
    code: int


@dataclass(frozen=True)
class Benchmark:
    """The result: figures of our library, and of the compared program.

    `later` are the calls of the later tasks, in their order. `modelled` has the cycles of the first
    task, then of each later task with the same plan; it is None if the core has no model, or the
    model's package is missing. `units` is the known length of a loop; `counted` is the length that
    the counter measured. `compiler` is the name and version that the compiler reports.
    """

    own: Figures
    compared: Figures | None
    later: tuple[Calls, ...]
    modelled: tuple[Modelled, ...] | None
    units: int
    counted: float
    toolchain: str
    compiler: str


def counter_of(board: Board) -> Counter:
    """Return the board's counter; raise InputError if there is none or the board is hardware, and
    ToolError if its emulator is missing.
    """
    if board.counter is None:
        able = [name for name in board_names() if load_board(name).counter is not None]
        raise InputError(
            f"board {board.name} has no counter, so nothing can be measured on it; choose one of "
            f"{', '.join(able)}"
        )
    board.check_startable()
    return board.counter


def bench(
    board: Board,
    task: Task,
    folder: Path,
    *,
    optimize: str | None = None,
    toolchain: str | None = None,
    compare: Compared | None = None,
    later: Sequence[Task] = (),
) -> Benchmark:
    """Measure a task on a board; the projects are written to `folder`.

    `optimize` overrides the board's optimization level. `compare` is another implementation of the
    same network. `later` are tasks of the same network with other initial parameters. Their calls
    are measured, but not their memory. Their cycles are modelled only if their plan equals the plan
    of `task`.

    Raises:
        InputError: the board has no counter or no such toolchain, or a file or folder of `compare`
            does not exist.
        ToolError: a compiler, an emulator or a package is missing or cannot be run.
        CheckError: a compiler rejected a source, an image does not fit, the counter disagrees with
            board.toml or is too narrow for a learning step, or the device learned other weights
            than the host.
        DeviceError: the board does not start or does not answer.
    """
    counter = counter_of(board)
    if compare is not None:
        compare.check()
    bench = _Bench(board, counter, task, folder, optimize, toolchain)
    report = bench.learned("own")
    counted = counter.units(report.loop - report.empty)
    if abs(counted - report.units) * TOLERANCE > report.units:
        raise CheckError(
            f"the counter of board {board.name} counts {counted:.0f} {counter.unit} for a loop of "
            f"{report.units}; correct per_tick or arguments in [counter] of its board.toml"
        )
    smallest = bench.smallest("own", report)
    own = bench.figures("own", report, smallest)
    after = [replace(bench, task=each) for each in later]
    calls = [each.calls(each.learned(f"own-later-{i}")) for i, each in enumerate(after)]
    same = [each for each in later if each.plan == task.plan]  # the image has the code of this plan
    cycles = modelled(smallest.elf, board, [task, *same])
    compared = None
    if compare is not None:
        bench.compare = compare
        report_of_other = bench.run("compared")
        smallest = bench.smallest("compared", report_of_other)
        compared = bench.figures("compared", report_of_other, smallest)
    assert bench.built is not None
    found = toolchains.choose([bench.built.toolchain])
    compiler = found.name, found.version()
    return Benchmark(own, compared, tuple(calls), cycles, report.units, counted, *compiler)


@dataclass
class _Bench:
    """One run of `bench`: the folder of its projects, and their build options."""

    board: Board
    counter: Counter
    task: Task
    folder: Path
    optimize: str | None
    toolchain: str | None
    compare: Compared | None = None
    built: BuildReport | None = None

    def run(self, name: str) -> Report:
        project = self._project(name, ["bench_main.c"])
        ram = 0 if self.board.memory is None else self.board.memory.ram.size
        self._build(project, heap=ram // HEAP_OF_RAM, measuring=True)
        with start(project, self.counter.arguments) as running:
            report = ask(running)
        if report.learn <= report.infer:
            raise CheckError(
                f"on board {self.board.name} a learning step takes more than the"
                f" {self.counter.bits} bits of the counter can count; choose a smaller network"
            )
        return report

    def learned(self, name: str) -> Report:
        """Run our own image; check that it learned the host's weights, and return its report."""
        report, task = self.run(name), self.task
        expected = crc16(task.bytes(task.learned))
        if report.weights != expected:
            raise CheckError(
                f"after {len(task.labels)} samples the weights on board {self.board.name} are not"
                f" the host's (CRC {report.weights:04x} instead of {expected:04x}), so its figures"
                " are worthless; find the first difference with ska-edge verify"
            )
        return report

    def calls(self, report: Report) -> Calls:
        samples = report.samples
        return Calls(
            infer=self.counter.units(report.infer - samples * report.empty) / samples,
            learn=self.counter.units(report.learn - samples * report.empty) / samples,
            right=report.right,
        )

    def smallest(self, name: str, report: Report) -> BuildReport:
        project = self._project(f"{name}-size", ["bench_size.c"])
        return self._build(project, heap=max(report.heap, 1))

    def figures(self, name: str, report: Report, whole: BuildReport) -> Figures:
        without = self._build(
            self._project(f"{name}-nothing", ["bench_size.c", "bench_nothing.c"], library=False),
            heap=max(report.heap, 1),
        )
        weights = self.task.plan.parameter_bytes
        if self.compare is not None:
            weights = 4 * sum(tensor.size for tensor in self.task.start)
        return Figures(
            **vars(self.calls(report)),
            flash=whole.flash,
            ram=whole.ram,
            stack=report.stack if whole.stack is None else whole.stack,
            code=whole.flash - without.flash - weights,
        )

    def _project(self, name: str, sources: Sequence[str], *, library: bool = True) -> Path:
        project, task = self.folder / name, self.task
        write_project(task.plan, task.initial, str(self.board.folder), project)
        into = project / "src"
        (into / "ska_main.c").unlink()  # the benchmark has its own main
        if self.compare is not None:
            for source in into.iterdir():
                source.unlink()
            for header in ("ska_board.h", "ska_const.h", "ska_storage.h"):
                shutil.copyfile(RUNTIME / header, into / header)
            (into / "bench_weights.h").write_text(emit_weights(task.start), encoding="utf-8")
            if library:
                shutil.copyfile(self.compare.program, into / "bench_compared.c")
        elif not library:
            (into / "ska.c").unlink()
        for source in (*SOURCES.glob("*.h"), *(SOURCES / source for source in sources)):
            shutil.copyfile(source, into / source.name)
        (into / "bench_data.h").write_text(
            emit_network(task.plan, len(task.labels), self.counter.bits), encoding="utf-8"
        )
        (into / "bench_samples.h").write_text(
            emit_samples(task.plan, task.inputs, task.labels), encoding="utf-8"
        )
        return project

    def _build(self, project: Path, *, heap: int, measuring: bool = False) -> BuildReport:
        flags = [] if self.optimize is None else [self.optimize]
        if self.compare is None:
            flags.append("-DBENCH_FLOAT=0")
        else:
            flags += [*self._float_flags(), *self.compare.flags(heap)]
        # The compiler's software routines for float may jump through tables, so the stack of a
        # float program may have no known bound.
        self.built = build(
            project,
            flags=flags,
            toolchain=self.toolchain,
            measuring=measuring,
            bounded=self.compare is None,
        )
        if not self.built.fits:
            raise CheckError(
                f"the image {project.name} does not fit board {self.board.name} "
                f"({self.built.flash} bytes of flash, {self.built.ram} of RAM); "
                "choose fewer features, a smaller network or a larger board"
            )
        return self.built

    def _float_flags(self) -> tuple[str, ...]:
        """Return the floating-point flags for the compiler that built the library's own images."""
        assert self.built is not None
        name = self.built.toolchain
        return next(c.float_flags for c in self.board.toolchains if c.name == name)
