"""`ska-edge flash`: start an emulated board that keeps running, or flash a real device."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from firmware_gen.board.board import BOARDS_FOLDER, SENSOR, read_board
from firmware_gen.build import BOARD_FOLDER, BUILD_FOLDER
from firmware_gen.emulators import flash as boards
from firmware_gen.flashing.choice import Choice, by_connection, by_user
from firmware_gen.flashing.run import run_flasher
from firmware_gen.project import Project, load_project
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.trust import require_trust, trust_option
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.recordings.sensor_file import sensor_file
from ska_edge.device.port.port import list_ports
from ska_edge.errors import OptionError
from ska_edge.files import refusal
from ska_edge.model.encoding import LAYOUT


@click.command(epilog="Example:  ska-edge flash firmware && ska-edge monitor")
@click.argument("folder", type=PATH)
@click.option("--tool", help="Flash a real device with this program, from board/board.toml.")
@click.option("--port", help="Flash a real device at this port.")
@click.option("--dry-run", is_flag=True, help="Print the commands for a real device; run nothing.")
@click.option("--emulated", is_flag=True, help="Start the emulated board, whatever is connected.")
@click.option(
    "--sensor",
    type=PATH,
    help="Recording whose samples the emulated board's own sensor gives; see `firmware --sensor`.",
)
@click.option("--stop", is_flag=True, help="Stop the emulated board that runs this project.")
@trust_option
@json_option
def flash(
    folder: Path,
    tool: str | None,
    port: str | None,
    dry_run: bool,
    emulated: bool,
    sensor: Path | None,
    stop: bool,
    trust: bool,
    as_json: bool,
) -> None:
    """Flash the project in FOLDER to its board, or start an emulated board.

    With --tool or --port, or if a device of the project's board is connected, flash a real device;
    --dry-run only prints the commands. Otherwise, or with --emulated, start the emulated board,
    which runs until --stop.
    """
    out = Output(as_json)
    if stop:
        if tool is not None or port is not None or dry_run or emulated or sensor is not None:
            raise OptionError(
                "{stop} stops an emulated board; leave {tool}, {port}, {dry_run}, {emulated} and"
                " {sensor} out"
            )
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
        if emulated or sensor is not None:
            raise OptionError("leave {emulated} and {sensor} out, or {tool}, {port} and {dry_run}")
        board = read_board(folder / BOARD_FOLDER)
        choice = by_user(board, tool, port, dry_run, list_ports)
        _flash_device(project, choice, dry_run, trust, out)
        return
    emulated = emulated or sensor is not None
    connected = None if emulated else by_connection(read_board(folder / BOARD_FOLDER), list_ports)
    if connected is not None:
        _flash_device(project, connected, dry_run, trust, out)
        return
    require_trust(folder, trust)
    started = boards.launch(folder, None if sensor is None else _sensor_file(project, sensor))
    out.line(f"{project.board} runs with plan {project.digest}; its port is {started.port}")
    out.document(
        {"board": project.board, "port": started.port, "pid": started.pid, "digest": project.digest}
    )


def _sensor_file(project: Project, source: Path) -> Path:
    """Write the file that the board's sensor reads; return its path.

    Raises InputError as `sensor_file` does, and for a project or a board without such a sensor.
    """
    if not project.sensor:
        raise OptionError(
            "the firmware in {folder} has no sensor: write it again with {sensor}, or leave"
            " {sensor} out",
            folder=project.folder,
        )
    if not (BOARDS_FOLDER / project.board / SENSOR).is_file():
        raise OptionError(
            "the sensor of board {board} reads no file; leave {sensor} out, or use virtual-m4 or"
            " host",
            board=project.board,
        )
    path = project.folder / BUILD_FOLDER / "sensor.bin"
    layout = Layout.from_dict(project.inputs.get(LAYOUT))
    content = sensor_file(source, project.sensor, project.labels, layout)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise refusal("write", path, error) from error
    return path


def _flash_device(
    project: Project, choice: Choice, dry_run: bool, trust: bool, out: Output
) -> None:
    board, elf = boards.built_image(project.folder)
    flasher = choice.flasher
    commands = flasher.commands(elf.resolve(), choice.port, board.uf2, board.esp)
    if choice.found is not None:
        out.line(f"{board.name} is connected at {choice.found}")
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
