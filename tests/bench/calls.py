"""Count the calls that one row of `monitor` makes, and those that cross between modules.

`python -m tests.bench.calls` prints both figures and the calls of each module. The device is
simulated in this process behind a port that answers at once, so the figures do not depend on the
machine.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import numpy as np

import ska_edge
from ska_edge.device import session as session_module
from ska_edge.monitor.fleet import Job, Member
from ska_edge.monitor.log.line import LogLine, LogRow
from ska_edge.monitor.sinks.log import LogSink
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.frame import FrameDecoder
from tests.fake_device import CLASSES, INPUTS, FakeDevice

PACKAGE = str(Path(ska_edge.__file__).parent)
WARM, COUNTED = 5, 4  # rows before counting begins, and counted rows
PLAN = make_plan((INPUTS, 5, CLASSES))


@dataclass
class Walk:
    """Counts calls of the package's functions; resuming a generator is a call, too.

    Attributes:
        calls: the number of calls by module.
        changes: how many calls went to another module than the call before.
    """

    calls: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    _last: str = ""

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Count an event of `sys.setprofile`."""
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(PACKAGE):
            return
        module = name[len(PACKAGE) + 1 :].removesuffix(".py")
        self.calls[module] += 1
        self.changes += module != self._last
        self._last = module


class Line:
    """Replaces `Port`: requests are answered at once."""

    received = 0
    path = "played"

    def __init__(self, device: FakeDevice) -> None:
        self._device, self._decoder, self._arrived = device, FrameDecoder(), b""

    def write(self, data: bytes) -> None:
        profile = sys.getprofile()
        sys.setprofile(None)  # the device's own calls are not counted
        for frame in self._decoder.feed(data):
            self._arrived += self._device.answer(frame)
        sys.setprofile(profile)

    def read(self) -> bytes:
        data, self._arrived = self._arrived, b""
        return data

    def close(self) -> None:
        """Do nothing: the simulated port holds no resource."""


class PlannedDevice(FakeDevice):
    """A fake device that reports the plan's digest."""

    def welcome(self) -> dict[str, Any]:
        digest = bytes.fromhex(PLAN.digest)
        return {**super().welcome(), "digest": digest, "state_bytes": PLAN.state_bytes}


class CountingLog(LogSink):
    """A log that counts calls while the rows in the middle are learned."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, overwrite=False)
        self.found = Walk()

    def write(self, line: LogLine) -> None:
        """Write a line; after certain rows, begin or end counting."""
        super().write(line)
        if isinstance(line, LogRow) and line.sample in (WARM, WARM + COUNTED):
            sys.setprofile(self.found if line.sample == WARM else None)


def walk() -> Walk:
    """Count the function calls for consecutive rows in the middle of a stream with a log."""
    rows = WARM + COUNTED + 5
    inputs = np.arange(rows * INPUTS).reshape(rows, INPUTS) % 100
    job = Job(plan=PLAN, baud=115200, patience=0, halvings=None, save=False, save_every=None)
    device = PlannedDevice()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            patch.object(session_module, "Port", lambda *_, **__: Line(device)),
        ):
            counter = CountingLog(Path(folder) / "log")
            member = Member("played", inputs, np.arange(rows) % CLASSES, [counter])
            member.connect(job, threading.Event())
            member.open()
            member.learn(job)
            member.close()
    finally:
        device.close()
    if member.error is not None:
        raise member.error
    return counter.found


def main() -> None:
    found = walk()
    total = sum(found.calls.values())
    print(f"a row of monitor: {total / COUNTED:g} calls in {len(found.calls)} modules,")
    print(f"{found.changes / COUNTED:g} changes of module")
    for module, count in found.calls.most_common():
        print(f"  {count / COUNTED:6g}  {module}")


if __name__ == "__main__":
    main()
