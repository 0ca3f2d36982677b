"""Displays monitored devices, and makes their JSON document."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ska_edge.cli.screen.columns import DEVICES
from ska_edge.cli.screen.console import Output
from ska_edge.cli.screen.metrics import metrics_table, progress_title
from ska_edge.cli.screen.printable import printable
from ska_edge.device.info import DeviceInfo, Result
from ska_edge.errors import ContactLost
from ska_edge.model.model_file import Model
from ska_edge.monitor.fleet import Member
from ska_edge.monitor.log_line import Interruption, LogLine, Missing, SessionStart
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.plural import counted
from ska_edge.training.options import flag
from ska_edge.wire.protocol import COUNTED


def introduction(info: DeviceInfo, port: str) -> str:
    """Return one line with the identity and the progress of a device."""
    return f"{info.board} at {port}: plan {info.digest}, step {info.step}"


def device_entry(port: str, info: DeviceInfo | None, error: str | None) -> dict[str, Any]:
    """Return the entry in `--json` of a device that has learned no row yet."""
    return {
        "board": info.board if info else None,
        "port": port,
        "digest": info.digest if info else None,
        "step": info.step if info else None,
        "samples": 0,
        "correct": 0,
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


class TerminalSink:
    """A `Sink` that prints notable events of one device immediately.

    Args:
        out: the output.
        patience: seconds to wait for a lost device.
        log: path to name in the introduction; None for no log.

    Attributes:
        warnings: an entry of the JSON document for each time that the device lost what it had
            learned, and for each gap in what it learned by itself.
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
        """Print the progress of the device at the start and after an interruption."""
        monitor = self._monitor
        assert monitor is not None
        if isinstance(line, SessionStart):
            log = f", log {self._log}" if self._log else ""
            self._out.line(introduction(monitor.info, monitor.port) + log)
        elif isinstance(line, Interruption):
            self._back(line, monitor.port)
        elif isinstance(line, Missing):
            self._warn(
                "missing",
                f"{counted(line.rows, 'row')} that the device at {monitor.port} learned by itself"
                " did not arrive, so the log cannot rebuild its state from here on",
            )
        self._before = monitor.samples

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
        self.warnings.append({"sign": sign, "layer": None, "text": text})
        self._out.warning(text)

    def status(self, activity: Activity) -> None:
        """Print nothing, because the table shows the activity."""

    def lost(self, reason: ContactLost) -> None:
        """Print that the monitor waits for the device."""
        # Split at the last colon: the port and the system's text may contain other colons.
        what = str(reason).rpartition(": ")[0]  # without the advice
        self._out.note(f"{what}; waiting up to {self._patience:g} s for it")

    def close(self) -> None:
        """Print nothing."""


class View:
    """The display and the JSON document of a fleet.

    Args:
        model: the model of the devices.
        members: the devices.
        terminals: the terminal sink of each device.
        logs: the log of each device.
        out: the output.
    """

    def __init__(
        self,
        model: Model,
        members: Sequence[Member],
        terminals: Sequence[TerminalSink],
        logs: Sequence[Path | None],
        out: Output,
    ) -> None:
        self._model = model
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
        """Print where the devices have stopped after Ctrl-C."""
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

        Returns None if no device has learned anything yet.
        """
        monitors = [member.monitor for member in self._members if member.monitor is not None]
        if not any(monitor.learned for monitor in monitors):
            return None
        if len(self._members) > 1:
            return self._fleet()
        (member,), (monitor,) = self._members, monitors
        result = monitor.result or Result(0, 0, 0, ())
        table = metrics_table(self._model.plan, self._now(member), result)
        if not warnings:
            return table
        warned = (printable(f"warning: {found.sentence(flag)}") for found in monitor.symptoms)
        return Group(table, *map(Text, warned))

    def _fleet(self) -> Table:
        table = Table()
        for column in DEVICES:
            text = column.title in ("port", "board", "state")
            table.add_column(column.title, justify="left" if text else "right")
        supervised = self._model.plan.rule_definition.supervised
        for member in self._members:
            monitor = member.monitor
            total = f"/{len(member.labels)}" if len(member.labels) else ""
            cells = [member.port, "", f"0{total}", "", "", ""]
            if monitor is not None:
                cells = [
                    monitor.port,
                    monitor.info.board,
                    f"{monitor.learned}{total}",
                    str(monitor.correct) if supervised else "-",
                    f"{monitor.rate:.1f}" if not member.ended else "",
                    str(len(monitor.symptoms) + len(self._said[member.port])),
                ]
            table.add_row(*(Text(printable(cell)) for cell in (*cells, member.state)))
        return table

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
        title = progress_title(self._model, monitor.learned, member.labels, monitor.correct)
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
            if member.monitor is None:
                continue
            of = f"{member.monitor.port}: " if several else ""
            for found in member.monitor.symptoms:
                self._out.warning(of + found.sentence(flag))
            self._out.line(f"{of}{self._title(member)}; step {member.monitor.step}")

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
            "warnings": [
                *self._said[member.port],
                *(found.as_dict(flag) for found in monitor.symptoms),
            ],
            "log": None if log is None else str(log),
        }
