"""`ska-edge doctor`: show which tools this computer has, and how to get the others."""

from __future__ import annotations

import errno
import os
from typing import Any

import click

from firmware_gen.board.board import board_names, load_board
from firmware_gen.board.tools import Tool, tools
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.device.port.errors import refusal
from ska_edge.device.port.port import list_ports
from ska_edge.errors import ToolError
from ska_edge.extras import extras

FEW = 2  # a cell names at most this many boards; for more boards, the cell has their number
BAUD = 115_200


@click.command(epilog="Example:  ska-edge doctor")
@json_option
def doctor(as_json: bool) -> None:
    """Check the compilers, emulators, flashers, Python packages and serial ports of this computer.

    `doctor` names what is missing, and the command that installs it. You need one compiler of a
    board, and only the tools of the boards that you use. docs/TROUBLESHOOTING.md explains errors.
    """
    out, boards = Output(as_json), [load_board(name) for name in board_names()]
    with out.working("looking for tools"):
        found = tools(boards)
        ready = [board.name for board in boards if board.available() is None]
    rows = [
        [each.kind, each.name, _boards(each), _here(each.present, each.install)] for each in found
    ]
    out.table("tools", ["kind", "tool", "boards", "here"], rows)
    packages = extras()
    if packages:
        rows = [
            [each.name, ", ".join(each.packages), _here(not each.missing, each.install)]
            for each in packages
        ]
        out.table(
            "Python packages (run the commands in the clone)", ["extra", "packages", "here"], rows
        )
    ports = _ports()
    if ports:
        accessible = [[each["port"], each["fault"] or "yes"] for each in ports]
        out.table("serial ports", ["port", "may be opened"], accessible)
    else:
        out.line("serial ports: none; `ska-edge flash` starts an emulated board")
    out.line(_summary(len(ready), len(boards)))
    out.document(
        {
            "tools": [
                {
                    "kind": each.kind,
                    "name": each.name,
                    "boards": list(each.boards),
                    "present": each.present,
                    "install": each.install,
                }
                for each in found
            ],
            "extras": [
                {"name": each.name, "missing": list(each.missing), "install": each.install}
                for each in packages
            ],
            "ports": ports,
            "ready": ready,
        }
    )


def _boards(tool: Tool) -> str:
    if len(tool.boards) > FEW:
        return f"{len(tool.boards)} boards"
    return ", ".join(tool.boards)


def _here(present: bool, install: str) -> str:
    return "yes" if present else f"no: {install}"


def _ports() -> list[dict[str, Any]]:
    """Return the ports with a device; "fault" says why this user cannot open a port.

    If ports cannot be listed, there is one entry with the reason.
    """
    try:
        present = [port.path for port in list_ports() if port.present]
    except ToolError as error:
        return [{"port": "all", "fault": str(error)}]
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return [
        {
            "port": path,
            "fault": None if os.access(path, os.R_OK | os.W_OK) else refusal(path, BAUD, denied),
        }
        for path in present
    ]


def _summary(ready: int, boards: int) -> str:
    return f"{ready} of {boards} boards are ready here; `ska-edge boards` says what the others lack"
