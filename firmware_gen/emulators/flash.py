"""Starts built firmware on an emulated board, for a `with` block or until `stop` ends the board.

`start` is a context manager: the board runs as long as the block. `launch` leaves the board
running after this program ends, like a real board. The saves of a launched board survive a stop,
except on QEMU's boards. `launch` writes a small file for each board to a folder of the user, so
that `running` can list the boards and `stop` can end them. The output of a board goes to
`build/board.log`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from firmware_gen.board.board import BOARD_FILE, Board, read_board
from firmware_gen.build import BOARD_FOLDER, BUILD_FOLDER, ELF_NAME, TOO_LARGE_NAME
from firmware_gen.folder.own_folder import own_folder, state_place, temporary_place
from firmware_gen.memory.sections import require_whole
from ska_edge.errors import CheckError, DeviceError, InputError

LOG_NAME = "board.log"
START_LIMIT_S = 30.0
"""An emulator must print its port within this time."""
STOP_LIMIT_S = 5.0
POLL_S = 0.01


@dataclass(frozen=True)
class RunningBoard:
    """A running board: its name, the path of its port, its process number and its project.

    `born` is the start time that the system records for the process. It distinguishes the process
    from a later process with the same number.
    """

    name: str
    port: str
    pid: int
    project: Path
    born: str

    @property
    def log(self) -> Path:
        """The file with all output of the board's process."""
        return self.project / BUILD_FOLDER / LOG_NAME

    def alive(self) -> bool:
        """Tell whether the process is still running."""
        return _born(self.pid) == self.born

    def last_words(self) -> str:
        """Return the last output line of the board's process, such as the fault that ended it."""
        return _last_line(self.log)


@contextlib.contextmanager
def start(project: Path, arguments: Sequence[str] = ()) -> Iterator[RunningBoard]:
    """Run the project's firmware on its board for the duration of the block.

    `arguments` are appended to the command that starts the board.

    Raises:
        InputError: board.toml is damaged, nothing is built, the image is damaged, or the board is
            hardware.
        CheckError: the firmware does not fit the board.
        ToolError: the emulator is missing, or this system has no pseudo terminals.
        DeviceError: the emulator ended, or gave no port.
    """
    board, command = _prepare(project)
    with _log(project).open("wb") as log, _placed(board):
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=project / BUILD_FOLDER,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches only this program, which then stops the board
        )
    try:
        yield _await_port(project, board, process.pid, lambda: process.poll() is None)
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def launch(project: Path, sensor: Path | None = None) -> RunningBoard:
    """Start the project's firmware and leave it running; stop a board that already runs it.

    If the same image ran before, the board starts with its saves, except on QEMU's boards. `sensor`
    is the file that the board's sensor reads; without it, SKA_SENSOR names the file.

    Raises:
        InputError: see `start`, or the folder that lists launched boards cannot be used.
        CheckError, ToolError, DeviceError: see `start`.
    """
    board, command = _prepare(project)
    stop(project)
    read = {} if sensor is None else {"SKA_SENSOR": str(sensor.resolve())}
    with _log(project).open("wb") as log, _placed(board):
        # The shell ends at once, so the board is not a child of this process and leaves no zombie.
        shell = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
            cwd=project / BUILD_FOLDER,
            env={"SKA_STORAGE": str(_saves(project)), **_environment(), **read},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            check=True,
        )
    pid = int(shell.stdout)
    try:
        running_board = _await_port(project, board, pid, lambda: _born(pid) is not None)
    except BaseException:
        _end(pid, _born(pid))
        raise
    entry = _entry(project)
    text = json.dumps({**asdict(running_board), "project": str(running_board.project)})
    fresh = entry.with_suffix(f".{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(entry)
    return running_board


def running() -> tuple[RunningBoard, ...]:
    """Return the launched boards that still run, sorted by port; remove the files of the others."""
    if not _can_launch():
        return ()
    boards = []
    for entry in sorted(_registry().glob("*.json")):
        board = _read_entry(entry)
        if board is not None and board.alive():
            boards.append(board)
        else:
            entry.unlink(missing_ok=True)
    return tuple(sorted(boards, key=lambda board: board.port))


def stop(project: Path) -> bool:
    """End the launched board of the project; return False if none is running."""
    if not _can_launch():
        return False
    entry = _entry(project)
    board = _read_entry(entry)
    entry.unlink(missing_ok=True)
    if board is None or not board.alive():
        return False
    _end(board.pid, board.born)
    return True


def _can_launch() -> bool:
    """Tell whether boards can run on this system; if not, `Board.check_startable` says why."""
    return hasattr(os, "openpty")


def built_image(project: Path) -> tuple[Board, Path]:
    """Return the board of a project, and its image.

    Raises:
        InputError: board.toml is damaged, nothing is built, or the image is damaged.
        CheckError: the firmware does not fit the board.
    """
    board = read_board(project / BOARD_FOLDER)
    elf = project / BUILD_FOLDER / ELF_NAME
    if not elf.is_file():
        if elf.with_name(TOO_LARGE_NAME).is_file():
            raise CheckError(
                f"the firmware in {project} does not fit board {board.name}; "
                "train a smaller network, or choose a board with more memory"
            )
        raise InputError(f"{project} has no firmware yet; run ska-edge build {project}")
    require_whole(elf, project)
    return board, elf


def _prepare(project: Path) -> tuple[Board, list[str]]:
    """Return the board of a built project, and the command that starts it."""
    board, elf = built_image(project)
    board.check_startable()
    assert board.start is not None
    values = {
        "elf": str(elf.resolve()),
        "board": str((project / BOARD_FOLDER / BOARD_FILE).resolve()),
        "python": sys.executable,
    }
    return board, board.start.filled(values)


@contextlib.contextmanager
def _placed(board: Board) -> Iterator[None]:
    """Pin processes that start in the block to one core of this computer, if the board needs it.

    They inherit the pinning from this thread. A random core is chosen, which spreads several boards
    over the cores.
    """
    if board.start is None or not board.start.one_core or sys.platform != "linux":
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {random.choice(sorted(cores))})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _environment() -> dict[str, str]:
    """Return the environment of a board's process, which can then import this package."""
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _saves(project: Path) -> Path:
    """Return the path of the file with the saves of the project's image.

    Each image has its own file, so that a board with new firmware starts with the weights of that
    firmware. QEMU's boards do not use the file; their saves end with the process.
    """
    build = (project / BUILD_FOLDER).resolve()
    image = hashlib.sha256((build / ELF_NAME).read_bytes()).hexdigest()[:16]
    return build / f"saves-{image}.bin"


