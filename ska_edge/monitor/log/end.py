"""Decides from the end of a log whether a device can continue it, and which rows the log lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ska_edge.device.info import DeviceInfo
from ska_edge.errors import InputError
from ska_edge.json_lines import JsonLines
from ska_edge.monitor.log.class_line import ClassChange, ClassNotice
from ska_edge.monitor.log.file import DamagedEnd, Entry, LogFile
from ska_edge.monitor.log.line import (
    Interruption,
    LogLine,
    LogRow,
    Missing,
    RateChange,
    RateNotice,
    RowNotice,
    SessionEnd,
    SessionStart,
    parse,
)
from ska_edge.monitor.log.value import Place
from ska_edge.plural import counted
from ska_edge.wire.protocol import COUNTED


class LogEnd:
    """The end of a log.

    Args:
        entries: all lines, or the last ones. If reading them raises InputError, the log cannot be
            continued.
        digest: digest of the plan if known before these lines, otherwise "".
    """

    def __init__(self, entries: Iterable[Entry], digest: str = "") -> None:
        self._digest, self._damage = digest, ""
        self._damaged: tuple[int, DamagedEnd] | None = None
        self._empty = True
        self._samples = 0
        self._halvings: int | None = None  # None if not known
        self._crc: int | None = None  # None if not known
        self._setting: RateNotice | None = None  # an announced rate; the device may not have set it
        self._adding: ClassNotice | None = None  # an announced class; it may not have been added
        self._under_way: dict[int, RowNotice] = {}  # rows without an answer, by sample count
        self._place: Place | None = None  # None if not known
        try:
            for number, line in entries:
                self._empty = False
                if isinstance(line, DamagedEnd):
                    self._damaged = number, line
                else:
                    self._take(line)
        except InputError as error:
            self._damage = str(error)

    @classmethod
    def of(cls, path: Path, info: DeviceInfo) -> LogEnd:
        """Read the end of a log that a device may continue.

        It reads the first line and the last lines, back to the last checkpoint of the session. If
        these do not show that the device can continue, it reads all lines, to report the reason.
        """
        near = cls._near(path)
        if near is None or near.obstacle(info):
            return cls(_whole(path))
        return near

    @classmethod
    def _near(cls, path: Path) -> LogEnd | None:
        """Read only the last lines; return None if they are not sufficient."""
        file = JsonLines(path)
        try:
            content = next(file.lines()).content()
            first = None if content is None else parse(content)
            return cls(list(_tail(file)), first.digest) if isinstance(first, SessionStart) else None
        except (InputError, StopIteration):
            return None

    def _take(self, line: LogLine) -> None:
        if isinstance(line, RateNotice):
            self._setting = line
        elif isinstance(line, RowNotice):
            self._under_way[line.sample] = line
        elif isinstance(line, LogRow):
            self._samples, self._crc = line.sample, None
            self._halvings = self._halvings if line.halvings is None else line.halvings
            self._under_way.pop(line.sample, None)
            self._place = line.place or (self._place and self._place.after(1))
        elif isinstance(line, Missing):
            self._samples, self._crc = line.samples, None
        elif isinstance(line, RateChange):
            self._crc, self._halvings = None, line.halvings  # the rate is part of the state
            self._setting = None
        elif isinstance(line, ClassNotice):
            self._adding = line
        elif isinstance(line, ClassChange):
            self._crc, self._adding = None, None  # the classes are part of the state
        elif isinstance(line, Interruption) and not line.fell_back:
            if line.mark.samples == self._samples:  # else the rows up to the mark are still to come
                self._crc = line.mark.crc
        elif isinstance(line, (SessionStart, Interruption, SessionEnd)):
            if isinstance(line, SessionStart):
                self._digest = line.digest
            self._samples, self._crc = line.mark.samples, line.mark.crc
            self._under_way.clear()
            self._setting, self._adding, self._place = None, None, line.place
            if line.mark.halvings is not None:
                self._halvings = line.mark.halvings

    def rate(self, info: DeviceInfo) -> int | None:
        """Return the halvings of an announced rate if the device has that rate now."""
        setting = self._setting
        if setting is None or (setting.token, setting.halvings) != (info.token, info.halvings):
            return None
        return setting.halvings if info.samples == self._samples else None

    def learned(self, info: DeviceInfo) -> list[RowNotice]:
        """Return the announced rows that the device has learned after the log's end, by its sample
        count.

        The list is empty if the rows do not explain the count, or if the device has another state
        now.
        """
        ahead = (info.samples - self._samples) % COUNTED
        if ahead > len(self._under_way):
            return []
        numbers = [(self._samples + 1 + i) % COUNTED for i in range(ahead)]
        rows = [self._under_way.get(number) for number in numbers]
        found = [row for row in rows if row is not None and row.token == info.token]
        return found if len(found) == ahead else []

    def place(self, info: DeviceInfo) -> Place | None:
        """Return the position of the next row to learn in the rows of the last session.

        Returns None if the log does not tell the position.
        """
        return self._place and self._place.after(len(self.learned(info)))

    def obstacle(self, info: DeviceInfo) -> str:
        """Return the reason why this device cannot continue the log; "" if it can."""
        if self._damage:
            return self._damage
        if self._damaged is not None and not (self._damaged[1].torn and self._digest):
            return f"its last line, {self._damaged[0]}, is damaged"
        if not self._digest:
            return "" if self._empty else "it does not name its device"
        if self._digest != info.digest:
            return f"its plan is {self._digest}, but the device runs {info.digest}"
        if self._adding is not None and self._crc != info.crc:
            return f"it does not say whether the device has the class '{self._adding.name}'"
        ahead = self.learned(info)
        if self._samples != info.samples and not ahead:
            return f"it ends at sample {self._samples}, but the device has learned {info.samples}"
        rate = self.rate(info)
        if rate is None and self._halvings is not None and self._halvings != info.halvings:
            return (
                f"the rate is halved {counted(self._halvings, 'time')} at its end, and"
                f" {counted(info.halvings, 'time')} on the device"
            )
        if self._crc not in (None, info.crc) and not ahead and rate is None:
            return "the device has as many samples as at its end, but another state"
        return ""


def _whole(path: Path) -> Iterator[Entry]:
    yield from LogFile(path).entries()


def _tail(file: JsonLines) -> Iterator[Entry]:
    """Return the last lines, in order, beginning with a line that tells the state of the device.

    Such lines are a session's start or end, an interruption with `fell_back`, and a checkpoint.
    Rows may be in flight at a checkpoint, so lines are read back to the notice of its row.
    """
    found: list[Entry] = []
    checkpoint: int | None = None
    at_end = True  # true until a complete line is found
    for line in file.lines_from_end():
        content = line.content()
        if content is None:
            if found or not file.is_torn(line):
                raise InputError("damaged")
            found.append((0, DamagedEnd(torn=True)))
            continue
        said = parse(content)
        found.append((0, said))
        if isinstance(said, LogRow) and said.halvings is not None:
            checkpoint = said.sample
        if (
            isinstance(said, SessionStart)
            or (isinstance(said, SessionEnd) and at_end)
            or (isinstance(said, Interruption) and said.fell_back)
            or (isinstance(said, RowNotice) and said.sample == checkpoint)
        ):
            break
        at_end = False
    return reversed(found)
