"""A wire that loses, doubles, corrupts and delays frames between a host program and a device."""

from __future__ import annotations

import os
import random
import select
from collections import Counter
from collections.abc import Callable, Sequence

from tests.wire import Wire

FAULTS = ("drop", "double", "flip", "delay", "cut")


class LossyWire(Wire):
    """Connects a device's port to a new port, `port`, that a host program opens.

    It handles the bytes frame by frame, in both directions. Each fault hits a share of the frames.

    Args:
        device: path of the device's port.
        share: probability of each fault, per frame.
        seed: seed of the faults.

    Attributes:
        port: path to open in place of the device's.
        counts: how many times each fault was made, and how many frames passed ("frames").
    """

    def __init__(self, device: str, share: float, seed: int) -> None:
        super().__init__(device)
        self.counts: Counter[str] = Counter()
        self._share = share
        self._random = random.Random(seed)

    def _tasks(self) -> Sequence[Callable[[], None]]:
        return [self._run]

    def _run(self) -> None:
        directions = {self._host: self._device, self._device: self._host}
        pending = dict.fromkeys(directions, b"")
        delayed: dict[int, list[bytes]] = {end: [] for end in directions}
        while True:
            ready, _, _ = select.select([*directions, self._stop[0]], [], [])
            if self._stop[0] in ready:
                return
            for end in ready:
                *frames, pending[end] = (pending[end] + os.read(end, 4096)).split(b"\0")
                for frame in filter(None, frames):
                    for passed in self._pass(frame, delayed[end]):
                        self._write(directions[end], passed + b"\0")

    def _pass(self, frame: bytes, delayed: list[bytes]) -> list[bytes]:
        """Return the frames that leave the wire when this frame enters it."""
        self.counts["frames"] += 1
        fault = next((f for f in FAULTS if self._random.random() < self._share), None)
        late = [delayed.pop()] if delayed else []
        if fault is None:
            return [frame, *late]
        self.counts[fault] += 1
        if fault == "drop":
            return late
        if fault == "double":
            return [frame, *late, frame]
        if fault == "delay":
            delayed.append(frame)
            return late
        spoiled = bytearray(frame)
        if fault == "flip":
            place = self._random.randrange(8 * len(frame))
            spoiled[place // 8] ^= 1 << place % 8
        else:
            del spoiled[self._random.randrange(len(frame)) :]
        return [bytes(spoiled), *late]

    def _write(self, end: int, data: bytes) -> None:
        while data:
            data = data[os.write(end, data) :]
