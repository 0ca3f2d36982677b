"""`ska-edge flash`: flash a built project, or start an emulated board that keeps running."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_gen.emulators import flash as boards
from firmware_gen.project import load_project
from ska_edge.cli.options.trust import require_trust, trust_option
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.errors import InputError


@click.command(epilog="Example:  ska-edge flash firmware && ska-edge monitor")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--port", help="Serial port of a real board.")
@click.option("--stop", is_flag=True, help="Stop the emulated board that runs this project.")
@trust_option
@json_option
def flash(folder: Path, port: str | None, stop: bool, trust: bool, as_json: bool) -> None:
    """Flash the project in FOLDER. An emulated board starts, and keeps running until --stop."""
    out = Output(as_json)
    if stop:
        # The folder may be deleted while its board is still running.
        here = folder.resolve()
        names = [board.name for board in boards.running() if board.project.resolve() == here]
        name = names[0] if names else load_project(folder).board
        stopped = boards.stop(folder)
        out.line(f"{name} {'stopped' if stopped else 'was not running'}")
        out.document({"board": name, "stopped": stopped})
        return
    project = load_project(folder)
    if port is not None:
        raise InputError(f"{project.board} is emulated and brings its own port; leave --port out")
    require_trust(folder, trust)
    board = boards.launch(folder)
    out.line(f"{project.board} runs with plan {project.digest}, its port is {board.port}")
    out.document(
        {"board": project.board, "port": board.port, "pid": board.pid, "digest": project.digest}
    )
