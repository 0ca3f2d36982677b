"""`ska-edge monitor`: let one or several devices learn, with live metrics and logs."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from ska_edge.cli.device import refuse_line, started
from ska_edge.cli.options.complete import DATA, PATH
from ska_edge.cli.options.count import COUNT, COUNT_OR_NONE
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.key import key_in, key_option
from ska_edge.cli.options.monitor import check, check_raw, log_paths
from ska_edge.cli.options.port import PORT_HELP, Line, board_option, find_port, line_options
from ska_edge.cli.options.word import Word
from ska_edge.cli.screen.columns import ExplainedFleet
from ska_edge.cli.screen.console import Output, complain, json_option
from ska_edge.cli.screen.keys import has_keys, pressed_keys
from ska_edge.cli.screen.live import Keys
from ska_edge.cli.screen.monitor import (
    TerminalSink,
    View,
    device_entry,
    devices_document,
    introduction,
    once,
)
from ska_edge.cli.screen.trends import Trends
from ska_edge.cli.signals import interrupt
from ska_edge.dashboard.devices import Devices
from ska_edge.data.dataset import Dataset
from ska_edge.errors import DeviceError, InputError, SkaError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.fleet import Job, Member, run
from ska_edge.monitor.lesson import FEWEST, MOST, ORDERS, PER_CLASS, Lesson, prepare
from ska_edge.monitor.sinks.log import LogSink
from ska_edge.monitor.sinks.mqtt import Broker, MqttSink, access_of
from ska_edge.monitor.sinks.sink import Sink
from ska_edge.monitor.teach import as_known
from ska_edge.plan.check import LARGEST_SEED
from ska_edge.plural import counted
from ska_edge.training.options import flag


@click.command(
    cls=ExplainedFleet,
    epilog="Example:  ska-edge monitor digits.ska digits --samples 100 --log steps.jsonl",
)
@click.argument("model", type=PATH, required=False)
# DATA is not the shared argument of ska.toml, because without DATA the command follows the devices.
@click.argument("data", type=DATA, required=False)
@click.option("--port", "ports", multiple=True, help=f"{PORT_HELP} Repeat it for several.")
@board_option
@line_options
@key_option
@click.option(
    "--samples",
    type=COUNT,
    help="How many rows of DATA to learn [default: all]; without DATA, how many samples to follow.",
)
@click.option(
    "--order",
    type=Word(ORDERS),
    default=ORDERS[0],
    show_default=True,
    help="Order of the rows. A device forgets if the rows come class by class.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=LARGEST_SEED),
    default=0,
    show_default=True,
    help="Seed of the shuffled order, and of the choice of held-out rows.",
)
@click.option(
    "--hold-out",
    metavar="N",
    type=COUNT_OR_NONE,
    help="How many rows the devices only classify, to see what they forget [default: a tenth,"
    f" but at most {MOST}, or {PER_CLASS} per class if that is more, and none of fewer than"
    f" {FEWEST} rows; with --samples, as many of the remaining rows as that limit allows].",
)
@click.option("--split", is_flag=True, help="Give each device a share of the rows, not all rows.")
@click.option(
    "--log",
    type=PATH,
    help="JSONL file with one line per sample. A log that ends at the device's present state is"
    " continued. Several devices have one log each: FILE-1, FILE-2, ...",
)
@click.option("--overwrite", is_flag=True, help="Replace existing logs.")
@click.option(
    "--halve-rate",
    "halvings",
    metavar="N",
    type=click.IntRange(min=0, max=255),
    help="Halve the plan's rate N times before the first row.",
)
@click.option("--save", is_flag=True, help="At the end, save the state on the device.")
@click.option(
    "--save-every",
    metavar="N",
    type=COUNT,
    help="Save the state on the device after every N rows.",
)
@click.option(
    "--patience",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    help="How long to wait for a lost device.",
)
@click.option(
    "--mqtt",
    "broker",
    metavar="[mqtts://]HOST[:PORT]",
    help="MQTT broker that also gets each row, warning and loss. The environment gives the user and"
    " the password: SKA_EDGE_MQTT_USER and SKA_EDGE_MQTT_PASSWORD, or SKA_EDGE_MQTT_PASSWORD_FILE.",
)
@click.option(
    "--mqtt-ca",
    "ca",
    metavar="FILE",
    type=PATH,
    help="Certificates to trust for mqtts:// [default: the system's].",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Without DATA: also read the raw samples of each window of a device's own sensor, show"
    " them, and log them.",
)
@click.option("--plain", is_flag=True, help="Print plain lines, also on a terminal; read no keys.")
@click.option("--name", "names", multiple=True, help="Name of a device for MQTT, one per --port.")
@data_options
@json_option
def monitor(
    model: Path | None,
    data: str | None,
    ports: tuple[str, ...],
    board: str | None,
    line: Line,
    key: Path | None,
    samples: int | None,
    order: str,
    seed: int,
    hold_out: int | None,
    split: bool,
    log: Path | None,
    overwrite: bool,
    halvings: int | None,
    save: bool,
    save_every: int | None,
    patience: float,
    broker: str | None,
    ca: Path | None,
    raw: bool,
    plain: bool,
    names: tuple[str, ...],
    reader: Reader,
    as_json: bool,
    devices: Devices | None = None,
    out: Output | None = None,
) -> None:
    """Monitor devices. With MODEL and DATA, they learn rows of DATA, with live metrics.

    With MODEL alone, `monitor` follows what the devices learn by themselves, until Ctrl-C or for
    --samples. If they have a sensor of their own, it shows the windows, and the keys 0 to 9 label
    the last one. Without MODEL, it shows the devices.

    By default the rows are shuffled, and a few are held out: a device only classifies them. --port
    may be omitted if there is only one port. Unlike `verify`, `monitor` continues from a device's
    present state, and waits for a lost device. Ctrl-C stops between two samples.

    On a terminal, keys pause the learning, save, change the rate and end the session.
    """
    # `devices` and `out` are no options: `ska-edge dashboard` calls this function with them.
    out = out or Output(as_json, plain=plain, wrap=True)
    check(
        model,
        data,
        ports=ports,
        log=log,
        overwrite=overwrite,
        patience=patience,
        broker=broker,
        ca=ca,
        names=names,
        raw=raw,
    )
    if model is None:
        _look(ports or (find_port(None),), line, out)
        return
    loaded = open_model(model)
    if raw:
        check_raw(model, loaded.plan.front)
    if board is not None:
        ports = (_started(loaded, board, ports, key, out),)
    if loaded.plan.spares:
        ports = ports or (find_port(None),)
        loaded = _known(loaded, ports, line)
    lesson: Lesson | None = None
    rows: Dataset | None = None
    if data is not None:
        rows = reader.matched(data, loaded, out)
        if samples is not None and samples > len(rows.y):
            out.note(f"{data} has {counted(len(rows.y), 'row')}, fewer than --samples {samples}")
        lesson = prepare(
            loaded.quantize(rows.x),
            loaded.truth(rows),
            samples=samples,
            order=order,
            seed=seed,
            hold_out=hold_out,
            names=loaded.state.labels,
            starts=rows.starts,
            length=0 if rows.layout is None else rows.layout.length,
        )
    if halvings is not None and halvings > loaded.plan.rate_halvings_max:
        most = loaded.plan.rate_halvings_max
        raise InputError(
            f"--halve-rate is {halvings}, but {model}'s rate can be halved {counted(most, 'time')}"
        )
    ports = ports or (find_port(None),)
    logs = log_paths(log, len(ports))
    hub = None
    if broker is not None:
        hub = Broker(broker, once(out.warning), access_of(broker, ca, os.environ))
    members, terminals, trends = [], [], list[Trends]()
    watched = out.progress_console.is_terminal
    for i, (port, path) in enumerate(zip(ports, logs, strict=True)):
        terminal = TerminalSink(out, patience, path if len(ports) > 1 else None)
        sinks: list[Sink] = []  # all sinks, in the order in which they are called
        if path is not None:
            sinks.append(LogSink(path, overwrite=overwrite))
        if hub is not None:
            sinks.append(MqttSink(hub, port, names[i] if names else None))
        if devices is not None:
            sinks += devices.sinks(port, loaded, path, rows)
        sinks.append(terminal)
        if watched:
            trends.append(Trends(loaded.plan))
            sinks.append(trends[-1])
        share = lesson.share(i, len(ports)) if lesson is not None and split else lesson
        members.append(_member(port, share, loaded, sinks))
        terminals.append(terminal)
    view = View(loaded, members, terminals, logs, out, trends)
    job = Job(
        plan=loaded.plan,
        baud=line.baud,
        control=line.control,
        key=key_in(key),
        patience=patience,
        halvings=halvings,
        save=save,
        save_every=save_every,
        names=flag,
        following=data is None,
        samples=samples,
        raw=raw,
        labels=_names(loaded),
        units=loaded.units,
    )
    try:
        with out.live() as show, pressed_keys(watched) as pressed:
            keys = Keys(pressed, members, job.following, classes=not loaded.plan.regression)
            if watched and has_keys():
                view.legend = keys.legend

            def tick() -> None:
                keys.act()
                show(view.picture(True), view.line())

            try:
                run(members, job, tick, view.stopping)
            except KeyboardInterrupt:
                show(view.picture(True), view.line())  # includes the rows since the last refresh
                raise
            if len(members) == 1 and members[0].error is not None:
                out.document(view.document())
                raise members[0].error
            show(view.picture(False), view.line())  # each warning follows on its own line
    except (KeyboardInterrupt, OSError) as error:
        if interrupt(error) is not None:
            view.stopped()
            with contextlib.suppress(OSError):  # stdout or stderr may be closed
                out.document(view.document())
        raise
    view.finish()
    out.document(view.document())
    _exit([member.error for member in members if member.error is not None])


def _started(model: Model, board: str, ports: Sequence[str], key: Path | None, out: Output) -> str:
    """Start a board until the command ends; return its port."""
    refuse_line(next(iter(ports), None), key)
    context = click.get_current_context()
    folder = context.with_resource(tempfile.TemporaryDirectory(prefix="ska-edge-"))
    port, _ = context.with_resource(started(model, board, Path(folder, "firmware"), out))
    return port


def _member(port: str, lesson: Lesson | None, model: Model, sinks: list[Sink]) -> Member:
    """Return the device at a port, with its rows; without rows if it learns by itself."""
    if lesson is None:
        return Member(
            port, np.zeros((0, model.plan.inputs), np.int64), np.zeros(0, np.int64), sinks
        )
    return Member(port, lesson.inputs, lesson.labels, sinks, lesson)


def _known(model: Model, ports: Sequence[str], line: Line) -> Model:
    """Return the model with the classes that the devices have now.

    Raises InputError if the devices know different classes, because a row has one label for all.
    """
    found: dict[str, Model] = {}
    for port in ports:
        try:
            with line.open(port) as link:
                link.expect_plan(model.plan)
                found[port] = as_known(link, model)
        except DeviceError:
            if len(ports) == 1:
                raise
            continue  # `run` reports it, and the other devices learn
    if len({each.state.labels for each in found.values()}) > 1:
        raise InputError(
            f"the devices at {' and '.join(found)} know different classes; monitor each alone,"
            " or teach them the same classes in the same order"
        )
    return next(iter(found.values()), model)


def _names(model: Model) -> list[str]:
    """Return the name of each output, "" for one that is no class."""
    state = model.state
    return [name if used else "" for name, used in zip(state.labels, state.used, strict=True)]


def _look(ports: Sequence[str], line: Line, out: Output) -> None:
    entries, errors = [], []
    for port in ports:
        try:
            with line.open(port) as link:
                info = link.hello()
        except DeviceError as error:
            errors.append(error)
            entries.append(device_entry(port, None, error.named(flag)))
            continue
        out.line(introduction(info, link.port))
        entries.append(device_entry(link.port, info, None))
    out.document(devices_document(entries))
    _exit(errors)


def _exit(errors: Sequence[SkaError]) -> None:
    """Print a sentence for each failed device; exit with the exit code of the first failure."""
    for error in errors:
        complain(error.named(flag))
    if errors:
        click.get_current_context().exit(errors[0].exit_code)
