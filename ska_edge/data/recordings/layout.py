"""Describes how recordings are read and cut into the windows of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ska_edge.data.recordings.timing import alike
from ska_edge.data.recordings.window_size import WindowSize
from ska_edge.data.tables.recorded import Recorded
from ska_edge.errors import InputError, OptionError
from ska_edge.plural import counted, listed

KINDS: dict[str, tuple[type, ...]] = {
    "length": (int,),
    "hop": (int,),
    "axes": (list,),
    "rate": (float, type(None)),
    "lsb": (list,),
    "resample": (float, type(None)),
    "time": (str, type(None)),
    "label": (str,),
    "label_from": (str, type(None)),
    "group": (str,),
    "group_from": (str, type(None)),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How recordings are read and cut into windows.

    A window has `length` samples of all `axes`: length * axes integers, sample after sample. Each
    window begins `hop` samples after the previous window.

    The other attributes are those of `Recorded`; `rate` is in Hz, or None if it is unknown.
    """

    length: int
    hop: int
    axes: tuple[str, ...]
    rate: float | None = None
    lsb: tuple[float, ...] = ()
    resample: float | None = None
    time: str | None = None
    label: str = ""
    label_from: str | None = None
    group: str = ""
    group_from: str | None = None

    @property
    def width(self) -> int:
        """The number of values of a window."""
        return self.length * len(self.axes)

    @property
    def overlap(self) -> int:
        """The number of following windows that share a sample with a window."""
        return (self.length - 1) // self.hop

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for the notes of a model."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, notes: object) -> Layout | None:
        """Return the layout in the notes of a model; None if it is missing or damaged."""
        if not isinstance(notes, Mapping) or set(notes) != set(KINDS):
            return None
        if not all(isinstance(notes[name], kinds) for name, kinds in KINDS.items()):
            return None
        axes, lsb = notes["axes"], notes["lsb"]
        right = all(isinstance(axis, str) for axis in axes) and len(axes) > 0
        right = right and all(isinstance(step, float) for step in lsb)
        if not right or notes["length"] < 1 or notes["hop"] < 1:
            return None
        return cls(**{**notes, "axes": tuple(axes), "lsb": tuple(lsb)})

    def expect(self, name: str, other: Layout) -> None:
        """Raise InputError unless windows of the layout `other` suit this layout.

        Both need the same length, the same axes in the same order and, if known, about the same
        rate. The hop may differ. `name` is the name of the data in the error.
        """
        alike_rates = not self.rate or not other.rate or alike(self.rate, other.rate)
        if (self.length, self.axes) != (other.length, other.axes) or not alike_rates:
            raise InputError(
                f"the model has learned windows of {self.described}, but {name} has windows of"
                f" {other.described}; name the recordings themselves, and the model cuts them"
            )

    @property
    def described(self) -> str:
        """Length, rate and axes of a window, for a sentence."""
        rate = f" at {self.rate:.4g} Hz" if self.rate else ""
        return f"{counted(self.length, 'sample')}{rate} of {listed(self.axes)}"

    def recorded(self, asked: Recorded | None) -> Recorded:
        """Return how recordings are read for this layout.

        Options in `asked` replace those of the layout, except for the window, the axes and the
        columns of labels and groups.

        Raises OptionError if `asked` has another window.
        """
        said = asked or Recorded()
        window = WindowSize(self.length)
        if said.window is not None and said.window.samples("window", self.rate) != self.length:
            raise OptionError(
                "{window} is {given}, but the model has learned windows of {length} samples; leave"
                " {window} out",
                given=str(said.window),
                length=self.length,
            )
        return replace(
            said,
            window=window,
            hop=said.hop or WindowSize(self.hop),
            label_from=said.label_from or self.label_from,
            group_from=said.group_from or self.group_from,
            time=said.time or self.time,
            resample=said.resample or self.resample,
            lsb=said.lsb or self.lsb,
            axes=self.axes,
            label=self.label,
            group=self.group,
        )
