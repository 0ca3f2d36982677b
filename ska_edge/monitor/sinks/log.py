"""Writes a log from which a device's state can be rebuilt."""

from __future__ import annotations

from pathlib import Path

from ska_edge.closable import Closable
from ska_edge.device.info import DeviceInfo
from ska_edge.errors import ContactLost, InputError
from ska_edge.json_lines import JsonLines
from ska_edge.monitor.log.end import LogEnd
from ska_edge.monitor.log.line import LogLine, LogRow, RateChange
from ska_edge.monitor.log.value import Place
from ska_edge.monitor.monitor import Activity, Monitor


class Log(Closable):
    """A log to write to; a context manager.

    An existing file is continued if it is a log of this device's plan and ends at the device's
    present state. If it ends with `sent` lines of rows that the device has learned by now, these
    rows are added without answers; an announced rate that the device now has is added, too. An
    incomplete last line is removed. The file changes only when the first line is written.

    Args:
        path: the file.
        info: the device's report before the first row.
        overwrite: replace an existing file.

    Attributes:
        place: the position in the rows of the continued log's last session; None if there is none.

    Raises InputError if the file cannot be written, or cannot be continued.
    """

    def __init__(self, path: Path, info: DeviceInfo, *, overwrite: bool = False) -> None:
        self._lacking: list[LogLine] = []
        self.place: Place | None = None
        if path.is_file() and not overwrite:
            end = LogEnd.of(path, info)
            obstacle = end.obstacle(info)
            if obstacle:
                raise InputError(
                    f"{path} cannot be continued: {obstacle}; name another file, or replace this"
                    " one with --overwrite"
                )
            self.place = end.place(info)
            rate = end.rate(info)
            self._lacking += [] if rate is None else [RateChange(rate)]
            self._lacking += [LogRow(row.sample, row.label, row.x) for row in end.learned(info)]
        self._file = JsonLines(path)
        self._file.open(overwrite=overwrite)

    def close(self) -> None:
        """Close the file, and remove it if it is new and empty; a second call does nothing."""
        self._file.close()

    def write(self, line: LogLine) -> None:
        """Append a line; it then survives even a kill of this program.

        Raises InputError if it cannot be written.
        """
        while self._lacking:
            self._file.append(self._lacking[0].as_dict())
            del self._lacking[0]
        self._file.append(line.as_dict())


class LogSink:
    """The log of one device, as a `Sink`; see `Log` for `path` and `overwrite`."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path, self._overwrite = path, overwrite
        self._log: Log | None = None

    def open(self, monitor: Monitor) -> None:
        """Open the log, see `Log`; the monitor continues the rows of a continued log."""
        self._log = Log(self._path, monitor.info, overwrite=self._overwrite)
        monitor.place = self._log.place

    def write(self, line: LogLine) -> None:
        """Append the line."""
        if self._log is not None:
            self._log.write(line)

    def status(self, activity: Activity) -> None:
        """Ignore the activity, because the lines show it."""

    def lost(self, reason: ContactLost) -> None:
        """Ignore the loss; a line follows when contact is restored."""

    def close(self) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()
