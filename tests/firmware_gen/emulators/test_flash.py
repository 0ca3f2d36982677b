"""A started board has a port that answers and can be reopened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from firmware_gen.board.board import Board, board_names, load_board
from firmware_gen.build import build
from firmware_gen.emulators import flash
from firmware_gen.emulators.flash import RunningBoard, launch, running, start, stop
from ska_edge.errors import CheckError, DeviceError, InputError, ToolError

WriteFirmware = Callable[..., Path]
NAMES = board_names()
EMULATED = [name for name in NAMES if load_board(name).start is not None]

FAULT_ON_X = """\
#include "ska_board.h"

int main(void) {
    ska_board_init();
    for (;;) {
        int16_t byte = ska_board_read();

        ska_board_write((uint8_t)byte);
        if (byte == 'x') {
            __asm__ volatile("udf #0");
        }
    }
}
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Use a registry of boards for this test alone; stop the boards that are left in it."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield runtime / "ska-edge"
    for board in running():
        stop(board.project)


def echo(port: str, data: bytes) -> bytes:
    with serial.Serial(port, 115200, timeout=20, write_timeout=20) as line:
        line.write(data)
        return bytes(line.read(len(data)))


def await_end(board: RunningBoard) -> None:
    deadline = time.monotonic() + 20
    while board.alive():
        assert time.monotonic() < deadline, "the board does not end"


def rewrite(project: Path, old: str, new: str) -> None:
    path = project / "board" / "board.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("name", EMULATED)
def test_a_started_board_answers_on_its_port_each_time_it_is_opened(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board(name))
    build(project)
    with start(project) as board:
        assert (board.name, board.project) == (name, project)
        assert board.alive()
        assert echo(board.port, b"abc") == b"bcd"
        every_byte = bytes(range(256))
        assert echo(board.port, every_byte) == every_byte[1:] + b"\0"
        with serial.Serial(board.port, 115200, timeout=20) as line:
            line.write(b"12345678")
            assert line.read(1) == b"2"  # the port is closed with unread bytes
        assert echo(board.port, b"a")
        assert board.alive()
    assert not board.alive()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process to a core")
