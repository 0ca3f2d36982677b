"""Defines the lines of a monitor's log, as objects and as JSON.

The file is long, so that a reader of logs finds the lines in one place. Only the two lines about
classes that are added are in `class_line`.

A log is written, read, replayed and published through these classes. `value` has the values
that several lines share. A session can have these lines. It begins with the first, and a complete
session ends with the last::

    {"device": {"board", "port", "digest"}, "step", "samples", "crc", "halvings"}  SessionStart
        if the monitor sends rows: also "order", "seed" and "place": {"rows": digest, "next": row}
    for a regression, the next two lines have "targets" in place of "label"
    {"sent", "token", "label", "x"}                                                RowNotice
    {"sample", "step", "label", "x", "predicted", "decisions", "layers"}           LogRow
        every 256th row also has "halvings" and "place", so that reading a log's end is enough
    {"held_out": {"rows", "right", "classes": [[right, rows], ...]}, "samples"}    HeldOut
    {"warning": {"sign", "layer", "text"}}                                         LogWarning
    {"interrupted": reason, "fell_back", "step", "samples", "crc", "halvings"}     Interruption
        if "fell_back" is true: also "place"
    {"setting": halvings, "token"}                                                 RateNotice
    {"rate": halvings}                                                             RateChange
    {"adding": name, "token"}                                                      ClassNotice
    {"class": name, "label"}                                                       ClassChange
    {"missing": rows, "samples"}                                                   Missing
    {"window": number, "predicted", "decisions"}                                   WindowSeen
        if the monitor read its raw samples: also "raw"
    {"saved": samples}                                                             Save
    {"end": {"step", "samples", "crc"}}                                            SessionEnd
        if the monitor sent rows: also "place"

A continued log has one session after the other. To add a line, add a class and list it in `LINES`.
A reader ignores unknown keys and refuses unknown lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ska_edge.device.info import DeviceInfo
from ska_edge.device.sample import Truth
from ska_edge.device.sensor import Raw
from ska_edge.errors import InputError
from ska_edge.monitor.log.class_line import ClassChange, ClassNotice
from ska_edge.monitor.log.value import HALVINGS, Json, Keys, Mark, Place, wrong

CHECKPOINT = 256  # a row whose sample count is a multiple of this also has halvings and place


def _placed(line: Json, place: Place | None) -> Json:
    return line if place is None else {**line, Place.KEY: place.as_dict()}


def _truth(label: Truth) -> Json:
    return {"label": label} if isinstance(label, int) else {"targets": list(label)}


def _parsed_truth(keys: Keys) -> Truth:
    return keys.integers("targets") if keys.has("targets") else keys.integer("label")


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The beginning of a session.

    Attributes:
        board: the name of the device's board.
        port: the device's port.
        digest: the digest of the device's plan.
        mark: the device's progress at the start.
        order: the order of the rows; "" if the monitor sends none.
        seed: the seed that shuffled the rows; 0 if the monitor sends none.
        place: the position of the first row; None if the monitor sends none.
    """

    KEY: ClassVar = "device"
    board: str
    port: str
    digest: str
    mark: Mark
    order: str = ""
    seed: int = 0
    place: Place | None = None

    @classmethod
    def of(
        cls, info: DeviceInfo, port: str, order: str = "", seed: int = 0, place: Place | None = None
    ) -> SessionStart:
        """Return the line for the device at a port, with its present progress."""
        return cls(info.board, port, info.digest, Mark.of(info), order, seed, place)

    def require_plan(self, digest: str) -> None:
        """Raise InputError if the device does not run the plan with this digest."""
        if digest[: len(self.digest)] != self.digest.lower() or not self.digest:
            raise InputError(
                f"the device runs the plan {self.digest}, but the model is {digest}: name the model"
                " that was flashed"
            )

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        device = {"board": self.board, "port": self.port, "digest": self.digest}
        start = {"device": device, **self.mark.as_dict()}
        if self.place is not None:
            start.update(order=self.order, seed=self.seed)
        return _placed(start, self.place)

    @classmethod
    def parse(cls, keys: Keys) -> SessionStart:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        device = keys.inner("device", "an object with a digest")
        digest = device.value("digest")
        if not isinstance(digest, str):
            raise wrong("device", "an object with a digest")
        mark = Mark.parse(keys, halvings=True)
        place = Place.parse(keys)
        order, seed = ("", 0) if place is None else (keys.text("order"), keys.integer("seed"))
        return cls(device.text("board"), device.text("port"), digest, mark, order, seed, place)


