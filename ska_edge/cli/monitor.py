"""`ska-edge monitor`: let one or several devices learn and watch them, with logs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ska_edge.cli.console import Output, json_option, label_option
from ska_edge.cli.device import PORT_HELP, baud_option, find_port
from ska_edge.cli.evaluate import load_for
from ska_edge.cli.monitor_check import check, log_paths
from ska_edge.cli.verify import metrics_table, progress_title
from ska_edge.device.info import DeviceInfo, Result
from ska_edge.device.link import Link
from ska_edge.errors import ContactLost, DeviceError, InputError, SkaError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.fleet import Job, Member, run
from ska_edge.monitor.telemetry import Line
from ska_edge.plural import counted
from ska_edge.wire.protocol import COUNTED

COLUMNS = ("port", "board", "samples", "right", "samples/s", "warnings", "state")


@click.command(
    epilog="Example:  ska-edge monitor digits.ska digits --samples 100 --log steps.jsonl"
)
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.argument("data", required=False)
@click.option("--port", "ports", multiple=True, help=f"{PORT_HELP} Repeat it for several.")
@baud_option
@click.option("--samples", type=click.IntRange(min=1), help="How many rows of DATA to learn [all].")
@click.option("--split", is_flag=True, help="Share the rows out instead of giving each device all.")
@click.option(
    "--log",
    type=click.Path(path_type=Path),
    help="JSONL file, a line a sample; continued if it ends where the device is. Of several"
    " devices each has its own: FILE-1, FILE-2, ...",
)
@click.option("--overwrite", is_flag=True, help="Replace logs that are there.")
@click.option(
    "--halve-rate",
    "halvings",
    metavar="N",
    type=click.IntRange(min=0, max=255),
    help="First halve the plan's rate N times.",
)
@click.option("--save", is_flag=True, help="At the end let the device keep its state.")
@click.option(
    "--save-every",
    metavar="N",
    type=click.IntRange(min=1),
    help="Let the device keep its state each time after N rows.",
)
@click.option(
    "--patience",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    help="How long to wait for a device that went away.",
)
@click.option("--mqtt", "broker", metavar="HOST[:PORT]", help="Publish the log's lines there, too.")
@click.option("--name", "names", multiple=True, help="A device's name for MQTT, one a --port.")
@label_option
@json_option
def monitor(
    model: Path | None,
    data: str | None,
    ports: tuple[str, ...],
    baud: int,
    samples: int | None,
    split: bool,
    log: Path | None,
    overwrite: bool,
    halvings: int | None,
    save: bool,
    save_every: int | None,
    patience: float,
    broker: str | None,
    names: tuple[str, ...],
    label_column: str | None,
    as_json: bool,
) -> None:
    """Watch devices. With MODEL and DATA they go on learning rows of DATA, with live metrics.

    Without --port it takes the only port there is. Unlike `verify` it continues from where a
    device is; one that goes away meanwhile is waited for. Ctrl-C ends between two samples.
    """
    out = Output(as_json)
    check(model, data, ports, log, overwrite, patience, broker, names)
    if model is None or data is None:
        _look(ports or (find_port(None),), baud, out)
        return
    loaded = open_model(model)
    dataset = load_for(loaded, data, label_column)
    if halvings is not None and halvings > loaded.plan.rate_halvings_max:
        most = loaded.plan.rate_halvings_max
        raise InputError(
            f"--halve-rate is {halvings}, but {model}'s rate can be halved {counted(most, 'time')}"
        )
    inputs, labels = loaded.quantize(dataset.x[:samples]), dataset.y[:samples]
    ports = ports or (find_port(None),)
    members = []
    for i, path in enumerate(log_paths(log, len(ports))):
        share = slice(i, None, len(ports)) if split else slice(None)
        name = names[i] if names else None
        members.append(Member(ports[i], inputs[share], labels[share], path, name))
    view = View(loaded, members, patience, out)
    job = Job(
        plan=loaded.plan,
        baud=baud,
        patience=patience,
        halvings=halvings,
        save=save,
        save_every=save_every,
        overwrite=overwrite,
        broker=broker or "",
        say=view.say,
        warn=view.warn,
    )
    with out.live() as show:
        try:
            run(members, job, lambda: show(view.picture(True)), view.stopping)
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):  # the terminal may be what has gone
                view.stopped()
                out.document(view.document())
            raise
        if len(members) == 1 and members[0].error is not None:
            out.document(view.document())
            raise members[0].error
        show(view.picture(False))  # below it, each warning gets a line of its own
    view.finish()
    out.document(view.document())
    _exit([member.error for member in members if member.error is not None])


def _look(ports: Sequence[str], baud: int, out: Output) -> None:
    """Say what is at the ports."""
    entries, errors = [], []
    for port in ports:
        try:
            with Link(port, baud=baud) as link:
                info = link.hello()
        except DeviceError as error:
            if len(ports) == 1:
                raise
            errors.append(error)
            entries.append(_entry(port, None, str(error)))
            continue
        out.line(_introduction(info, link.port))
        entries.append(_entry(link.port, info, None))
    out.document(_document(entries))
    _exit(errors)


def _exit(errors: Sequence[SkaError]) -> None:
    """End with a sentence for each device that failed, and the exit code of the first."""
    for error in errors:
        click.echo(f"ska-edge: {error}", err=True)
    if errors:
        click.get_current_context().exit(errors[0].exit_code)


def _introduction(info: DeviceInfo, port: str) -> str:
    return f"{info.board} at {port}: plan {info.digest}, step {info.step}"


def _entry(port: str, info: DeviceInfo | None, error: str | None) -> dict[str, Any]:
    """What `--json` says of a device that has learned nothing."""
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


def _document(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """All devices; a single one's keys stand at the top, too."""
    alone = {} if len(entries) > 1 else entries[0]
    return {**alone, "devices": entries}


