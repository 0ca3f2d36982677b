"""A log of what a device learned: JSON, one object a line, all that is needed to rebuild its state.

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ska_edge.device import DeviceInfo, Result
from ska_edge.errors import InputError
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
                _Ending.of(path).check(path, info)
                self._file = path.open("a", encoding="utf-8")
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


@dataclass(slots=True)
class _Ending:
    """How far a log goes: its device's plan, its samples, and its CRC where the last line has it.

    `empty` is a file without a single byte.
    """

    digest: str = ""
    samples: int = 0
    crc: int | None = None
    empty: bool = True

    @classmethod
    def of(cls, path: Path) -> _Ending:
        """Read a log to its end; InputError, with the line, where it is none."""
        ending = cls()
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                try:
                    if not text.endswith(b"\n"):
                        raise ValueError
                    ending._take(json.loads(text))
                except (ValueError, TypeError, KeyError):
                    raise InputError(
                        f"{path} cannot be continued: line {number} is no whole line of a log;"
                        " name another file, or replace this one with --overwrite"
                    ) from None
        return ending

    def _take(self, line: Mapping[str, Any]) -> None:
        if "device" in line:
            self.digest = line["device"]["digest"]
        elif not self.digest:
            raise ValueError
        state = line.get("end", line)
        self.samples = state.get("samples", line.get("sample", self.samples))
        if not {"warning", "saved"} & set(line):
            self.crc = state.get("crc")
        self.empty = False

    def check(self, path: Path, info: DeviceInfo) -> None:
        """InputError unless a session of this device can follow."""
        if self.empty:
            return
        what = ""
        if self.digest != info.digest:
            what = f"it is of the plan {self.digest}, and the device runs {info.digest}"
        elif self.samples != info.samples:
            what = f"it ends at sample {self.samples}, and the device has learned {info.samples}"
        elif self.crc is not None and self.crc != info.crc:
            what = "the device has as many samples as at its end, but another state"
        if what:
            raise InputError(
                f"{path} cannot be continued: {what}; name another file, or replace this one"
                " with --overwrite"
            )