@dataclass(frozen=True, slots=True)
class RowNotice:
    """A row that is about to be sent; later lines show whether the device learned it.

    If a monitor is killed while rows are in flight, these lines and the device's sample count tell
    later which of these rows the device has learned.

    Attributes:
        sample: the device's sample count after this row.
        token: token of the state that should learn the row.
        label: class index, or the targets of a regression.
        x: the input's integers.
    """

    KEY: ClassVar = "sent"
    sample: int
    token: int
    label: Truth
    x: tuple[int, ...]

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        start = {"sent": self.sample, "token": self.token}
        return {**start, **_truth(self.label), "x": list(self.x)}

    @classmethod
    def parse(cls, keys: Keys) -> RowNotice:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        sample, token = keys.integer("sent"), keys.integer("token")
        return cls(sample, token, _parsed_truth(keys), keys.integers("x"))


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row that the device learned.

    Attributes:
        sample: the device's sample count, including this row.
        label: class index, or the targets of a regression.
        x: the input's integers.
        step, predicted, decisions: the device's answer; None if it was lost.
        layers: metrics of each layer, real numbers by name; empty if the row made no update,
            if it has no answer, or if the metrics were lost.
        halvings: how many times the rate was halved; None except in a checkpoint.
        place: the position after this row; None except in a checkpoint.
    """

    KEY: ClassVar = "sample"
    sample: int
    label: Truth
    x: tuple[int, ...]
    step: int | None = None
    predicted: int | None = None
    decisions: tuple[int, ...] | None = None
    layers: Sequence[Mapping[str, float]] = ()
    halvings: int | None = None
    place: Place | None = None

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        row: Json = {
            "sample": self.sample,
            "step": self.step,
            **_truth(self.label),
            "x": list(self.x),
            "predicted": self.predicted,
            "decisions": None if self.decisions is None else list(self.decisions),
            "layers": list(self.layers),
        }
        if self.halvings is not None:
            row["halvings"] = self.halvings
        return _placed(row, self.place)

    @classmethod
    def parse(cls, keys: Keys) -> LogRow:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(
            sample=keys.integer("sample"),
            label=_parsed_truth(keys),
            x=keys.integers("x"),
            step=keys.integer("step") if keys.has("step") else None,
            predicted=keys.integer("predicted") if keys.has("predicted") else None,
            decisions=keys.integers("decisions") if keys.has("decisions") else None,
            layers=keys.values("layers"),
            halvings=keys.integer("halvings", HALVINGS) if keys.has("halvings") else None,
            place=Place.parse(keys),
        )


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The device has classified held-out rows, from which it learns nothing; see `Exam`.

    Attributes:
        samples: the device's sample count.
        classes: for each class, how many rows were right, and how many rows it has.
    """

    KEY: ClassVar = "held_out"
    samples: int
    classes: tuple[tuple[int, int], ...]

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        right, rows = (sum(counts) for counts in zip(*self.classes, strict=True))
        classes = [list(counts) for counts in self.classes]
        found = {"rows": rows, "right": right, "classes": classes}
        return {self.KEY: found, "samples": self.samples}

    @classmethod
    def parse(cls, keys: Keys) -> HeldOut:
        """Read the line from its JSON object; a replay does not need the counts of the classes."""
        found = keys.inner(cls.KEY)
        return cls(keys.integer("samples"), ((found.integer("right"), found.integer("rows")),))


@dataclass(frozen=True, slots=True)
class LogWarning:
    """A warning, such as a sign of poor learning (see `diagnosis`)."""

    KEY: ClassVar = "warning"
    content: Mapping[str, Any]

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return {"warning": dict(self.content)}

    @classmethod
    def parse(cls, keys: Keys) -> LogWarning:
        """Read the line without checks, because a replay does not need warnings."""
        content = keys.value(cls.KEY)
        return cls(content if isinstance(content, dict) else {})


@dataclass(frozen=True, slots=True)
class Interruption:
    """The device was lost, and has reconnected.

    Without `fell_back`, the device has learned all rows up to `mark`; the lines of those that have
    none yet follow. With `fell_back`, the device has lost the rows that it learned last.
    """

    KEY: ClassVar = "interrupted"
    reason: str
    fell_back: bool
    mark: Mark
    place: Place | None = None

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        line = {"interrupted": self.reason, "fell_back": self.fell_back, **self.mark.as_dict()}
        return _placed(line, self.place)

    @classmethod
    def parse(cls, keys: Keys) -> Interruption:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        fell_back = keys.boolean("fell_back")
        mark = Mark.parse(keys, halvings=True)
        return cls(keys.text("interrupted"), fell_back, mark, Place.parse(keys))


