"""The end of a monitor's log: whether a device can go on from there, and what lacks until then."""

from __future__ import annotations

from pathlib import Path

from ska_edge.device.info import DeviceInfo
from ska_edge.errors import InputError
from ska_edge.monitor.log import (
    Cut,
    Entry,
    Interrupted,
    LogFile,
    RateSet,
    Row,
    Sent,
    Setting,
    Started,
)
from ska_edge.plural import counted
from ska_edge.wire.protocol import COUNTED


class LogEnd:
    """Where a log ends.

    Args:
        path: the log; what is wrong with it is an obstacle.

    Attributes:
        cut: a last line that says nothing.
    """

    def __init__(self, path: Path) -> None:
        self.cut: Cut | None = None
        self._damage = self._digest = ""
        self._samples = self._halvings = 0
        self._crc: int | None = None  # where it is known
        self._setting: Setting | None = None  # a rate that is not known to be set
        self._under_way: dict[int, Sent] = {}  # rows without an answer, by their samples
        try:
            with LogFile(path) as log:
                self._size = log.size
                for entry in log.entries():
                    self._take(entry)
        except InputError as error:
            self._damage = str(error)

    def _take(self, entry: Entry) -> None:
        if isinstance(entry, Started):
            self._digest = entry.digest
        if isinstance(entry, Setting):
            self._setting = entry
        elif isinstance(entry, Sent):
            self._under_way[entry.sample] = entry
        elif isinstance(entry, Row):
            self._samples, self._crc = entry.sample, None
            self._under_way.pop(entry.sample, None)
        elif isinstance(entry, RateSet):
            self._crc, self._halvings = None, entry.halvings  # the rate is part of the state
            self._setting = None
        elif isinstance(entry, Cut):
            self.cut = entry
        elif isinstance(entry, Interrupted) and not entry.fell_back:
            if entry.mark.samples == self._samples:  # else rows up to there follow, or lack
                self._crc = entry.mark.crc
        else:
            self._samples, self._crc = entry.mark.samples, entry.mark.crc
            self._under_way.clear()
            self._setting = None
            if entry.mark.halvings is not None:
                self._halvings = entry.mark.halvings

    def rate(self, info: DeviceInfo) -> int | None:
        """The rate that was about to be set, where the device has it since: its halvings."""
        setting = self._setting
        if setting is None or (setting.token, setting.halvings) != (info.token, info.halvings):
            return None
        return setting.halvings if info.samples == self._samples else None

    def learned(self, info: DeviceInfo) -> list[Sent]:
        """The rows under way that the device has learned since, by its count of samples; none where
        that does not follow from these, or its state is another one by now.
        """
        ahead = (info.samples - self._samples) % COUNTED
        if ahead > len(self._under_way):
            return []
        numbers = [(self._samples + 1 + i) % COUNTED for i in range(ahead)]
        rows = [self._under_way.get(number) for number in numbers]
        found = [row for row in rows if row is not None and row.token == info.token]
        return found if len(found) == ahead else []

    def obstacle(self, info: DeviceInfo) -> str:
        """Why no session of this device can follow; "" where one can."""
        if self._damage:
            return self._damage
        if self.cut is not None and (self.cut.start is None or not self._digest):
            return f"its last line, {self.cut.line}, is damaged"
        if not self._digest:
            return "it does not say which device it is of" if self._size else ""
        if self._digest != info.digest:
            return f"it is of the plan {self._digest}, and the device runs {info.digest}"
        ahead = self.learned(info)
        if self._samples != info.samples and not ahead:
            return f"it ends at sample {self._samples}, and the device has learned {info.samples}"
        rate = self.rate(info)
        if rate is None and self._halvings != info.halvings:
            return (
                f"the rate is halved {counted(self._halvings, 'time')} at its end, and"
                f" {counted(info.halvings, 'time')} on the device"
            )
        if self._crc not in (None, info.crc) and not ahead and rate is None:
            return "the device has as many samples as at its end, but another state"
        return ""
