"""Displays monitored devices, and makes their JSON document."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ska_edge.cli.screen.columns import DEVICES, HELD_OUT
from ska_edge.cli.screen.console import Output
from ska_edge.cli.screen.live import live_picture
from ska_edge.cli.screen.metrics import mae_document, metrics_table, progress_title
from ska_edge.cli.screen.trends import Trends
from ska_edge.device.info import DeviceInfo, Result
from ska_edge.errors import ContactLost
from ska_edge.model.model_file import Model
from ska_edge.monitor.fleet import Member
from ska_edge.monitor.log.line import (
    Interruption,
    LogLine,
    LogRow,
    LogWarning,
    Missing,
    SessionEnd,
    SessionStart,
    WindowSeen,
)
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.monitor.signs.exam import Exam
from ska_edge.network.measures.warning import general_warning
from ska_edge.plural import counted
from ska_edge.report.printable import printable
from ska_edge.training.options import flag
from ska_edge.wire.protocol import COUNTED


def introduction(info: DeviceInfo, port: str) -> str:
    """Return one line with the identity and the progress of a device."""
    progress = f"step {info.step}" if info.learns else "only classifies"
    return f"{info.board} at {port}: plan {info.digest}, {progress}"


def device_entry(port: str, info: DeviceInfo | None, error: str | None) -> dict[str, Any]:
    """Return the entry in `--json` of a device that has learned no row yet."""
    return {
        "board": info.board if info else None,
        "port": port,
        "digest": info.digest if info else None,
        "step": info.step if info else None,
        "samples": 0,
        "correct": 0,
        "unknown": 0,
        "held_out": None,
        "warnings": [],
        "log": None,
        "error": error,
    }


def devices_document(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document of all devices; a single device's keys are also at the top level."""
    alone = {} if len(entries) > 1 else entries[0]
    return {**alone, "devices": entries}


