"""Writing a log of what a device learned: all that is needed to rebuild its state."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from ska_edge.device.info import DeviceInfo
from ska_edge.errors import ContactLost, InputError
from ska_edge.json_lines import JsonLines
from ska_edge.monitor.log_end import LogEnd
from ska_edge.monitor.log_line import LogLine, LogRow, RateChange
from ska_edge.monitor.monitor import Activity, Monitor


class Log:
    """A log to write to; a context manager.

    A file that is there is continued, when it is a log of this device's plan and ends where the
    device is. Rows that were under way at its end, and learned, are added without answers, and a
    rate that was about to be set, and was; a last line that was not written to its end is removed.
    Nothing changes before the first line is written.

    Args:
        path: the file.
        info: the device as it is before the first row.
        overwrite: replace a file that is there.

    Raises InputError when the file cannot be written, or must not be.
    """

    def __init__(self, path: Path, info: DeviceInfo, *, overwrite: bool = False) -> None:
        self._lacking: list[LogLine] = []
        if path.is_file() and not overwrite:
            end = LogEnd.of(path, info)
            obstacle = end.obstacle(info)
            if obstacle:
                raise InputError(
                    f"{path} cannot be continued: {obstacle}; name another file, or replace this"
                    " one with --overwrite"
                )
            rate = end.rate(info)
            self._lacking += [] if rate is None else [RateChange(rate)]
            self._lacking += [LogRow(row.sample, row.label, row.x) for row in end.learned(info)]
        self._file = JsonLines(path)
        self._file.open(overwrite=overwrite)

    def __enter__(self) -> Log:
        """The log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Closes the file, and removes it where it is new and empty; a second time does nothing."""
        self._file.close()

    def write(self, line: LogLine) -> None:
        """Append a line; the system has it when this returns, whatever becomes of this program."""
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
        """See `Log`."""
        self._log = Log(self._path, monitor.info, overwrite=self._overwrite)

    def write(self, line: LogLine) -> None:
        """Appends the line."""
        if self._log is not None:
            self._log.write(line)

    def status(self, activity: Activity) -> None:
        """Is not logged: the lines say it."""

    def lost(self, reason: ContactLost) -> None:
        """Is not logged before contact is found again, by a line."""

    def close(self) -> None:
        """Closes the file."""
        if self._log is not None:
            self._log.close()
