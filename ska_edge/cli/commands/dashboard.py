"""`ska-edge dashboard`: the live view of devices that learn, in a browser page."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ska_edge.cli.commands.monitor import monitor
from ska_edge.cli.device import refuse_line
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.monitor import check, check_raw
from ska_edge.cli.options.page import page_options, server
from ska_edge.cli.options.paths import is_log, refuse_model_option
from ska_edge.cli.screen.console import Output
from ska_edge.cli.signals import interrupt
from ska_edge.dashboard.devices import Devices
from ska_edge.dashboard.feed import Feed
from ska_edge.dashboard.page import Page
from ska_edge.dashboard.tail import Tail
from ska_edge.dashboard.twin import Twin
from ska_edge.data.load import files_read, load
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.log.line import LogLine
from ska_edge.plural import counted

POLL = 0.3  # seconds between two looks at a log
LOGS = ("as_json",)  # the options of `monitor` that the view of a log has, too


@click.command(
    params=[each for each in monitor.params if isinstance(each, click.Option)],
    epilog="Example:  ska-edge dashboard steps.jsonl --model digits.ska",
)
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="LOG...|MODEL [DATA]",
)
@click.option(
    "--model",
    "flashed",
    type=PATH,
    help="For logs: the devices' model when the logs began.",
)
@page_options
@click.option(
    "--control",
    is_flag=True,
    help="Give the page buttons that pause the learning, save, and change the rate; without DATA,"
    " buttons that label the windows of a device's own sensor. Then the page always needs the token"
    " of the printed address.",
)
@click.option("--until-end", is_flag=True, help="Stop when learning has ended, not at Ctrl-C.")
def dashboard(
    sources: tuple[Path, ...],
    flashed: Path | None,
    host: str,
    http_port: int | None,
    control: bool,
    until_end: bool,
    as_json: bool,
    **others: Any,
) -> None:
    """Show devices that learn, live in a browser page.

    LOG is the file that `monitor --log` writes; it may still grow. With MODEL, the command is
    `monitor`, with the same options, and shows the devices on the page, too.

    The page only shows, unless --control is given. It is served at the loopback address, unless
    --host names another one.
    """
    page, out = Page(control), Output(as_json, plain=others["plain"], wrap=True)
    logs = is_log(sources[0])
    _check(sources, flashed, logs)
    if control and logs:
        raise InputError("--control is for devices that learn now: name MODEL, not a log")
    if logs:
        assert flashed is not None
        model = open_model(flashed)
        with out.working(f"reading {counted(len(sources), 'log')}"):
            tails = [_FollowedLog(log, model, page) for log in sources]
        with server()(page, host, http_port) as served:
            out.line(f"the dashboard is at {served.url}")
            try:
                _follow(tails, until_end, out)
            except (KeyboardInterrupt, OSError) as error:
                if interrupt(error) is not None:
                    with contextlib.suppress(OSError):  # the terminal may be closed
                        out.document({"url": served.url, **page.document()})
                raise
            out.document({"url": served.url, **page.document()})
        return
    data = str(sources[1]) if len(sources) > 1 else None
    check(sources[0], data, **others)
    front = open_model(sources[0]).plan.front
    if others["raw"]:
        check_raw(sources[0], front)
    if data is not None:
        _check_data(data)
    serving = server()
    if others["board"] is not None:
        refuse_line(next(iter(others["ports"]), None), others["key"])
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ska-edge-"))
        devices = stack.enter_context(Devices(page, Path(folder)))
        url = stack.enter_context(serving(page, host, http_port, control)).url
        out.line(f"the dashboard is at {url}")
        assert monitor.callback is not None
        monitor.callback(
            model=sources[0], data=data, as_json=as_json, devices=devices, out=out, **others
        )
        if not until_end:
            out.note(f"learning has ended; the page stays at {url} until Ctrl-C")
        with out.silent():
            while not until_end:
                time.sleep(POLL)


def _check(sources: Sequence[Path], flashed: Path | None, logs: bool) -> None:
    if not logs:
        if flashed is not None:
            refuse_model_option(sources[0])
        if len(sources) > 2:
            raise InputError(f"after {sources[0]} only DATA may follow, but not {sources[2]}")
        return
    if flashed is None:
        raise InputError(
            f"{sources[0]} is a log; name the device's model when it began, with --model MODEL"
        )
    context = click.get_current_context()
    for option in monitor.params:
        given = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
        if given and isinstance(option, click.Option) and option.name not in LOGS:
            raise InputError(
                f"{option.opts[0]} does nothing for a log: leave it out, or name a model"
            )


def _check_data(data: str) -> None:
    """Raise InputError if a file of the data does not exist. `monitor` reads the data later."""
    if not all(map(os.path.exists, files_read(data))):
        load(data)  # raises the error


class _FollowedLog:
    def __init__(self, log: Path, model: Model, page: Page) -> None:
        self.feed = Feed(log.name, model)
        self.twin = Twin(log, model, self.feed)
        self._tail = Tail(log)
        page.feeds.append(self.feed)
        self._take(self.feed.read)

    def read(self) -> None:
        """Show the new lines; raise InputError for one that does not suit the model."""
        self._take(self.feed.write)

    def _take(self, show: Callable[[LogLine], None]) -> None:
        for line in self._tail.lines():
            try:
                show(line)
            except InputError as error:
                raise self._tail.bad(str(error)) from error


def _follow(logs: Sequence[_FollowedLog], until_end: bool, out: Output) -> None:
    """Show new lines until Ctrl-C or, with `until_end`, until all sessions have ended."""
    with contextlib.ExitStack() as stack, out.live() as show:
        for log in logs:
            stack.enter_context(log.twin)
        while not (until_end and all(log.feed.ended for log in logs)):
            # A log that has ended may go on, but nothing is expected.
            active = [log.feed for log in logs if not log.feed.ended]
            rows = [f"following {feed.name}: {counted(feed.rows, 'row')}" for feed in active]
            show(None, "; ".join(rows))
            time.sleep(POLL)
            for log in logs:
                log.read()
        for log in logs:
            log.twin.look()
