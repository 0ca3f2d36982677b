"""`ska-edge boards` and `ska-edge ports`: what there is to run on, and where it can be reached."""

from __future__ import annotations

import click

from firmware_gen.boards import board_names, load_board
from firmware_gen.flash import running
from ska_edge.cli.console import Output, json_option
from ska_edge.port import list_ports


@click.command(epilog="Example:  ska-edge boards")
@json_option
def boards(as_json: bool) -> None:
    """The boards that firmware can be written for, and what is missing to run each one here."""
    out, found = Output(as_json), []
    for name in board_names():
        board = load_board(name)
        found.append(
            {
                "name": name,
                "title": board.title,
                "core": board.core,
                "status": board.status,
                "missing": board.available(),
            }
        )
    out.table(
        "boards",
        ["board", "what", "core", "seen", "here"],
        [[b["name"], b["title"], b["core"], b["status"], b["missing"] or "ready"] for b in found],
    )
    out.document({"boards": found})


@click.command(epilog="Example:  ska-edge ports")
@json_option
def ports(as_json: bool) -> None:
    """Serial ports of this computer, and the emulated boards that run now."""
    out = Output(as_json)
    found = [{"port": port.path, "what": port.description} for port in list_ports()]
    found += [{"port": board.port, "what": f"{board.name} (emulated)"} for board in running()]
    if found:
        out.table("ports", ["port", "what"], [[p["port"], p["what"]] for p in found])
    else:
        out.line("no serial port, and no emulated board runs; start one with `ska-edge flash`")
    out.document({"ports": found})