class View:
    """What people and programs see of a fleet.

    `say` and `warn` may be called by any thread.
    """

    def __init__(
        self, model: Model, members: Sequence[Member], patience: float, out: Output
    ) -> None:
        self._model = model
        self._members = members
        self._patience = patience
        self._out = out
        self._warned: set[str] = set()
        self._fell: dict[str, list[str]] = {member.port: [] for member in members}
        self._before: dict[str, int] = {}  # samples before the last line, by port

    def warn(self, sentence: str) -> None:
        """A warning that is no single device's, said once."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._out.warning(sentence)

    def say(self, member: Member, what: Line | ContactLost) -> None:
        """Tell what people should know at once."""
        if isinstance(what, ContactLost):
            # The last colon: in front of it a port's name and the system's words may have others.
            reason = str(what).rpartition(": ")[0]  # what to do about it is done here
            self._out.note(f"{reason}; waiting up to {self._patience:g} s for it")
            return
        assert member.monitor is not None
        port = member.monitor.port
        if "device" in what:
            text = _introduction(member.monitor.info, port)
            log = f", log {member.path}" if member.path and len(self._members) > 1 else ""
            self._out.line(text + log)
        elif "interrupted" in what and what["fell_back"]:
            text = (
                f"the device at {port} has started again, or was given another state: it has"
                f" {counted(what['samples'], 'sample')}, not {self._before[member.port]}, and"
                " what it learned since its last save is lost"
            )
            self._fell[member.port].append(text)
            self._out.warning(text)
        elif "interrupted" in what:
            more = (what["samples"] - self._before[member.port]) % COUNTED
            self._out.note(f"the device at {port} is back; it has learned {more} more meanwhile")
        self._before[member.port] = member.monitor.samples

    def stopping(self) -> None:
        """After Ctrl-C."""
        self._out.note("stopping between two samples; Ctrl-C again does not wait for that")

    def stopped(self) -> None:
        """When all devices have come to a boundary after Ctrl-C, or were given up."""
        for member in self._members:
            if member.monitor is not None:
                self._out.note(f"{member.monitor.port}: stopped at step {member.monitor.step}")
            if member.error is not None:
                self._out.note(str(member.error))

    # --- live and last ----------------------------------------------------------------------------

    def picture(self, warnings: bool) -> RenderableType:
        """How it stands: one device's layers, or a row for each of several."""
        if len(self._members) > 1:
            return self._fleet()
        (member,) = self._members
        monitor = member.monitor
        result = Result(0, 0, 0, ())
        if monitor is not None and monitor.result is not None:
            result = monitor.result
        title = self._title(member) + (", waiting for the device" if member.waiting else "")
        table = metrics_table(self._model.plan, title, result)
        if monitor is None or not warnings:
            return table
        return Group(table, *(Text(f"warning: {found.sentence()}") for found in monitor.symptoms))

    def _fleet(self) -> Table:
        table = Table()
        for column in COLUMNS:
            text = column in ("port", "board", "state")
            table.add_column(column, justify="left" if text else "right")
        supervised = self._model.plan.rule_definition.supervised
        for member in self._members:
            monitor, total = member.monitor, len(member.labels)
            cells = [member.port, "", f"0/{total}", "", "", ""]
            if monitor is not None:
                cells = [
                    monitor.port,
                    monitor.info.board,
                    f"{monitor.learned}/{total}",
                    str(monitor.correct) if supervised else "-",
                    f"{monitor.rate:.1f}" if not member.ended else "",
                    str(len(monitor.symptoms) + len(self._fell[member.port])),
                ]
            table.add_row(*(Text(cell) for cell in (*cells, member.state)))
        return table

    def _title(self, member: Member) -> str:
        monitor = member.monitor
        if monitor is None:
            return "no contact yet"
        title = progress_title(self._model, monitor.learned, member.labels, monitor.correct)
        if monitor.unanswered:
            title += f", {counted(monitor.unanswered, 'answer')} lost"
        return title

    def finish(self) -> None:
        """Symptoms, and how far each device has come."""
        several = len(self._members) > 1
        for member in self._members:
            if member.monitor is None:
                continue
            of = f"{member.monitor.port}: " if several else ""
            for found in member.monitor.symptoms:
                self._out.warning(of + found.sentence())
            self._out.line(f"{of}{self._title(member)}; step {member.monitor.step}")

    def document(self) -> dict[str, Any]:
        """The document of `--json`."""
        return _document([self._member(member) for member in self._members])

    def _member(self, member: Member) -> dict[str, Any]:
        monitor = member.monitor
        error = None if member.error is None else str(member.error)
        entry = _entry(member.port, monitor.info if monitor else None, error)
        if monitor is None:
            return entry
        fell = [
            {"sign": "fell back", "layer": None, "text": text} for text in self._fell[member.port]
        ]
        return {
            **entry,
            "port": monitor.port,
            "step": monitor.step,
            "samples": monitor.learned,
            "correct": int(monitor.correct),
            "warnings": [*fell, *(found.as_dict() for found in monitor.symptoms)],
            "log": None if member.path is None else str(member.path),
        }
