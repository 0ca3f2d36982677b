"""Compiles a program of `ska-edge bench --compare` for this computer, and loads it."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_gen import toolchains
from firmware_gen.bench.bench import SOURCES
from firmware_gen.emit.bench import emit_network, emit_weights
from ska_edge.plan.plan import Plan

FLAGS = (
    "-std=c99",
    "-O2",
    "-shared",
    "-fPIC",
    "-Wl,--no-undefined",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
)


@dataclass(frozen=True)
class HostProgram:
    """A loaded program: it classifies and learns rows of float32, each of shape (inputs,)."""

    library: ctypes.CDLL

    def begin(self) -> None:
        self.library.bench_init()

    def infer(self, x: NDArray[np.float32]) -> int:
        return int(self.library.bench_infer(_pointer(x)))

    def learn(self, x: NDArray[np.float32], label: int) -> None:
        self.library.bench_learn(_pointer(x), int(label))


def _pointer(x: NDArray[np.float32]) -> ctypes.c_void_p:
    assert x.dtype == np.float32 and x.flags.c_contiguous
    return ctypes.c_void_p(x.ctypes.data)


def host_program(
    source: Path,
    plan: Plan,
    weights: Sequence[NDArray[np.float64]],
    folder: Path,
    flags: Sequence[str] = (),
) -> HostProgram:
    """Compile `source` into `folder` and load it.

    `weights` has the initial W and b of each layer. `flags` come after all other flags.

    Raises:
        ToolError: this computer has no C compiler, or it cannot be run.
        CheckError: the compiler rejects the source.
    """
    compiler = toolchains.choose(toolchains.HOST)
    for header in SOURCES.glob("*.h"):
        shutil.copyfile(header, folder / header.name)
    (folder / "bench_data.h").write_text(emit_network(plan, 1, 32), encoding="utf-8")
    (folder / "bench_weights.h").write_text(emit_weights(weights), encoding="utf-8")
    compiler.run([*FLAGS, "-I", ".", str(source), *flags, "-lm", "-o", "program.so"], folder)
    loaded = HostProgram(ctypes.CDLL(str(folder / "program.so")))
    loaded.library.bench_infer.restype = ctypes.c_uint16
    loaded.begin()
    return loaded
