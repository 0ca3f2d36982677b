"""Reads the figures of a firmware that measures itself, over the pseudo terminal of its board."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from dataclasses import dataclass

from firmware_gen.emulators.flash import RunningBoard
from ska_edge.errors import DeviceError

TIME_LIMIT_S = 300.0
"""A run takes a few seconds; only an emulated core without float hardware takes longer."""
QUESTION = b"?"
ATTEMPTS = 3
LINE = re.compile(rb"^([a-z]+) ([0-9a-f]{16})$", re.MULTILINE)


@dataclass(frozen=True)
class Report:
    """The report of bench_main.c, in ticks of the counter unless stated otherwise.

    Attributes:
        units, loop: the known length of a loop in units, and its measured length.
        empty: length of an empty measurement.
        infer, learn: sums over all samples.
        right: number of correctly classified samples.
        weights: CRC-16 of all parameters after the last sample.
        samples: number of samples.
        stack, heap: bytes used by a program with a library; None and 0 for other programs.
    """

    units: int
    loop: int
    empty: int
    infer: int
    learn: int
    right: int
    weights: int
    samples: int
    stack: int | None = None
    heap: int = 0


def ask(board: RunningBoard) -> Report:
    """Let a running board measure itself.

    A report that lacks a line is asked for again, because another program that has the same
    terminal open may have read the line. The board then measures the same calls once more.

    Raises:
        DeviceError: the board does not answer, or none of its answers is a report.
    """
    for _ in range(ATTEMPTS):
        text = _answer(board)
        found = {name.decode(): int(value, 16) for name, value in LINE.findall(text)}
        found["samples"] = found.pop("end", 0)
        with contextlib.suppress(TypeError):
            return Report(**found)
    raise DeviceError(
        f"board {board.name} sent an incomplete report in {ATTEMPTS} runs, {text[-60:]!r};"
        f" see {board.log}"
    )


def _answer(board: RunningBoard) -> bytes:
    """Return all bytes up to the line `end`."""
    import tty  # not every system has this, but systems that start boards have it

    try:
        port = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise DeviceError(f"cannot open {board.port}: {error.strerror}") from None
    try:
        tty.setraw(port)
        os.write(port, QUESTION)
        text, deadline = b"", time.monotonic() + TIME_LIMIT_S
        while not re.search(rb"^end .*\n", text, re.MULTILINE):
            if not board.alive():
                raise DeviceError(f"board {board.name} ended: {board.last_words()}")
            if time.monotonic() > deadline:
                raise DeviceError(
                    f"board {board.name} did not end its run within {TIME_LIMIT_S:.0f} s"
                    f" (so far {text[-60:]!r}); see {board.log}"
                )
            if select.select([port], [], [], 0.1)[0]:
                text += os.read(port, 4096)
        return text
    except OSError as error:
        raise DeviceError(f"the port {board.port} is gone ({error.strerror})") from None
    finally:
        os.close(port)