def once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that prints a sentence only the first time; any thread may call it."""
    said: set[str] = set()

    def say_once(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            say(sentence)

    return say_once


def _rows(start: SessionStart, exam: Exam | None, senses: bool) -> str:
    """Return a clause about the rows that a session sends, or about those of the device."""
    if start.place is None and senses:
        return ", no DATA: watches the windows of the device's sensor"
    if start.place is None:
        return ", no DATA: follows what the device learns by itself"
    order = (
        f"shuffled by seed {start.seed}" if start.order == "shuffled" else "in the order of DATA"
    )
    first = f" from row {start.place.next + 1} on" if start.place.next else ""
    held = f", {exam.size} held out" if exam is not None else ""
    return f", rows {order}{first}{held}"


class TerminalSink:
    """A `Sink` that prints notable events of one device immediately.

    Args:
        out: the output.
        patience: seconds to wait for a lost device.
        log: path to name in the introduction; None for no log.

    Attributes:
        warnings: an entry of the JSON document for each time that the device lost what it had
            learned, for each gap in what it learned by itself, and for signs that it forgets.
    """

    def __init__(self, out: Output, patience: float, log: Path | None) -> None:
        self.warnings: list[dict[str, Any]] = []
        self._out, self._patience, self._log = out, patience, log
        self._monitor: Monitor | None = None
        self._before = 0  # the device's sample count at the last line

    def open(self, monitor: Monitor) -> None:
        """Store the monitor of the device."""
        self._monitor = monitor

    def write(self, line: LogLine) -> None:
        """Print a start, an interruption, a gap, a warning that concerns no single layer, or that a
        sensor has no more samples; also the windows of a sensor, unless a live view shows them.
        """
        monitor = self._monitor
        assert monitor is not None
        if isinstance(line, SessionStart):
            log = f", log {self._log}" if self._log else ""
            rows = _rows(line, monitor.exam, monitor.info.senses)
            self._out.line(introduction(monitor.info, monitor.port) + rows + log)
        elif isinstance(line, Interruption):
            self._back(line, monitor.port)
        elif isinstance(line, LogWarning) and line.content["layer"] is None:
            self._warn_of(line.content)
        elif isinstance(line, WindowSeen) and self._plain_windows(monitor):
            self._out.line(
                f"window {line.number}: {printable(monitor.said(line.predicted, line.decisions))}"
            )
        elif isinstance(line, LogRow) and self._plain_windows(monitor):
            self._out.line(printable(monitor.steering.answer))
        elif isinstance(line, Missing):
            self._warn(
                "missing",
                f"{counted(line.rows, 'row')} that the device at {monitor.port} learned by itself"
                " did not arrive, so the log cannot rebuild its state from here on",
            )
        elif isinstance(line, SessionEnd) and monitor.sensor_ended:
            self._out.note(f"the sensor of the device at {monitor.port} has no more samples")
        self._before = monitor.samples

    def _plain_windows(self, monitor: Monitor) -> bool:
        """Tell whether the windows of a sensor are printed as lines; a live view shows the last."""
        return monitor.window is not None and not self._out.progress_console.is_terminal

    def _back(self, line: Interruption, port: str) -> None:
        if not line.fell_back:
            more = (line.mark.samples - self._before) % COUNTED
            self._out.note(f"the device at {port} is back; it has learned {more} more since")
            return
        text = (
            f"the device at {port} has restarted, or was given another state: it has"
            f" {counted(line.mark.samples, 'sample')}, not {self._before}, and what it learned"
            " since its last save is lost"
        )
        self._warn("fell back", text)

    def _warn(self, sign: str, text: str) -> None:
        self._warn_of(general_warning(sign, text))

    def _warn_of(self, content: Mapping[str, Any]) -> None:
        self.warnings.append(dict(content))
        self._out.warning(content["text"])

    def status(self, activity: Activity) -> None:
        """Print nothing, because the table shows the activity."""

    def lost(self, reason: ContactLost) -> None:
        """Print that the monitor waits for the device."""
        # Split at the last colon: the port and the system's text may contain other colons.
        what = str(reason).rpartition(": ")[0]  # without the advice
        self._out.note(f"{what}; waiting up to {self._patience:g} s for it")

    def close(self) -> None:
        """Print nothing."""


def _held_out_cell(exam: Exam | None) -> str:
    return "-" if exam is None or exam.right is None else f"{exam.right.sum()}/{exam.size}"


def _held_out(exam: Exam | None, names: Sequence[str]) -> dict[str, Any] | None:
    """Return the entry in `--json` about held-out rows; None without an exam."""
    if exam is None or exam.right is None:
        return None
    return {
        "rows": exam.size,
        "right": int(exam.right.sum()),
        "right_at_first": exam.first,
        "classes": {
            name: {"rows": rows, "right": right}
            for name, (right, rows) in zip(names, exam.result, strict=True)
        },
    }


class View:
    """The display and the JSON document of a fleet.

    Args:
        model: the model of the devices.
        members: the devices.
        terminals: the terminal sink of each device.
        logs: the log of each device.
        out: the output.
        trends: what the devices did so far, for a terminal; empty for plain lines.

    Attributes:
        legend: a line that lists the keys, below the live view; "" without keys.
    """

    def __init__(
        self,
        model: Model,
        members: Sequence[Member],
        terminals: Sequence[TerminalSink],
        logs: Sequence[Path | None],
        out: Output,
        trends: Sequence[Trends] = (),
    ) -> None:
        self._model = model
        self._trends = trends
        self.legend = ""
        self._members = members
        self._said = {
            member.port: terminal.warnings
            for member, terminal in zip(members, terminals, strict=True)
        }
        self._logs = {member.port: log for member, log in zip(members, logs, strict=True)}
        self._out = out

    def stopping(self) -> None:
        """Print, after Ctrl-C, that the devices are stopping."""
        self._last_word("stopping between two samples; press Ctrl-C again to stop now")

    def stopped(self) -> None:
        """Print the step at which each device stopped, and its error if it has one."""
        for member in self._members:
            if member.monitor is not None:
                self._last_word(f"{member.monitor.port}: stopped at step {member.monitor.step}")
            if member.error is not None:
                self._last_word(member.error.named(flag))

    def _last_word(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be closed
            self._out.note(text)

    # --- during and after the work ----------------------------------------------------------------

    def picture(self, warnings: bool) -> RenderableType | None:
        """Return a table of the present state: one device's layers, or one row per device.

        Returns None if no device has learned anything yet, or been paused before.
        """
        monitors = [member.monitor for member in self._members if member.monitor is not None]
        if not any(
            monitor.learned or monitor.steering.paused or monitor.window for monitor in monitors
        ):
            return None
        legend = [Text(self.legend, style="dim")] if warnings and self.legend else []
        if len(self._members) > 1:
            return Group(self._fleet(), *legend)
        (member,), (monitor,) = self._members, monitors
        title = self._now(member) if warnings else ""  # `finish` prints the last one
        if self._trends:
            said = [found.sentence(flag) for found in monitor.symptoms] if warnings else []
            plain = self._out.progress_console.options.ascii_only
            return live_picture(self._model, member, self._trends[0], title, said, plain, legend)
        if monitor.result is None and monitor.window is not None:
            return None  # a window that was learned by a button has no metrics
        result = monitor.result or Result(0, 0, 0, ())
        table = metrics_table(self._model.plan, title, result)
        if not warnings:
            return table
        warned = (printable(f"warning: {found.sentence(flag)}") for found in monitor.symptoms)
        return Group(table, *map(Text, warned))

    def _fleet(self) -> Table:
        monitors = [member.monitor for member in self._members if member.monitor is not None]
        examined = any(monitor.exam is not None for monitor in monitors)
        columns = [column for column in DEVICES if examined or column is not HELD_OUT]
        table = Table()
        for column in columns:
            text = column.title in ("port", "board", "state")
            # In a narrow terminal, only the columns of ports and of held-out rows wrap.
            table.add_column(
                column.title,
                justify="left" if text else "right",
                no_wrap=column is not HELD_OUT and column.title != "port",
            )
        for member in self._members:
            cells = self._cells(member)
            table.add_row(*(Text(printable(cells.get(column.title, ""))) for column in columns))
        return table

    def _cells(self, member: Member) -> dict[str, str]:
        """Return the cells of a device, by the title of the column."""
        monitor = member.monitor
        first = 0 if monitor is None else monitor.first
        total = f"/{len(member.labels) - first}" if len(member.labels) else ""
        if monitor is None:
            return {"port": member.port, "samples": f"0{total}", "state": member.state}
        plan = self._model.plan
        supervised = plan.rule_definition.supervised and not plan.regression
        return {
            "port": monitor.port,
            "board": monitor.info.board,
            "samples": f"{monitor.learned}{total}",
            "right": str(monitor.correct) if supervised else "-",
            HELD_OUT.title: _held_out_cell(monitor.exam),
            "samples/s": f"{monitor.rate:.1f}" if not member.ended else "",
            "warnings": str(len(monitor.symptoms) + len(self._said[member.port])),
            "state": member.state,
        }

    def line(self) -> str:
        """Return the progress of all devices in one line."""
        several = len(self._members) > 1
        return "; ".join(
            (f"{member.port}: " if several else "") + self._now(member) for member in self._members
        )

    def _title(self, member: Member) -> str:
        monitor = member.monitor
        if monitor is None:
            return "no contact yet"
        labels = member.labels[monitor.first :]  # a continued session sends only the rest
        title = progress_title(
            self._model, monitor.learned, labels, monitor.correct, monitor.unknown, monitor.missed
        )
        exam = monitor.exam
        if exam is not None and exam.right is not None:
            right = f"{exam.right.sum()} of {exam.size} held-out rows"
            after = "" if exam.after == monitor.learned else f" after {exam.after}"
            title += f", {right} right{after} (at first {exam.first})"
        if monitor.unanswered:
            title += f", {counted(monitor.unanswered, 'answer')} lost"
        if monitor.missing:
            title += f", {monitor.missing} missing"
        return title

    def _now(self, member: Member) -> str:
        return self._title(member) + (", waiting for the device" if member.waiting else "")

    def finish(self) -> None:
        """Print the symptoms and the progress of each device."""
        several = len(self._members) > 1
        for member in self._members:
            monitor = member.monitor
            if monitor is None:
                continue
            of = f"{monitor.port}: " if several else ""
            for found in monitor.symptoms:
                self._out.warning(of + found.sentence(flag))
            saved = "" if monitor.saved is None else f", saved at sample {monitor.saved}"
            self._out.line(f"{of}{self._title(member)}; step {monitor.step}{saved}")

    def document(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        return devices_document([self._member(member) for member in self._members])

    def _member(self, member: Member) -> dict[str, Any]:
        monitor, log = member.monitor, self._logs[member.port]
        error = None if member.error is None else member.error.named(flag)
        entry = device_entry(member.port, monitor.info if monitor else None, error)
        if monitor is None:
            return entry
        return {
            **entry,
            "port": monitor.port,
            "step": monitor.step,
            "samples": monitor.learned,
            "correct": int(monitor.correct),
            **mae_document(self._model, monitor.missed, monitor.learned - monitor.unanswered),
            "saved": monitor.saved,
            "unknown": int(monitor.unknown),
            "held_out": _held_out(monitor.exam, self._model.state.labels),
            "warnings": [
                *self._said[member.port],
                *(found.as_dict(flag) for found in monitor.symptoms),
            ],
            "log": None if log is None else str(log),
        }
