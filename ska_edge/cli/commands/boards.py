"""`ska-edge boards` and `ska-edge ports`: list boards, and list serial ports."""

from __future__ import annotations

import click

from firmware_gen.board.board import board_names, load_board
from firmware_gen.emulators.flash import running
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.device.port.port import list_ports


@click.command(epilog="Example:  ska-edge boards")
@json_option
def boards(as_json: bool) -> None:
    """List the boards for firmware, and the tools that each one lacks on this computer."""
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
        ["board", "what", "core", "tested", "here"],
        [[b["name"], b["title"], b["core"], b["status"], b["missing"] or "ready"] for b in found],
    )
    out.document({"boards": found})


@click.command(epilog="Example:  ska-edge ports")
@json_option
def ports(as_json: bool) -> None:
    """List the serial ports of this computer, and the emulated boards that are running."""
    out = Output(as_json)
    found = [_row(port.path, port.description, port.serial_number) for port in list_ports()]
    found += [_row(board.port, f"{board.name} (emulated)", None) for board in running()]
    if found:
        rows = [[p["port"], p["what"], p["serial_number"] or ""] for p in found]
        out.table("ports", ["port", "what", "serial number"], rows)
    else:
        out.line("no serial port and no running emulated board; start one with `ska-edge flash`")
    out.document({"ports": found})


def _row(port: str, what: str, serial_number: str | None) -> dict[str, str | None]:
    return {"port": port, "what": what, "serial_number": serial_number}