@dataclass(frozen=True, slots=True)
class RateNotice:
    """A rate that is about to be set; later lines show whether it was set.

    `token` is the token of the state that gets the rate.
    """

    KEY: ClassVar = "setting"
    halvings: int
    token: int

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return {"setting": self.halvings, "token": self.token}

    @classmethod
    def parse(cls, keys: Keys) -> RateNotice:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(keys.integer("setting", HALVINGS), keys.integer("token"))


@dataclass(frozen=True, slots=True)
class RateChange:
    """From here on, the device learns with its plan's rate, halved `halvings` times."""

    KEY: ClassVar = "rate"
    halvings: int

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return {"rate": self.halvings}

    @classmethod
    def parse(cls, keys: Keys) -> RateChange:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(keys.integer("rate", HALVINGS))


@dataclass(frozen=True, slots=True)
class Missing:
    """Rows that the device learned by itself are missing here: their announcements were lost.

    Attributes:
        rows: number of missing rows.
        samples: the device's sample count, including them.
    """

    KEY: ClassVar = "missing"
    rows: int
    samples: int

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return {"missing": self.rows, "samples": self.samples}

    @classmethod
    def parse(cls, keys: Keys) -> Missing:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(keys.integer("missing"), keys.integer("samples"))


@dataclass(frozen=True, slots=True)
class WindowSeen:
    """The device has classified a window of its sensor.

    Attributes:
        number: windows since the device's start, including this one.
        predicted, decisions: as in `Result`.
        raw: its raw samples, (length, axes) integers; None if they are not known.
    """

    KEY: ClassVar = "window"
    number: int
    predicted: int
    decisions: tuple[int, ...]
    raw: Raw | None = None

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        line: Json = {
            "window": self.number,
            "predicted": self.predicted,
            "decisions": list(self.decisions),
        }
        if self.raw is not None:
            line["raw"] = [*map(list, self.raw)]
        return line

    @classmethod
    def parse(cls, keys: Keys) -> WindowSeen:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        number, predicted = keys.integer("window"), keys.integer("predicted")
        raw = keys.rows("raw") if keys.has("raw") else None
        return cls(number, predicted, keys.integers("decisions"), raw)


@dataclass(frozen=True, slots=True)
class Save:
    """The device has saved its state; `samples` is the state's sample count."""

    KEY: ClassVar = "saved"
    samples: int

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return {"saved": self.samples}

    @classmethod
    def parse(cls, keys: Keys) -> Save:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(keys.integer("saved"))


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The end of a session; `place` is the position of the next row, None if it is not known."""

    KEY: ClassVar = "end"
    mark: Mark
    place: Place | None = None

    def as_dict(self) -> Json:
        """Return the line as a JSON object."""
        return _placed({"end": self.mark.as_dict()}, self.place)

    @classmethod
    def parse(cls, keys: Keys) -> SessionEnd:
        """Read the line from its JSON object; raise InputError as `Keys` does."""
        return cls(Mark.parse(keys.inner("end"), halvings=False), Place.parse(keys))


LogLine = (
    SessionStart
    | RowNotice
    | LogRow
    | HeldOut
    | LogWarning
    | Interruption
    | RateNotice
    | RateChange
    | ClassNotice
    | ClassChange
    | Missing
    | WindowSeen
    | Save
    | SessionEnd
)

# An object is read by the first of these classes whose KEY it has.
LINES: tuple[type[LogLine], ...] = (
    LogRow,
    RowNotice,
    SessionStart,
    HeldOut,
    LogWarning,
    Interruption,
    RateNotice,
    RateChange,
    ClassNotice,
    ClassChange,
    Missing,
    WindowSeen,
    Save,
    SessionEnd,
)
Notice = (RowNotice, RateNotice, ClassNotice)
"""The lines that a monitor writes before it sends a row, sets a rate or adds a class. MQTT leaves
them out; only a log has them."""


def parse(content: Mapping[str, Any]) -> LogLine:
    """Convert a JSON object to a line; raise InputError, without a number, if it is not a line."""
    for kind in LINES:
        if kind.KEY in content:
            line: LogLine = kind.parse(Keys(content))
            return line
    raise InputError("not a line of a monitor's log: none of its keys is known")
