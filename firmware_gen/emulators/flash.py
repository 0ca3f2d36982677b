"""Start built firmware on its emulated board, for a while or until it is stopped by name.

`start` is a context manager: the board lives as long as the block. `launch` leaves the board
running after this program ends, as a real board would; a small file for each in a folder of the
user lets `running` list them and `stop` end them. What a board prints is kept in `build/board.log`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from firmware_gen.board import BOARD_FILE, Board, read_board
from firmware_gen.build import BOARD_FOLDER, BUILD_FOLDER, ELF_NAME, TOO_LARGE_NAME
from ska_edge.errors import CheckError, DeviceError, InputError

LOG_NAME = "board.log"
START_LIMIT_S = 30.0
"""Emulators print their port within a second; more only on a machine that is very busy."""
STOP_LIMIT_S = 5.0
POLL_S = 0.01


@dataclass(frozen=True)
class RunningBoard:
    """A board that runs: its name, the path of its serial port, its process and its project.

    `born` is the start time that the system keeps for the process ("" where it keeps none): a later
    process with the same number has another.
    """

    name: str
    port: str
    pid: int
    project: Path
    born: str

    @property
    def log(self) -> Path:
        """The file with everything that the board's process printed."""
        return self.project / BUILD_FOLDER / LOG_NAME

    def alive(self) -> bool:
        """Whether the process still runs."""
        return _born(self.pid) == self.born

    def last_words(self) -> str:
        """The last line the board's process printed, such as the fault that ended it."""
        return _last_line(self.log)


@contextlib.contextmanager
def start(project: Path, arguments: Sequence[str] = ()) -> Iterator[RunningBoard]:
    """Run the project's firmware on its board while the block lasts.

    `arguments` are added to the command that starts the board.

    Raises:
        InputError: nothing is built, or the board is hardware.
        ToolError: the emulator is missing.
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
            start_new_session=True,  # Ctrl-C is for this program, which then stops the board
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


def launch(project: Path) -> RunningBoard:
    """Start the project's firmware and leave it running; one already running there is replaced.

    Raises:
        InputError, ToolError, DeviceError: as `start`.
    """
    board, command = _prepare(project)
    stop(project)
    with _log(project).open("wb") as log, _placed(board):
        # The shell ends at once, so the board is nobody's child here and leaves no zombie behind.
        shell = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
            cwd=project / BUILD_FOLDER,
            env=_environment(),
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
    """All launched boards that still run, by port; entries of dead ones are removed."""
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
    """End the launched board of the project; False when there is none running."""
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
    """Whether boards run on this system at all; `Board.check_startable` says why not."""
    return hasattr(os, "openpty")


def _prepare(project: Path) -> tuple[Board, list[str]]:
    """The board of a built project, and the command that starts it."""
    board = read_board(project / BOARD_FOLDER)
    elf = project / BUILD_FOLDER / ELF_NAME
    if not elf.is_file():
        if elf.with_name(TOO_LARGE_NAME).is_file():
            raise CheckError(
                f"the firmware in {project} does not fit board {board.name}; "
                "train a smaller network, or choose a board with more memory"
            )
        raise InputError(f"{project} has no firmware yet; run ska-edge build {project}")
    board.check_startable()
    assert board.start is not None
    values = {
        "elf": str(elf.resolve()),
        "board": str((project / BOARD_FOLDER / BOARD_FILE).resolve()),
        "python": sys.executable,
    }
    return board, [part.format_map(values) for part in board.start.command]


@contextlib.contextmanager
def _placed(board: Board) -> Iterator[None]:
    """Processes started in the block keep to one core of this computer, if the board wants that.

    They inherit it from this thread. The core is drawn, so several boards are not all on the same.
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
    """The environment of a board: this very package can be imported in it, installed or not."""
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _await_port(project: Path, board: Board, pid: int, lives: Callable[[], bool]) -> RunningBoard:
    """Wait until the board has printed the path of its port.

    Raises:
        DeviceError: it ended before, or takes too long.
    """
    assert board.start is not None
    log = _log(project)
    pattern = re.compile(board.start.port, re.MULTILINE)
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        alive = lives()  # before the look at the log, which then holds all a dead board printed
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
    """The folder of this user that lists launched boards, made if needed.

    Raises:
        InputError: there is something else, or it belongs to somebody else.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        folder = Path(runtime) / "ska-edge"
    else:
        folder = Path(tempfile.gettempdir()) / f"ska-edge-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    # In a folder for all, somebody else could have put it there to have us end their processes.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise InputError(f"{folder} is not a folder of yours; set XDG_RUNTIME_DIR to one that is")
    return folder


def _entry(project: Path) -> Path:
    name = hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:16]
    return _registry() / f"{name}.json"


def _read_entry(entry: Path) -> RunningBoard | None:
    """What an entry says; None when there is none or it is damaged."""
    try:
        content = json.loads(entry.read_text(encoding="utf-8"))
        return RunningBoard(**{**content, "project": Path(content["project"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _born(pid: int) -> str | None:
    """The start time of a process, None when it has ended (a zombie has ended, too)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        try:
            os.kill(pid, 0)
        except OSError:
            return None
        return ""
    except OSError:
        return None
    # After the name in parentheses, which may hold anything: state, then field 22, the start time.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _end(pid: int, born: str | None) -> None:
    """End a process: ask it first, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if born is None or _born(pid) != born:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + STOP_LIMIT_S
        while _born(pid) == born and time.monotonic() < deadline:
            time.sleep(POLL_S)
