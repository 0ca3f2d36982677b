"""Reads the figures of a firmware that measures itself, over the pseudo terminal of its board."""

from __future__ import annotations

import os
import re
import select
import time
from dataclasses import dataclass

from firmware_gen.emulators.flash import RunningBoard
from ska_edge.errors import DeviceError

TIME_LIMIT_S = 300.0
LOCK_LIMIT_S = 60.0
"""How long `ask` waits for another program that has locked the board's port."""
IDLE_LIMIT_S = 30.0
"""How long `ask` waits after the end of a run whose lines are incomplete. A board that has received
another byte begins the next run at once.
"""
POLL_S = 0.1
QUESTION = b"?"
LINE = re.compile(rb"^([a-z]+) ([0-9a-f]{16})$", re.MULTILINE)
RUN = re.compile(rb"^units .*?^end .*?\n", re.MULTILINE | re.DOTALL)
"""The lines of a run, from the first to the last."""


@dataclass(frozen=True)
class Report:
    """The report of bench_main.c, in ticks of the counter unless stated otherwise.

    Attributes:
        units, loop: the known length of a loop in units, and its measured length.
        empty: length of an empty measurement.
        infer, learn: sums over all samples.
        right: number of correctly classified samples.
        weights: CRC-16 of all parameters after the last sample; 0 for a float program.
        samples: number of samples.
        stack, heap: bytes that a program with a library used; None and 0 if they are not measured.
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

    The system reuses the number of a closed pseudo terminal. So a program that waits for a lost
    device may open the port of this board by mistake. This function therefore locks the port, once
    the other program has left it. What that program has sent or read does no harm: each byte starts
    the same run, and only a run with all its lines counts.

    Raises:
        DeviceError: the port cannot be opened or is lost, another program keeps it, the board ends,
        or no complete report arrives in time.
    """
    import tty  # absent on some systems, but present on all that can start boards

    try:
        port = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise DeviceError(f"cannot open {board.port}: {error.strerror}") from None
    try:
        deadline = time.monotonic() + LOCK_LIMIT_S
        while not _locked(port):
            if time.monotonic() > deadline:
                raise DeviceError(
                    f"another program uses {board.port}, the port of board {board.name}; end it"
                )
            time.sleep(POLL_S)
        tty.setraw(port)
        os.write(port, QUESTION)
        return _read(board, port)
    except OSError as error:
        raise DeviceError(f"the port {board.port} is gone ({error.strerror})") from None
    finally:
        os.close(port)


def _locked(port: int) -> bool:
    import fcntl

    try:
        fcntl.flock(port, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(board: RunningBoard, port: int) -> Report:
    text = b""
    latest = time.monotonic()
    deadline = latest + TIME_LIMIT_S
    while True:
        report = _whole(text)
        if report is not None:
            return report
        if not board.alive():
            raise DeviceError(f"board {board.name} ended: {board.last_words()}")
        now = time.monotonic()
        ended = re.search(rb"^end .*\n\Z", text, re.MULTILINE)
        if now > (min(deadline, latest + IDLE_LIMIT_S) if ended else deadline):
            what = "sent an incomplete report" if ended else "did not end its run in time"
            raise DeviceError(f"board {board.name} {what}, {text[-60:]!r}; see {board.log}")
        if select.select([port], [], [], POLL_S)[0]:
            text += os.read(port, 4096)
            latest = time.monotonic()


def _whole(text: bytes) -> Report | None:
    """Return the report of the first run with all its lines; None if there is none yet."""
    for run in RUN.findall(text):
        found = {name.decode(): int(value, 16) for name, value in LINE.findall(run)}
        found["samples"] = found.pop("end", 0)
        try:
            return Report(**found)
        except TypeError:  # a line is missing
            continue
    return None
