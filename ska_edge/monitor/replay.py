"""Rebuilds a device's state on the host from a monitor's log, bit for bit, without the device.

The trainer learns the rows of the log again. Its results must equal the device's answers in the
log, and its state must match every CRC that the device reported.

The file is long, because one class processes every kind of line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import CheckError, InputError
from ska_edge.model.model_file import Model
from ska_edge.monitor.log.class_line import ClassChange, ClassNotice
from ska_edge.monitor.log.file import DamagedEnd, Entry, LogFile
from ska_edge.monitor.log.line import (
    HeldOut,
    Interruption,
    LogLine,
    LogRow,
    LogWarning,
    Missing,
    RateChange,
    RateNotice,
    RowNotice,
    Save,
    SessionEnd,
    SessionStart,
)
from ska_edge.monitor.log.row_block import RowBlock, RowReader
from ska_edge.monitor.log.value import Mark
from ska_edge.network.engine import trainer_for
from ska_edge.network.output import answers
from ska_edge.network.state import State
from ska_edge.plural import counted
from ska_edge.progress import Progress, silent
from ska_edge.wire.protocol import COUNTED

MOST_AHEAD = 255  # rows in flight, at most; a device reports its limit in 8 bits
ROW_BYTES = 500  # typical size of a row in a log, to estimate the number of rows
REPORTED = 64  # rows between two calls of a `Progress`
FALLS = (b'"fell_back"', b'"device"')  # texts of the lines where a device may have fallen back
SILENT = (
    RowNotice,
    RateNotice,
    ClassNotice,
    Save,
    HeldOut,
    LogWarning,
)  # lines that do not change the state


class Gap(InputError):
    """Lines are missing in a log, so no state after the gap can be rebuilt."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of a replay.

    Attributes:
        state: the device's state at the end of the log, or after the requested step.
        rows: number of rows learned for this state.
        checked: whether the device itself reported the CRC of exactly this state.
        cut: line number of an incomplete last line, which was skipped; None if there is none.
    """

    state: State
    rows: int
    checked: bool
    cut: int | None


def rebuild(
    path: Path, model: Model, at: int | None = None, progress: Progress = silent
) -> Rebuilt:
    """Rebuild a device's state from its log.

    Args:
        path: the log.
        model: the device's model at the start of the log: the flashed model, or one that was pulled
            then. It is not changed.
        at: stop after the update with this number. If the device fell back and made this update
            twice, the second one counts, because the device continued from it.
        progress: called at intervals with the number of bytes read and the number of all bytes.

    Raises:
        InputError: the log is damaged, has another plan, does not start with this model, or lacks
            the step. For missing lines, the error is a `Gap`.
        CheckError: the device gave a wrong answer or had another state.
    """
    replay = _Replay(path, model, at)
    replay.look_ahead()
    log = LogFile(path)
    for number, line in _one_by_one(log, replay, RowReader(model.plan), progress):
        if isinstance(line, SILENT):
            continue
        if replay.stops_before(line):
            break
        replay.take(number, line)
        if replay.rows % REPORTED == 0:
            progress(log.done, log.size)
    progress(log.size, log.size)
    return replay.rebuilt()


def _one_by_one(
    log: LogFile, replay: _Replay, reader: RowReader, progress: Progress
) -> Iterator[Entry]:
    """Yield the lines that must be processed one by one; learn the other rows in blocks."""
    for piece in log.pieces(reader):
        if not isinstance(piece, RowBlock):
            yield piece
        elif replay.learn_together(piece):
            progress(log.done, log.size)
        else:
            yield from piece.entries()


class _Replay:
    """A replay in progress.

    A device that lost power continues from an earlier state. `look_ahead` first finds these
    states, so that the replay stores only them.
    """

    def __init__(self, path: Path, model: Model, at: int | None) -> None:
        self.rows = 0
        self._path = path
        self._model = model
        self._at = at
        self._armed = 0  # from this line on, the requested step counts
        self._reached = False
        self._begun = False
        self._first_step = 0
        self._trainer = trainer_for(model.state.copy(), learn=LogFile(path).size // ROW_BYTES)
        self._checked = False
        self._cut: int | None = None
        self._line = 0  # number of the current line
        self._promised: list[tuple[int, Mark]] = []  # line of a report, and the reported state
        # How many times the device falls back to a state, by the state's samples and CRC.
        self._wanted: Counter[tuple[int, int]] = Counter()
        self._returns: set[int] = set()  # sample counts of these states; only they need a CRC
        self._kept: dict[tuple[int, int], bytes] = {}

    @property
    def _state(self) -> State:
        return self._trainer.state

    @property
    def _samples(self) -> int:
        return self._state.samples % COUNTED

    def look_ahead(self) -> None:
        """Find the states that the device fell back to."""
        for number, line in LogFile(self._path).entries(FALLS):
            if not isinstance(line, (SessionStart, Interruption)):
                continue
            if isinstance(line, Interruption) and not line.fell_back:
                continue
            self._wanted[line.mark.samples, line.mark.crc] += 1
            self._returns.add(line.mark.samples)
            if self._at is not None and line.mark.step < self._at:
                self._armed = number

    def stops_before(self, line: LogLine | DamagedEnd) -> bool:
        """Tell whether the requested step is made, and this line does not report its state."""
        return self._reached and not (
            isinstance(line, SessionEnd) or (isinstance(line, Interruption) and not line.fell_back)
        )

    def take(self, number: int, line: LogLine | DamagedEnd) -> None:
        self._line = number
        if not self._begun and not isinstance(line, SessionStart):
            raise self._bad("a monitor's log starts with its device, and this is another line")
        if isinstance(line, LogRow):
            self._learn(line)
        elif isinstance(line, SessionStart):
            self._start(line)
        elif isinstance(line, Interruption):
            self._interrupt(line)
        elif isinstance(line, RateChange):
            self._set_rate(line)
        elif isinstance(line, ClassChange):
            self._add_class(line)
        elif isinstance(line, Missing):
            raise self._gap(self._samples + 1, line.samples + 1)
        elif isinstance(line, SessionEnd):
            self._end(line)
        elif isinstance(line, DamagedEnd):
            self._cut = number
        if number >= self._armed and self._state.step % COUNTED == self._at:
            self._reached = True

    def rebuilt(self) -> Rebuilt:
        """Return the result, after the last line.

        Raises InputError if the log names no device, or has no line of the step to stop at.
        """
        if not self._begun:
            raise InputError(f"{self._path} names no device: it is empty, or no monitor's log")
        if self._at is not None and not self._reached:
            raise InputError(
                f"there is no step {self._at} in {self._path}: it goes from {self._first_step} to"
                f" {self._state.step}"
            )
        return Rebuilt(self._state, self.rows, self._checked, self._cut)

    # --- rows in blocks ---------------------------------------------------------------------------

    def learn_together(self, rows: RowBlock) -> bool:
        """Learn successive rows at once, and check them.

        Returns False, with an unchanged state, if `take` must process the rows: if something is
        wrong, a state must be stored or confirmed, or the requested step is among them.
        """
        if not (self._begun and rows.fit(self._model.plan) and self._continues(rows)):
            return False
        before = self._state.copy()
        learned = [*self._trainer.learn_stream(rows.x, rows.labels)]
        decisions = np.concatenate([part.decisions for part in learned])
        steps = np.concatenate([part.steps for part in learned]) % COUNTED
        if not rows.answered(self._state.plan, decisions, steps):
            self._trainer.state = before
            return False
        self._checked = False
        self.rows += len(rows.numbers)
        return True

    def _continues(self, rows: RowBlock) -> bool:
        """Tell whether the rows continue the state, and no state between them is needed."""
        samples = rows.samples.tolist()
        first, last = self._state.step % COUNTED, int(rows.steps[-1])
        if self._at is not None and (last < first or first <= self._at <= last):
            return False
        expected = [(self._samples + 1 + i) % COUNTED for i in range(len(samples))]
        usual = not self._promised and samples == expected and self._returns.isdisjoint(samples)
        if not self._model.plan.regression:
            usual = usual and bool(self._state.used[rows.labels].all())
        return usual and bool((rows.halvings == self._state.halvings).all())

    # --- lines ------------------------------------------------------------------------------------

    def _start(self, line: SessionStart) -> None:
        try:
            line.require_plan(self._model.plan.digest)
        except InputError as error:
            raise self._bad(str(error)) from error
        if self._begun:
            self._go_back(line.mark)
            return
        self._use(self._beginning(line.mark))
        self._begun, self._first_step = True, self._state.step
        self._keep()
        self._used(line.mark)

    def _beginning(self, mark: Mark) -> State:
        """Return the device's state at the start of the log: the model's or the flashed state."""
        model = self._model
        for state in (model.state.copy(), *model.state.starts()):
            if state.samples % COUNTED == mark.samples and _as_marked(state, mark):
                return state
        had, has = counted(mark.samples, "sample"), counted(model.state.samples, "sample")
        if mark.samples not in (0, model.state.samples % COUNTED):
            raise self._bad(
                f"the log starts at {had}, but the model has {has}: name a model that was pulled"
                " when the log began",
            )
        raise self._bad(
            f"the log starts at {had} with CRC {mark.crc:08x}, but the model has another state with"
            f" {has}: name the model that was flashed, or pulled when the log began",
        )

    def _learn(self, row: LogRow) -> None:
        expected = (self._samples + 1) % COUNTED
        if row.sample != expected:
            raise self._gap(expected, row.sample)
        x, before = self._input(row), self._state.step
        decisions = self._trainer.learn_one(x, self._truth(row))
        self._checked = False
        self.rows += 1
        self._compare("step", row.step, self._state.step % COUNTED)
        self._compare("halvings", row.halvings, self._state.halvings)
        predicted = answers(self._state.plan, decisions[None])
        self._compare("predicted", row.predicted, int(predicted[0]))
        theirs = (None,) * len(decisions) if row.decisions is None else row.decisions
        self._compare("the number of decisions", len(theirs), len(decisions))
        for index, (logged, ours) in enumerate(zip(theirs, decisions.tolist(), strict=True)):
            self._compare(f"decisions[{index}]", logged, ours)
        self._keep()
        while self._promised and self._promised[0][1].samples == self._samples:
            number, mark = self._promised.pop(0)
            self._confirm(mark, number)
        armed = self._at is not None and self._line > self._armed
        if self._at is not None and armed and before < self._at < self._state.step:
            raise self._bad(
                f"step {self._at} is inside sample {row.sample}, for which the device made the"
                f" steps {before + 1} to {self._state.step} at once: ask for {before} or"
                f" {self._state.step}",
            )

    def _truth(self, row: LogRow) -> int | NDArray[np.int64]:
        plan, label = self._model.plan, row.label
        if plan.output is None:
            if not isinstance(label, int):
                raise self._bad("the row has targets, but the model has learned classes")
            if label >= plan.classes:
                raise self._bad(f"the label {label} is none of {plan.classes} classes")
            if not self._state.used[label]:
                raise self._bad(f"the label {label} is a spare output, which no line makes a class")
            return label
        if isinstance(label, int) or len(label) != plan.classes:
            raise self._bad(f"the row needs {counted(plan.classes, 'target')} of the regression")
        if min(label) < plan.output.minimum or max(label) > plan.output.maximum:
            raise self._bad(f"a target exceeds {plan.output.name}")
        return np.array(label, dtype=np.int64)

    def _input(self, row: LogRow) -> NDArray[np.int64]:
        plan, format = self._model.plan, self._model.plan.layers[0].input
        if len(row.x) != plan.inputs:
            raise self._bad(f"{len(row.x)} inputs, but the plan has {plan.inputs}")
        if min(row.x) < format.minimum or max(row.x) > format.maximum:
            raise self._bad(f"an input exceeds {format.name}")
        return np.array(row.x, dtype=np.int64)

    def _interrupt(self, line: Interruption) -> None:
        if line.fell_back:
            self._go_back(line.mark)
            return
        ahead = (line.mark.samples - self._samples) % COUNTED
        if ahead == 0:
            self._confirm(line.mark)
        elif ahead <= MOST_AHEAD:
            self._promised.append((self._line, line.mark))
        else:
            raise self._gap(self._samples, line.mark.samples)

    def _set_rate(self, line: RateChange) -> None:
        try:
            self._state.halve_rate(line.halvings)
        except InputError as error:
            raise self._bad(str(error)) from error
        self._checked = False
        self._keep()

    def _add_class(self, line: ClassChange) -> None:
        try:
            label = self._state.add_class(line.name)
        except InputError as error:
            raise self._bad(str(error)) from error
        self._compare("label", line.label, label)
        self._checked = False
        self._keep()

    def _end(self, line: SessionEnd) -> None:
        if line.mark.samples != self._samples:
            raise self._gap(self._samples, line.mark.samples)
        self._confirm(line.mark)

    # --- earlier states ---------------------------------------------------------------------------

    def _keep(self) -> None:
        """Store this state if the device falls back to it."""
        if self._samples in self._returns:
            key = self._samples, self._state.crc
            if key in self._wanted:
                self._kept[key] = self._state.to_bytes()

    def _used(self, mark: Mark) -> None:
        """Count one use of a stored state; drop the state after its last use."""
        key = mark.samples, mark.crc
        self._wanted[key] -= 1
        if not self._wanted[key]:
            del self._wanted[key]
            self._kept.pop(key, None)

    def _go_back(self, mark: Mark) -> None:
        """Continue with the device's state after a restart: the present one, or an earlier one."""
        key, starts = (mark.samples, mark.crc), self._model.state.starts()
        flashed = next((state for state in starts if key == (0, state.crc)), None)
        if key in self._kept:
            state = State.from_bytes(self._model.plan, self._kept[key])
        elif flashed is not None:
            state = flashed
        else:
            raise self._bad(
                f"the device went on with {counted(mark.samples, 'sample')} and CRC"
                f" {mark.crc:08x}, a state that is nowhere before in this log, so from here on"
                " nothing can be rebuilt; use --at for a step before this line",
            )
        self._use(state)
        self._promised.clear()
        self._confirm(mark)
        self._used(mark)

    def _use(self, state: State) -> None:
        self._trainer.state = state
        self._checked = True

    # --- checks -----------------------------------------------------------------------------------

    def _bad(self, what: str) -> InputError:
        return InputError(f"{self._path}, line {self._line}: {what}")

    def _gap(self, expected: int, found: int) -> Gap:
        return Gap(
            f"{self._path}, line {self._line}: sample {expected} was expected, but {found} found:"
            " lines are missing, and nothing behind a gap can be rebuilt"
        )

    def _compare(self, what: str, device: object, host: object, line: int | None = None) -> None:
        """Raise CheckError if a value in a line, usually the current one, is not the host's."""
        if device is not None and device != host:
            raise CheckError(
                f"{self._path}, line {line or self._line}: {what} is {device} in the log and"
                f" {host} on the host: the device is faulty, or the log was changed"
            )

    def _confirm(self, mark: Mark, line: int | None = None) -> None:
        """Raise CheckError unless the device had exactly this state."""
        self._compare("step", mark.step, self._state.step % COUNTED, line)
        self._compare("halvings", mark.halvings, self._state.halvings, line)
        self._compare("crc", f"{mark.crc:08x}", f"{self._state.crc:08x}", line)
        self._checked = True


def _as_marked(state: State, mark: Mark) -> bool:
    """Set a state's rate to that of a mark; tell whether the state then has the mark's CRC."""
    assert mark.halvings is not None
    if mark.halvings <= state.plan.rate_halvings_max:
        state.halve_rate(mark.halvings)
    return state.crc == mark.crc
