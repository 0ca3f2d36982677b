"""`ska-edge flash`: start an emulated board that keeps running, or flash a real device."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from firmware_gen.emulators import flash as boards
from firmware_gen.flasher import choose_flasher, run_flasher
from firmware_gen.project import Project, load_project
from ska_edge.cli.options.trust import require_trust, trust_option
from ska_edge.cli.screen.console import Output, json_option


@click.command(epilog="Example:  ska-edge flash firmware && ska-edge monitor")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tool", help="Flash a real device with this program, from board/board.toml.")
@click.option("--port", help="Flash a real device at this port.")
@click.option("--dry-run", is_flag=True, help="Print the commands for a real device; run nothing.")
@click.option("--stop", is_flag=True, help="Stop the emulated board that runs this project.")
@trust_option
@json_option
def flash(
    folder: Path,
    tool: str | None,
    port: str | None,
    dry_run: bool,
    stop: bool,
    trust: bool,
    as_json: bool,
) -> None:
    """Start the emulated board of the project in FOLDER, which keeps running until --stop.

    With --tool, --port or --dry-run, flash a real device instead.
    """
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
    if tool is not None or port is not None or dry_run:
        _flash_device(project, tool, port, dry_run, trust, out)
        return
    require_trust(folder, trust)
    board = boards.launch(folder)
    out.line(f"{project.board} runs with plan {project.digest}, its port is {board.port}")
    out.document(
        {"board": project.board, "port": board.port, "pid": board.pid, "digest": project.digest}
    )


def _flash_device(
    project: Project, tool: str | None, port: str | None, dry_run: bool, trust: bool, out: Output
) -> None:
    """Flash a real device, or show the commands that would do it."""
    board, elf = boards.built_image(project.folder)
    flasher = choose_flasher(board.name, board.flashers, tool, port, dry_run)
    commands = flasher.commands(elf.resolve(), port, board.uf2)
    if not dry_run:
        require_trust(project.folder, trust)
    for command in commands:
        out.line(shlex.join(command))
        if not dry_run:
            run_flasher(flasher, command)
    if not dry_run:
        out.line(f"flashed {board.name} with plan {project.digest} by {flasher.tool}")
    out.document(
        {
            "board": board.name,
            "digest": project.digest,
            "tool": flasher.tool,
            "commands": commands,
            "flashed": not dry_run,
        }
    )
