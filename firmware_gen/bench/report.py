"""Ask a firmware that measures itself for its figures, over the pseudo terminal of its board."""

from __future__ import annotations

import os
import re
import select
import time
from dataclasses import dataclass

from firmware_gen.emulators.flash import RunningBoard
from ska_edge.errors import DeviceError

TIME_LIMIT_S = 300.0
"""A run takes a second or some; only an emulated core without hardware for float takes longer."""
QUESTION = b"?"
LINE = re.compile(rb"^([a-z]+) ([0-9a-f]{16})$", re.MULTILINE)


@dataclass(frozen=True)
class Report:
    """What bench_main.c sends, in ticks of the counter where nothing else is said.

    Attributes:
        units, loop: length of the loop of known length, in units; what the counter made of it.
        empty: a measurement of nothing.
        infer, learn: sums over all samples.
        right: samples that were classified rightly.
        weights: CRC-16 of all parameters after the last sample.
        samples: how many there were.
    """

    units: int
    loop: int
    empty: int
    infer: int
    learn: int
    right: int
    weights: int
    samples: int


def ask(board: RunningBoard) -> Report:
    """Let a running board measure itself.

    Raises:
        DeviceError: it does not answer, or answers something else.
    """
    text = _answer(board)
    found = {name.decode(): int(value, 16) for name, value in LINE.findall(text)}
    found["samples"] = found.pop("end", 0)
    try:
        return Report(**found)
    except TypeError:
        raise DeviceError(
            f"board {board.name} sent no whole report, only {text[-60:]!r}; see {board.log}"
        ) from None


def _answer(board: RunningBoard) -> bytes:
    """All that comes up to the line `end`."""
    import tty  # not every system has it; one that starts boards does

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
