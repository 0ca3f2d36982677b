"""Measure the share of time in which a serial line carries bytes while a device learns.

`make line` runs it. A wire with the speed of a real one connects the host and an emulated board.
The board learns digits one by one and then as a stream. The figures are shares of one run's time.
The wire runs in real time, and the board as fast as its emulator. Only the direction with more
bytes per sample can be busy all the time; the other direction waits. With METRICS the direction to
the host has more bytes, otherwise the direction to the device.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import select
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from firmware_gen.board.board import load_board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.data.load import load
from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Stream
from ska_edge.training.options import Options
from ska_edge.training.train import train
from ska_edge.wire.protocol import Want
from tests.bench.baseline import CONSTANT
from tests.wire import Wire

Direction = Literal["to device", "to host"]
Shares = dict[Direction, float]
BITS_A_BYTE = 10  # with the start bit and the stop bit
CHUNK = 4096
GRAIN_S = 0.0003
"""Bytes that end within this time are passed on together, because a thread cannot sleep for a
shorter time.
"""
BOARDS = ("virtual-m4", "qemu-m4", "mega2560")
HIDDEN, SAMPLES = 16, 500


class PacedWire(Wire):
    """A wire between a board's port and a new port, `port`, that a host program opens.

    It is full duplex. Each direction carries one byte at a time, for the time of 10 bits, and then
    passes it on, at most `GRAIN_S` late.

    Args:
        device: path of the board's port.
        baud: bits per second.

    Attributes:
        port: path to open in place of the board's.
    """

    def __init__(self, device: str, baud: int) -> None:
        super().__init__(device)
        self._byte_s = BITS_A_BYTE / baud
        self._ends: dict[Direction, tuple[int, int]] = {
            "to device": (self._host, self._device),
            "to host": (self._device, self._host),
        }
        self._carried: dict[Direction, int] = dict.fromkeys(self._ends, 0)
        self._since = time.monotonic()

    def _tasks(self) -> list[Callable[[], None]]:
        return [
            functools.partial(self._carry, direction, *pair)
            for direction, pair in self._ends.items()
        ]

    def restart(self) -> None:
        """Restart the measurement of the shares."""
        self._carried = dict.fromkeys(self._carried, 0)
        self._since = time.monotonic()

    def busy_shares(self) -> Shares:
        """Return each direction's share of the time since `restart` in which it carried bytes."""
        passed = time.monotonic() - self._since
        return {way: count * self._byte_s / passed for way, count in self._carried.items()}

    def _carry(self, direction: Direction, source: int, sink: int) -> None:
        free = 0.0  # the time at which the last byte has left the wire
        while self._stop[0] not in select.select([source, self._stop[0]], [], [])[0]:
            data = os.read(source, CHUNK)
            free = max(free, time.monotonic())
            while data:
                ready = int((time.monotonic() + GRAIN_S - free) / self._byte_s)
                part, data = data[: max(1, ready)], data[max(1, ready) :]
                free += len(part) * self._byte_s
                time.sleep(max(0.0, free - time.monotonic()))
                while part:
                    sent = os.write(sink, part)
                    self._carried[direction] += sent
                    part = part[sent:]


def one_by_one(link: Link, inputs: list[list[int]], labels: list[int], want: Want) -> None:
    """Learn samples one by one; send each sample after the answer to the previous one."""
    for x, label in zip(inputs, labels, strict=True):
        link.learn(x, label, want)


def measure(name: str, baud: int, want: Want) -> tuple[Shares, Shares, int]:
    """Return the busy shares for single samples and for a stream, and the board's credit."""
    options = Options(hidden=(HIDDEN,), epochs=1, arithmetic="fixed", **CONSTANT)
    trained = train(load("digits"), options)
    model = trained.model
    inputs = model.quantize(trained.train.x)[:SAMPLES]
    labels = trained.train.y[:SAMPLES]
    with tempfile.TemporaryDirectory() as folder:
        write_project(model.plan, model.state.parameters, name, Path(folder) / "p")
        build(Path(folder) / "p")
        with start(Path(folder) / "p") as board, PacedWire(board.port, baud) as wire:

            def shares(learn: Callable[[], None]) -> Shares:
                wire.restart()
                learn()
                return wire.busy_shares()

            with Link(wire.port) as link:
                link.hello()
                slow = shares(
                    functools.partial(one_by_one, link, inputs.tolist(), labels.tolist(), want)
                )
            stream = Stream(lambda: Link(wire.port), model.plan.digest, want=want)

            def streamed() -> None:
                for learned in itertools.islice(stream.learn(inputs, labels), SAMPLES):
                    assert isinstance(learned, Sample), learned

            fast = shares(streamed)
            credit = stream.link.info.credit
            stream.close()
    return slow, fast, credit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boards", nargs="*", default=BOARDS, help="names of boards")
    parser.add_argument("--baud", type=int, default=0, help="default: that of the board")
    options = parser.parse_args()
    print(f"digits, 64-{HIDDEN}-10, {SAMPLES} samples: share of the time in which the line carries")
    print("bytes, to the device and to the host\n")
    print(f"{'board':16}{'baud':>8}{'answers':>10}{'one by one':>16}{'streamed':>16}{'credit':>8}")
    for name in options.boards:
        uart = load_board(name).uart
        assert uart is not None
        baud = options.baud or uart.baud
        for want, answers in ((Want.METRICS, "metrics"), (Want(0), "results")):
            slow, fast, credit = measure(name, baud, want)
            columns = "".join(
                f"{shares['to device']:>10.0%}{shares['to host']:>6.0%}" for shares in (slow, fast)
            )
            print(f"{name:16}{baud:>8}{answers:>10}{columns}{credit:>8}", flush=True)


if __name__ == "__main__":
    main()