@pytest.mark.parametrize("name", EMULATED)
def test_an_emulator_of_several_threads_keeps_to_one_core(
    name: str,
    registry: Path,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    def cores(board: RunningBoard) -> set[frozenset[int]]:
        threads = [int(path.name) for path in Path(f"/proc/{board.pid}/task").iterdir()]
        return {frozenset(os.sched_getaffinity(thread)) for thread in threads}

    project = write_firmware(require_board(name))
    build(project)
    ours = os.sched_getaffinity(0)
    with start(project) as board:
        seen = [cores(board)]
    seen.append(cores(launch(project)))
    assert os.sched_getaffinity(0) == ours
    for each in seen:
        (all_threads,) = each
        assert all_threads <= ours
        assert len(all_threads) == (1 if name.startswith("qemu-") else len(ours))


@pytest.mark.parametrize("name", EMULATED)
def test_a_launched_board_runs_until_it_is_stopped(
    name: str,
    registry: Path,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    project = write_firmware(require_board(name))
    build(project)
    assert running() == ()
    board = launch(project)
    assert running() == (board,)
    assert echo(board.port, b"abc") == b"bcd"
    # The board is not a child of this process, so it can leave no zombie here.
    with pytest.raises(ChildProcessError):
        os.waitpid(board.pid, os.WNOHANG)

    assert stop(project) is True
    assert not board.alive()
    assert running() == ()
    assert stop(project) is False


@pytest.fixture
def host_project(require_board: Callable[[str], Board], write_firmware: WriteFirmware) -> Path:
    project = write_firmware(require_board("host"))
    build(project)
    return project


def test_a_second_launch_replaces_the_first(registry: Path, host_project: Path) -> None:
    first = launch(host_project)
    second = launch(host_project)
    assert not first.alive()
    assert running() == (second,)
    assert echo(second.port, b"abc") == b"bcd"


def test_boards_of_several_projects_run_at_the_same_time(
    registry: Path,
    host_project: Path,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    other_project = write_firmware(require_board("host"), name="other")
    build(other_project)
    one, other = launch(host_project), launch(other_project)
    assert {board.project for board in running()} == {host_project, other_project}
    assert stop(host_project)
    assert running() == (other,)
    assert not one.alive()


def test_entries_of_boards_that_ended_by_themselves_are_removed(
    registry: Path, host_project: Path
) -> None:
    board = launch(host_project)
    os.kill(board.pid, signal.SIGKILL)
    await_end(board)
    assert len(list(registry.iterdir())) == 1
    assert running() == ()
    assert list(registry.iterdir()) == []


def test_a_later_process_with_the_same_number_is_not_taken_for_the_board(
    registry: Path, host_project: Path
) -> None:
    board = launch(host_project)
    entry = next(registry.iterdir())
    text = entry.read_text(encoding="utf-8")
    entry.write_text(text.replace(f'"born": "{board.born}"', '"born": "1"'), encoding="utf-8")
    assert running() == ()
    assert stop(host_project) is False
    assert board.alive()
    os.kill(board.pid, signal.SIGTERM)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "host"}', '{"project": 3}'])
def test_a_damaged_entry_is_ignored(content: str, registry: Path, host_project: Path) -> None:
    launch(host_project)
    entry = next(registry.iterdir())
    whole = entry.read_text(encoding="utf-8")
    entry.write_text(content, encoding="utf-8")
    assert running() == ()
    entry.write_text(whole, encoding="utf-8")
    assert stop(host_project)


def test_a_registry_that_is_not_a_folder_of_the_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "ska-edge").symlink_to(elsewhere)
    with pytest.raises(InputError, match="not a folder of yours"):
        running()


def test_without_a_runtime_folder_the_registry_is_the_users_own_in_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert running() == ()
    folder = tmp_path / f"ska-edge-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_project_without_a_build_is_not_started(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("virtual-m4"))
    with pytest.raises(InputError, match="run ska-edge build"), start(project):
        pass
    rewrite(project, "size = 0x0008_0000", "size = 0x0000_0040")
    assert not build(project).fits
    with pytest.raises(CheckError, match="does not fit board virtual-m4"), start(project):
        pass


@pytest.mark.parametrize("how", [start, launch])
def test_a_truncated_image_is_not_started(
    how: Callable[[Path], object], registry: Path, host_project: Path
) -> None:
    elf = host_project / "build" / "firmware.elf"
    content = elf.read_bytes()
    for size in (0, 3, 40, len(content) // 2, len(content) - 1):
        elf.write_bytes(content[:size])
        with pytest.raises(InputError, match=r"firmware\.elf is damaged or incomplete; run"):
            run_board(how, host_project)
    elf.write_bytes(b"#!/bin/sh\n" * 99)
    with pytest.raises(InputError, match=r"firmware\.elf is damaged or incomplete; run"):
        run_board(how, host_project)


def test_a_missing_emulator_is_named(host_project: Path) -> None:
    path = host_project / "board" / "board.toml"
    with path.open("a", encoding="utf-8") as file:
        file.write('[[needs]]\nprogram = "no-such-program"\ninstall = "install it"\n')
    with pytest.raises(ToolError, match="needs the program no-such-program: install it"):
        launch(host_project)


@pytest.mark.parametrize("how", [start, launch])
def test_an_emulator_that_ends_at_once_is_quoted(
    how: Callable[[Path], object], registry: Path, host_project: Path
) -> None:
    rewrite(host_project, '["{elf}"]', '["/bin/sh", "-c", "echo starting; echo no such machine"]')
    with pytest.raises(DeviceError, match="ended as soon as it was started: no such machine"):
        run_board(how, host_project)
    assert running() == ()


@pytest.mark.parametrize("how", [start, launch])
def test_an_emulator_that_names_no_port_is_ended(
    how: Callable[[Path], object],
    registry: Path,
    host_project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flash, "START_LIMIT_S", 0.2)
    rewrite(host_project, '["{elf}"]', '["/bin/sh", "-c", "echo $$; exec tail -f /dev/null"]')
    with pytest.raises(DeviceError, match="gave no serial port"):
        run_board(how, host_project)
    pid = int((host_project / "build" / "board.log").read_text(encoding="utf-8"))
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()
    assert running() == ()


def run_board(how: Callable[[Path], object], project: Path) -> None:
    board = how(project)
    if not isinstance(board, RunningBoard):
        with board:  # type: ignore[attr-defined]
            pass


def test_the_last_words_of_a_board_say_why_it_ended(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("virtual-m4"), FAULT_ON_X)
    build(project)
    with start(project) as board:
        assert echo(board.port, b"abcx") == b"abcx"
        await_end(board)
        assert "the firmware failed at main+0x" in board.last_words()


def test_a_board_that_does_not_end_when_asked_is_killed(
    registry: Path, host_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "STOP_LIMIT_S", 0.2)
    script = "trap '' TERM; echo /dev/deaf; while :; do read x </dev/zero; done"
    rewrite(host_project, '["{elf}"]', f'["/bin/sh", "-c", "{script}"]')
    with start(host_project) as board:
        assert board.port == "/dev/deaf"
    assert not board.alive()
    board = launch(host_project)
    assert stop(host_project)
    assert not board.alive()


@pytest.mark.parametrize("toolchain", ["gcc", "clang"])
def test_the_host_board_is_clean_under_sanitizers_and_ends_well_on_sigterm(
    toolchain: str,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    project = write_firmware(load_board("host"))
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    elf = build(project, toolchain=require_toolchain(toolchain), flags=flags).elf
    with subprocess.Popen(
        [elf], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        data = bytes(range(256)) * 3  # more than the board's buffer holds
        assert echo(port, data) == bytes((i + 1) & 0xFF for i in range(256)) * 3
        assert echo(port, b"again") == b"bhbjo"
        process.terminate()
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")
