"""`ska-edge dashboard`: the live view of devices that learn, in a browser page."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import click

from ska_edge.cli.screen.console import Output, json_option
from ska_edge.dashboard.feed import Feed
from ska_edge.dashboard.page import Page
from ska_edge.dashboard.tail import Tail
from ska_edge.dashboard.twin import Twin
from ska_edge.errors import InputError
from ska_edge.extras import package
from ska_edge.model.open import open_model

PORT = 8642  # of the page; no well-known program uses it
POLL = 0.3  # seconds between two looks at a log
EXTRA = "dashboard"


@click.command(epilog="Example:  ska-edge dashboard steps.jsonl --model digits.ska")
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="LOG...")
@click.option(
    "--model",
    required=True,
    type=click.Path(path_type=Path),
    help="The device's model when the log began.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address at which the page is served; any other than this machine's needs a token.",
)
@click.option(
    "--http-port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="TCP port of the page; 0 chooses a free one.",
)
@click.option("--until-end", is_flag=True, help="Stop when the logs end, instead of at Ctrl-C.")
@json_option
def dashboard(
    logs: tuple[Path, ...],
    model: Path,
    host: str,
    http_port: int,
    until_end: bool,
    as_json: bool,
) -> None:
    """Show devices that learn, live in a browser page.

    LOG is the file that `monitor --log` writes; it may still grow.
    """
    for name in ("starlette", "uvicorn"):
        package(name, EXTRA, "the dashboard")
    from ska_edge.dashboard.server import Server  # imports the packages of the extra

    out, loaded = Output(as_json), open_model(model)
    feeds = [Feed(log.name, loaded) for log in logs]
    tails = [*map(Tail, logs)]
    for tail, feed in zip(tails, feeds, strict=True):
        _read(tail, feed)
    page = Page(feeds)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(page, host, http_port))
        twins = [
            stack.enter_context(Twin(log, loaded, feed))
            for log, feed in zip(logs, feeds, strict=True)
        ]
        out.line(f"the dashboard is at {server.url}")
        while not (until_end and all(feed.ended for feed in feeds)):
            time.sleep(POLL)
            for tail, feed in zip(tails, feeds, strict=True):
                _read(tail, feed)
        for twin in twins:
            twin.look()
    out.document({"url": server.url, **page.document()})


def _read(tail: Tail, feed: Feed) -> None:
    for line in tail.lines():
        try:
            feed.read(line)
        except InputError as error:
            raise tail.bad(str(error)) from error
