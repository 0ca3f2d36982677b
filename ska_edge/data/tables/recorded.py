"""Describes how recordings are read from tables, and finds the columns of a recording."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ska_edge.data.recordings.window_size import WindowSize
from ska_edge.errors import OptionError
from ska_edge.frontend.request import AUTO, NONE, FrontRequest
from ska_edge.plural import listed

LABELS = ("label", "class", "target", "activity")  # not y, which is an axis of a recording
GROUPS = ("group", "person", "subject")
UNITS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""The length of each unit of time in seconds."""
TIME = re.compile(
    r"(?:t|time|timestamp|seconds_elapsed)(?:[_ ]?[\[(]?(sec|s|ms|us|ns)[\])]?)?"
    r"|(millis|ms|micros|us)"
)
OF_WINDOWS = ("window", "hop", "frontend")
"""Options that only recordings can have."""
PLACES = ("column", "folder", "file")
"""Where the label of a recording is: in a column, or in the name of its folder or of its file."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a user, or a trained model, says about recordings.

    Attributes:
        window: the length of a window; None for that of the model.
        hop: samples or seconds from one window to the next; None for the hop of the model, or
            without a model for the length of a window.
        label_from: one of `PLACES`; None to find it.
        group_from: "folder" or "file"; None for a column, if there is one.
        time: the column of the timestamps; None to find it.
        rate: samples per second; None for that of the timestamps.
        resample: the rate in Hz to which the samples are interpolated; None to leave them.
        lsb: for numbers that are not integers, the value of one step of the sensor: one value for
            all axes, or one per axis.
        axes: the axes of a model, in its order; empty for all columns.
        label, group: the columns that a model was trained with, used if they exist.
        frontend: the front end that computes features of windows or images; None for none, or for
            that of the model.
    """

    window: WindowSize | None = None
    hop: WindowSize | None = None
    label_from: str | None = None
    group_from: str | None = None
    time: str | None = None
    rate: float | None = None
    resample: float | None = None
    lsb: tuple[float, ...] = ()
    axes: tuple[str, ...] = ()
    label: str = ""
    group: str = ""
    frontend: FrontRequest | None = None

    @property
    def auto(self) -> bool:
        """Whether the training shall choose a front end."""
        return self.frontend is not None and self.frontend.kind == AUTO

    @property
    def suits_rows(self) -> bool:
        """Whether the data may be rows: only a front end is given, and rows can have it."""
        front = self.frontend
        if front is None or replace(self, frontend=None) != Recorded():
            return False
        return front.images or self.auto

    def refused(self, source: str) -> OptionError:
        """Return the error about a source that has rows, to which these options cannot apply."""
        given = [name for name in OF_WINDOWS if getattr(self, name) is not None]
        return OptionError(
            "{source} has rows, not recordings, so it has no samples to cut into windows; name a"
            " folder of recordings, or leave "
            + listed([f"{{{name}}}" for name in given or OF_WINDOWS[:1]])
            + " out",
            source=source,
        )

    @classmethod
    def of(
        cls,
        window: object = None,
        hop: object = None,
        label_from: str | None = None,
        group_from: str | None = None,
        time_column: str | None = None,
        sample_rate: float | None = None,
        resample: float | None = None,
        lsb: float | Sequence[float] = (),
        frontend: str | None = None,
    ) -> Recorded | None:
        """Return what the options of a command, or of `load_data`, say; None if none is given.

        Raises OptionError for an impossible value.
        """
        for name, place, places in (
            ("label_from", label_from, PLACES),
            ("group_from", group_from, PLACES[1:]),
        ):
            if place is not None and place not in places:
                raise OptionError(
                    f"{{{name}}} is {{place!r}}, but must be one of {listed(places)}", place=place
                )
        steps = tuple(lsb) if isinstance(lsb, Sequence) else (lsb,)
        for name, rate in (("sample_rate", sample_rate), ("resample", resample)):
            _require_positive(name, () if rate is None else (rate,))
        _require_positive("lsb", steps)
        found = cls(
            None if window is None else WindowSize.parse("window", window),
            None if hop is None else WindowSize.parse("hop", hop),
            label_from,
            group_from,
            time_column,
            sample_rate,
            resample,
            steps,
            frontend=None if frontend in (None, NONE) else FrontRequest.parse(frontend),
        )
        return None if found == cls() else found

    def label_column(self, titles: Sequence[str]) -> str | None:
        """Return the name of the label column among the names of all columns, or None."""
        lower = [title.lower() for title in titles]
        found = [titles[lower.index(name)] for name in LABELS if name in lower]
        return self.label if self.label in titles else next(iter(found), None)

    def group_column(self, titles: Sequence[str], taken: Collection[str | None]) -> str | None:
        """Return the name of the group column among the names of all columns, or None.

        A column that is `taken` for another purpose is not found by the names in `GROUPS`.
        """
        if self.group in titles:
            return self.group
        known = [title for title in titles if title.lower() in GROUPS and title not in taken]
        return known[0] if known and self.group_from is None else None

    def time_column(self, titles: Sequence[str]) -> str | None:
        """Return the given column of timestamps, or the first with a usual name for it, or None."""
        if self.time is not None:
            return self.time
        return next((title for title in titles if TIME.fullmatch(title.strip().lower())), None)


def _require_positive(name: str, values: Sequence[float]) -> None:
    for value in values:
        if not 0 < value < math.inf:
            raise OptionError(
                f"{{{name}}} is {{value:g}}, but must be a positive number", value=value
            )


def seconds_of(title: str, whole: bool) -> float:
    """Return the unit of the times in a column, in seconds; `whole` tells that all are integers.

    Without a unit in the name of the column, integers are milliseconds, and other numbers are
    seconds.
    """
    found = TIME.fullmatch(title.strip().lower())
    if found is not None and found[2]:
        return {"millis": 1e-3, "micros": 1e-6}.get(found[2]) or UNITS[found[2]]
    if found is not None and found[1]:
        return UNITS[found[1]]
    named = title.strip().lower() == "seconds_elapsed"
    return 1e-3 if whole and not named else 1.0


def features_of(
    titles: Sequence[str], axes: Sequence[int], time: int | None, taken: set[int | None]
) -> tuple[int, ...]:
    """Return the columns of the axes, and last the column of the timestamps, if there is one.

    Without `axes`, the axes are all columns that are not `taken` for another purpose.
    """
    time = None if time in {*taken, *axes} else time
    found = axes or [at for at in range(len(titles)) if at not in taken and at != time]
    return (*found, *([] if time is None else [time]))
