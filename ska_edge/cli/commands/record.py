"""`ska-edge record`: record the samples that a board prints."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.count import COUNT
from ska_edge.cli.options.page import HOST, page_options, server
from ska_edge.cli.options.port import Line, find_port, line_options, port_option
from ska_edge.cli.options.training import ListOf
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.keys import has_keys, pressed_keys
from ska_edge.cli.screen.plot import LinePlot
from ska_edge.cli.signals import interrupt
from ska_edge.dashboard.recording import RecordingPage
from ska_edge.device.link import Link
from ska_edge.device.port.port import Port
from ska_edge.errors import DeviceError, InputError, SkaError
from ska_edge.plural import counted
from ska_edge.recorder.folder import UNLABELED, prepare
from ska_edge.recorder.listener import Listener
from ska_edge.recorder.request import Request
from ska_edge.recorder.session import Plan, Session
from ska_edge.recorder.take import Take
from ska_edge.report.printable import printable
from ska_edge.training.options import flag

KEYS = "123456789abcdefghijklmnoprstuvwxyz"  # the keys of the labels, in order; q ends the command
STOP, END = " \r\n", "q\x1b\x04"
PROBE = 0.5  # seconds to wait for an answer of firmware of ska-edge
REFRESH = 0.125  # seconds between two pictures

Show = Callable[[RenderableType | None, str], None]


@click.command(
    epilog="Example:  ska-edge record -o rec --label walk --label run --seconds 10 --group anna"
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=PATH,
    required=True,
    help="Folder for the recordings; those that it has stay.",
)
@port_option
@line_options
@click.option(
    "--label",
    "labels",
    multiple=True,
    help="What is recorded, such as walk. Repeat it for several: each gets a key; without a"
    " terminal, they are recorded one after another [default: no label].",
)
@click.option("--group", default="", help="Who or what is recorded, such as a person.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Length of each recording [default: until space, q or Ctrl-C].",
)
@click.option("--samples", type=COUNT, help="Length of each recording, in samples.")
@click.option(
    "--countdown",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=3,
    show_default=True,
    help="How long to wait before each recording.",
)
@click.option(
    "--axes",
    type=ListOf(click.STRING),
    default=(),
    metavar="LIST",
    help="Names for the values of a line, such as ax,ay,az; t, t_ms and t_us are times"
    " [default: the names that the board prints, or x1,x2,...].",
)
@click.option(
    "--patience",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=5,
    show_default=True,
    help="How long to wait for a line of the board.",
)
@click.option(
    "--page",
    "paged",
    is_flag=True,
    help="Serve a page for the browser with the signal, a button per label, and the recordings."
    " It always needs the token of the printed address.",
)
@page_options
@json_option
def record(
    folder: Path,
    port: str | None,
    line: Line,
    labels: tuple[str, ...],
    group: str,
    seconds: float | None,
    samples: int | None,
    countdown: float,
    axes: tuple[str, ...],
    patience: float,
    paged: bool,
    host: str,
    http_port: int | None,
    as_json: bool,
) -> None:
    """Record what a board prints: one CSV file per recording, for `train --window`.

    A board prints a line per sample: numbers (1,2,3), names and numbers (ax:1,ay:2), or lines of
    Teleplot (>ax:1). A recording has the board's own time if a value is called t, time, millis or
    the like; otherwise column t has the time of this computer.

    Ctrl-C ends the work, and keeps what was recorded. --port may be omitted if there is only one.
    """
    out = Output(as_json)
    lasts = seconds is None and samples is None and not paged
    _check(labels, group, (seconds, countdown, patience), lasts=lasts)
    if not paged and (http_port is not None or host != HOST):
        raise InputError("--host and --http-port are for a page: give --page, too")
    prepare(folder)
    name = find_port(port)
    error: SkaError | None = None
    session: Session | None = None
    with Port(name, baud=line.baud, control=line.control(name)) as opened:
        serving = server() if paged else None
        listener = Listener(opened, axes, patience)
        try:
            listener.find()
        except DeviceError as silent:
            if opened.received:
                raise
            opened.close()
            raise _explained(silent, line, name) from silent
        session = Session(Plan(folder, group, seconds, samples, countdown), listener.rows.names)
        for label in labels or ("",):
            session.check(label)
        page = RecordingPage(opened.path, folder, labels or ("",), group) if paged else None
        try:
            with contextlib.ExitStack() as stack:
                if page is not None and serving is not None:
                    served = stack.enter_context(serving(page, host, http_port, control=True))
                    out.line(f"the page is at {served.url}")
                    stack.enter_context(page.until_end(session, listener.rows))
                stack.enter_context(session)
                show = stack.enter_context(out.live("recording"))
                keys = stack.enter_context(pressed_keys())
                _Work(session, listener, labels, out, show, page).run(keys)
        except DeviceError as lost:
            error = lost
        except (KeyboardInterrupt, OSError) as stopped:
            if interrupt(stopped) is not None:
                with contextlib.suppress(OSError):  # the terminal may be closed
                    _report(out, opened.path, folder, session, listener, None)
            raise
    _report(out, opened.path, folder, session, listener, error)
    if error is not None:
        raise error


def _check(
    labels: tuple[str, ...], group: str, times: tuple[float | None, ...], lasts: bool
) -> None:
    """Raise InputError for impossible values; `lasts` tells that only a key ends a recording."""
    for name, text in (*(("--label", each) for each in labels), ("--group", group)):
        if text != text.strip() or not text.isprintable() or (name == "--label" and not text):
            raise InputError(f"{name} is {text!r}; give a name without blanks at its ends")
    if len({*labels}) < len(labels):
        raise InputError("a --label is given twice; name each label once")
    if len(labels) > len(KEYS):
        raise InputError(f"there are {len(labels)} labels, but only {len(KEYS)} keys for them")
    if any(value is not None and not math.isfinite(value) for value in times):
        raise InputError("--seconds, --countdown and --patience are finite numbers")
    if len(labels) > 1 and lasts and not has_keys():
        raise InputError(
            "without a terminal, no key ends the recording of a label: give --seconds or --samples"
        )


def _explained(silent: DeviceError, line: Line, name: str) -> DeviceError:
    """Return a better error if a silent device runs firmware of ska-edge, which only answers."""
    try:
        control = line.control(name)
        with Link(name, baud=line.baud, control=control, timeout=PROBE, tries=2) as link:
            link.hello()
    except SkaError:
        return silent
    return DeviceError(
        f"the device at {name} runs firmware of ska-edge, which answers but prints no lines:"
        " `ska-edge monitor` lets it learn"
    )


class _Work:
    """Records until the last label, or until a key ends it, and shows what happens."""

    def __init__(
        self,
        session: Session,
        listener: Listener,
        labels: tuple[str, ...],
        out: Output,
        show: Show,
        page: RecordingPage | None,
    ) -> None:
        self._session, self._listener, self._out, self._show = session, listener, out, show
        self._page = page
        self._by_key = {}
        if has_keys() and (len(labels) > 1 or page is not None):
            self._by_key = dict(zip(KEYS, labels or ("",), strict=False))
        self._chosen = bool(self._by_key) or page is not None
        self._waiting = [] if self._chosen else [*(labels or ("",))]
        self._told, self._due = 0, 0.0

    def run(self, keys: Callable[[], str]) -> None:
        """Record; `keys` returns the keys that were pressed."""
        session = self._session
        if self._by_key:
            self._out.note(self._legend())
        while True:
            session.add(self._listener.read())
            for request in self._requests(keys()):
                if request.action == "end":
                    return
                if request.action == "stop":
                    session.stop()
                else:
                    session.start(request.label)
            self._tell()
            if session.label is None and not self._chosen:
                if not self._waiting:
                    return
                session.start(self._waiting.pop(0))
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + REFRESH
                self._show(self._picture(), self._now())
                if self._page is not None:
                    self._page.show(session, self._listener.rows, self._now())

    def _requests(self, keys: str) -> Iterator[Request]:
        """Yield what a person asks for: by keys, then by the buttons of the page."""
        for key in keys:
            if key in END:
                yield Request("end")
            elif key in STOP:
                yield Request("stop")
            elif key in self._by_key:
                yield Request("start", self._by_key[key])
        if self._page is not None:
            for request in self._page.asked():
                # A second click may come before the page shows that the recording has begun.
                if request.action != "start" or request.label != self._session.label:
                    yield request

    def _tell(self) -> None:
        """Print a line for each recording that has ended."""
        for take in self._session.takes[self._told :]:
            self._out.note(_sentence(take))
        self._told = len(self._session.takes)

    def _legend(self) -> str:
        labels = "  ".join(f"{key} {label or UNLABELED}" for key, label in self._by_key.items())
        return f"keys: {labels}  space stops  q ends"

    def _now(self) -> str:
        session = self._session
        if session.label is None:
            return "waiting for a button" if self._page is not None else "waiting for a key"
        name = session.label or UNLABELED
        if session.take is None:
            return f"{name} begins in {session.countdown:.0f} s"
        take = session.take
        return f"{name}: {counted(take.rows, 'sample')}, {take.seconds:.1f} s"

    def _picture(self) -> RenderableType | None:
        if not self._out.progress_console.is_terminal:
            return None
        names = self._listener.rows.names
        rows = [row.values for row in self._session.latest]
        values = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
        lines = [Text(printable(self._now()), style="bold")]
        if self._by_key:
            lines.append(Text(printable(self._legend())))
        return Group(*lines, LinePlot(names, values))


def _sentence(take: Take) -> str:
    return f"wrote {take.path}: {counted(take.rows, 'sample')}, {take.seconds:.1f} s"


def _report(
    out: Output,
    path: str,
    folder: Path,
    session: Session,
    listener: Listener,
    error: SkaError | None,
) -> None:
    """End the recording; print what was recorded, or the document of `--json`."""
    session.close()
    rows = listener.rows
    if rows.bad:
        out.warning(
            f"{rows.bad} of {counted(rows.lines, 'line')} gave no row; the first is"
            f" {rows.first_bad}"
        )
    seconds = sum(take.seconds for take in session.takes)
    out.line(f"{folder}: {counted(len(session.takes), 'new recording')}, {seconds:.1f} s")
    out.document(
        {
            "port": path,
            "folder": str(folder),
            "axes": list(rows.names),
            "recordings": [_entry(take) for take in session.takes],
            "lines": rows.lines,
            "bad_lines": rows.bad,
            "first_bad_line": rows.first_bad or None,
            "error": None if error is None else error.named(flag),
        }
    )


def _entry(take: Take) -> dict[str, Any]:
    return {
        "file": str(take.path),
        "label": take.form.label or None,
        "group": take.form.group or None,
        "rows": take.rows,
        "seconds": take.seconds,
    }