def _await_port(project: Path, board: Board, pid: int, lives: Callable[[], bool]) -> RunningBoard:
    """Wait until the board has printed the path of its port.

    Raises:
        DeviceError: the board ended before that, or takes too long.
    """
    assert board.start is not None
    log = _log(project)
    pattern = re.compile(board.start.port, re.MULTILINE)
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        alive = lives()  # checked before reading the log, so that no last output is missed
        found = pattern.search(log.read_text(encoding="utf-8", errors="replace"))
        if found is not None and alive:
            return RunningBoard(board.name, found[1], pid, project.resolve(), _born(pid) or "")
        if not alive:
            raise DeviceError(
                f"board {board.name} ended as soon as it was started: {_last_line(log)}"
            )
        if time.monotonic() > deadline:
            raise DeviceError(
                f"board {board.name} gave no serial port within {START_LIMIT_S:.0f} s; see {log}"
            )
        time.sleep(POLL_S)


def _log(project: Path) -> Path:
    return project / BUILD_FOLDER / LOG_NAME


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _registry() -> Path:
    """Return the folder of this user that lists launched boards; create it if needed.

    Raises:
        InputError: the path is not a folder, belongs to another user, or others may write to it.
            Such a folder would be dangerous, because an entry in it can make `stop` end any
            process.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        places = [Path(runtime) / "ska-edge"]
    else:
        places = [temporary_place(), state_place() / "boards"]
    folder = own_folder(*places)
    if folder is None:
        raise InputError(
            f"{places[0]} is not a folder of yours that only you can write to; remove it, or set"
            " XDG_RUNTIME_DIR to another folder"
        )
    return folder


def _entry(project: Path) -> Path:
    name = hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:16]
    return _registry() / f"{name}.json"


def _read_entry(entry: Path) -> RunningBoard | None:
    """Read an entry; return None if it is missing or damaged."""
    try:
        content = json.loads(entry.read_text(encoding="utf-8"))
        board = RunningBoard(**{**content, "project": Path(content["project"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = (board.name, board.port, board.born)
    # A process number below 1 means a group of processes, or all of them.
    whole = isinstance(board.pid, int) and board.pid > 1
    return board if whole and board.born and all(isinstance(text, str) for text in texts) else None


def _born(pid: int) -> str | None:
    """Return the start time of a process; None if it has ended (a zombie has ended, too)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _born_by_ps(pid)
    except OSError:
        return None
    # The fields follow the name, which is in parentheses and may contain any character. The first
    # is the state; field 22 is the start time.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _born_by_ps(pid: int) -> str | None:
    """Return the start time of a process on a system without /proc."""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    return shown.strip() or None


def _end(pid: int, born: str | None) -> None:
    """End a process, first by SIGTERM, then by SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if born is None or _born(pid) != born:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
        deadline = time.monotonic() + STOP_LIMIT_S
        while _born(pid) == born and time.monotonic() < deadline:
            time.sleep(POLL_S)
