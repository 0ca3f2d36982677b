"""Defines the options of a command that serves a page, and finds the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ska_edge.extras import package

if TYPE_CHECKING:
    from ska_edge.dashboard.server import Server

EXTRA = "dashboard"
HOST = "127.0.0.1"


def page_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options `--host` and `--http-port`."""
    command = click.option(
        "--http-port",
        type=click.IntRange(0, 65535),
        help="TCP port of the page [default: 8642, or a free one if that is taken].",
    )(command)
    return click.option(
        "--host",
        default=HOST,
        show_default=True,
        help="Address at which the page is served. At any other than the loopback address, the"
        " page needs a token, which is part of the printed address.",
    )(command)


def server() -> type[Server]:
    """Return the class of the server; raise ToolError if the packages of the extra are missing."""
    for name in ("starlette", "uvicorn"):
        package(name, EXTRA, "the page")
    from ska_edge.dashboard.server import Server  # imports the packages of the extra

    return Server
