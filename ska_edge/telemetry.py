"""Writing a log of what a device learned: JSON lines, all that is needed to rebuild its state.

`log` reads it again.

One session is, in this order::

    {"device": {"board", "port", "digest"}, "step", "samples", "crc", "halvings"}
    {"sample", "step", "label", "x", "predicted", "decisions", "layers"}      a row that was learned
    {"warning": {"sign", "layer", "text"}}                                    below its first row
    {"interrupted": reason, "fell_back", "step", "samples", "crc", "halvings"}
    {"rate": halvings}
    {"saved": samples}
    {"end": {"step", "samples", "crc"}}

`sample` is the device's count with the row. Where the answer to a row was lost on the way, `step`,
`predicted` and `decisions` are null and `layers` is empty: the row was learned all the same. After
an interruption the device has learned so many samples as it says; rows up to there follow, unless
it fell back. A log that was continued has one session after the other.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from ska_edge.device import DeviceInfo, Result
from ska_edge.errors import InputError
from ska_edge.log import Cut, Ended, Interrupted, LogFile, RateSet, Row, Started
from ska_edge.metrics import LayerMetrics

Line = dict[str, Any]

# --- lines ----------------------------------------------------------------------------------------


def device_line(info: DeviceInfo, port: str) -> Line:
    """The start of a session."""
    return {"device": {"board": info.board, "port": port, "digest": info.digest}, **_state(info)}


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
    device is.

    Args:
        path: the file.
        info: the device as it is before the first row.
        overwrite: replace a file that is there.

    Raises InputError when the file cannot be written, or must not be.
    """

    def __init__(self, path: Path, info: DeviceInfo, *, overwrite: bool = False) -> None:
        self.path = path
        try:
            if path.is_file() and not overwrite:
                obstacle = _obstacle(path, info)
                if obstacle:
                    raise InputError(
                        f"{path} cannot be continued: {obstacle}; name another file, or replace"
                        " this one with --overwrite"
                    )
                self._file = path.open("a", encoding="utf-8")
                if _last_byte(path) not in (b"", b"\n"):
                    self._file.write("\n")  # all of the last line was written but its end
            else:
                self._file = path.open("w", encoding="utf-8")
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
        """Closes the file; a second time does nothing."""
        with contextlib.suppress(OSError):  # of a line that could not be written: `write` said so
            self._file.close()

    def write(self, line: Line) -> None:
        """Append a line; the system has it when this returns, whatever becomes of this program."""
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"cannot write {self.path}: {error.strerror}")


def _obstacle(path: Path, info: DeviceInfo) -> str:
    """Why no session of this device can follow what is in a file; "" where one can."""
    digest, samples, crc = "", 0, None
    try:
        with LogFile(path) as log:
            for entry in log.entries():
                if isinstance(entry, Started):
                    digest = entry.digest
                if isinstance(entry, Interrupted) and not entry.fell_back:
                    if entry.mark.samples == samples:  # else rows up to there follow, or lack
                        crc = entry.mark.crc
                elif isinstance(entry, (Started, Interrupted, Ended)):
                    samples, crc = entry.mark.samples, entry.mark.crc
                elif isinstance(entry, Row):
                    samples, crc = entry.sample, None
                elif isinstance(entry, RateSet):
                    crc = None  # the rate is part of the state
                elif isinstance(entry, Cut):
                    return f"its last line, {entry.line}, was not written to its end"
    except InputError as error:
        return str(error)
    if not digest:
        return "it does not say which device it is of" if log.size else ""
    if digest != info.digest:
        return f"it is of the plan {digest}, and the device runs {info.digest}"
    if samples != info.samples:
        return f"it ends at sample {samples}, and the device has learned {info.samples}"
    if crc not in (None, info.crc):
        return "the device has as many samples as at its end, but another state"
    return ""


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
        return file.read()
