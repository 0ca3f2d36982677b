"""Writing a log of what a device learned: JSON lines, all that is needed to rebuild its state.

`log` reads it again.

One session is, in this order::

    {"device": {"board", "port", "digest"}, "step", "samples", "crc", "halvings"}
    {"sent", "token", "label", "x"}                                           before a row is sent
    {"sample", "step", "label", "x", "predicted", "decisions", "layers"}      a row that was learned
    {"warning": {"sign", "layer", "text"}}                                    below its first row
    {"interrupted": reason, "fell_back", "step", "samples", "crc", "halvings"}
    {"setting": halvings, "token"}                                            before a rate is set
    {"rate": halvings}
    {"saved": samples}
    {"end": {"step", "samples", "crc"}}

`sample` is the device's count with the row. Where the answer to a row was lost on the way, `step`,
`predicted` and `decisions` are null and `layers` is empty: the row was learned all the same. After
an interruption the device has learned so many samples as it says; rows up to there follow, unless
it fell back. A log that was continued has one session after the other.

`sent` is what `sample` will be when the row is learned, `token` that of the device's state. Whoever
writes the log may be killed while rows are under way: those that the device has learned by then are
known from these lines. `setting` is the same for a rate.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from ska_edge.device.info import DeviceInfo, Result
from ska_edge.errors import InputError
from ska_edge.monitor.log_end import LogEnd
from ska_edge.network.metrics import LayerMetrics

Line = dict[str, Any]

# --- lines ----------------------------------------------------------------------------------------


def device_line(info: DeviceInfo, port: str) -> Line:
    """The start of a session."""
    return {"device": {"board": info.board, "port": port, "digest": info.digest}, **_state(info)}


def sent_line(sample: int, token: int, x: list[int], label: int) -> Line:
    """A row that is about to be sent; `sample` will be the device's count with it."""
    return {"sent": sample, "token": token, "label": label, "x": x}


def setting_line(halvings: int, token: int) -> Line:
    """A rate that is about to be set."""
    return {"setting": halvings, "token": token}


def row_line(
    sample: int, x: list[int], label: int, result: Result | None, layers: Iterable[LayerMetrics]
) -> Line:
    """A row that was learned; `sample` is the device's count with it, None a lost answer."""
    return {
        "sample": sample,
        "step": None if result is None else result.step,
        "label": label,
        "x": x,
        "predicted": None if result is None else result.predicted,
        "decisions": None if result is None else list(result.decisions),
        "layers": [layer.as_dict() for layer in layers],
    }


def interrupted_line(reason: str, info: DeviceInfo, fell_back: bool) -> Line:
    """Contact was lost and found again; `info` is the device as it is now."""
    return {"interrupted": reason, "fell_back": fell_back, **_state(info)}


def end_line(info: DeviceInfo) -> Line:
    """The end of a session."""
    return {"end": {"step": info.step, "samples": info.samples, "crc": info.crc}}


def _state(info: DeviceInfo) -> Line:
    return {
        "step": info.step,
        "samples": info.samples,
        "crc": info.crc,
        "halvings": info.halvings,
    }


# --- the file -------------------------------------------------------------------------------------


class Log:
    """A log to write to; a context manager.

    A file that is there is continued, when it is a log of this device's plan and ends where the
    device is. Rows that were under way at its end, and learned, are added without answers, and a
    rate that was about to be set, and was; of a last line that was not written to its end, what was
    is taken away. Nothing changes before the first line is written.

    Args:
        path: the file.
        info: the device as it is before the first row.
        overwrite: replace a file that is there.

    Raises InputError when the file cannot be written, or must not be.
    """

    def __init__(self, path: Path, info: DeviceInfo, *, overwrite: bool = False) -> None:
        self.path = path
        self._info = info
        self._end = LogEnd(path) if path.is_file() and not overwrite else None
        obstacle = self._end.obstacle(info) if self._end else ""
        if obstacle:
            raise InputError(
                f"{path} cannot be continued: {obstacle}; name another file, or replace this one"
                " with --overwrite"
            )
        self._new, self._begun = not path.exists(), False
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._unwritable(error) from error

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
        with contextlib.suppress(OSError):  # of a line that could not be written: `write` said so
            self._file.close()
        if self._new and not self._begun:
            self.path.unlink(missing_ok=True)

    def write(self, line: Line) -> None:
        """Append a line; the system has it when this returns, whatever becomes of this program."""
        try:
            if not self._begun:
                self._begun = True
                self._begin()
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _begin(self) -> None:
        """Make the file one that lines can follow in."""
        if self._end is None:
            if self.path.is_file():
                self._file.truncate(0)
            return
        cut = self._end.cut
        if cut is not None and cut.start is not None:
            self._file.truncate(cut.start)
        if _last_byte(self.path) not in (b"", b"\n"):
            self._file.write("\n")  # all of the last line was written but its end
        rate = self._end.rate(self._info)
        lacking: list[Line] = [] if rate is None else [{"rate": rate}]
        for row in self._end.learned(self._info):
            lacking.append(row_line(row.sample, list(row.x), row.label, None, ()))
        for line in lacking:
            self._file.write(json.dumps(line) + "\n")

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"cannot write {self.path}: {error.strerror}")


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
        return file.read()
