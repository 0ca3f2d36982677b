"""`flash` writes an image to a real device by the programs of board.toml."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_gen.board.board import load_board
from firmware_gen.emulators.flash import start
from firmware_gen.folder.trust import DESCRIPTION
from ska_edge.model.open import Model, open_model
from tests.conftest import without
from tests.esp_rom import EspRom
from tests.rom_loader import ORIGIN, RomLoader

Built = Callable[[str, str], Path]
BOARD = "nucleo-f401re"
DRIVE = "microbit-v2"


def edit(project: Path, old: str, new: str) -> None:
    path = project / "board" / "board.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_stm32flash_writes_the_image_and_keeps_the_saves(ska_edge, built: Built) -> None:
    if shutil.which("stm32flash") is None:
        without("stm32flash is not installed: apt-get install stm32flash")
    project = built(BOARD, "fw")
    edit(project, '"stm32flash", "-b"', '"stm32flash", "-m", "8n1", "-b"')  # a pty has no parity
    with RomLoader(contents=0x00) as loader:  # every byte of the flash is 0
        outcome = ska_edge("flash", project, "--port", loader.port, "--trust", "--json")
    assert outcome.code == 0
    assert outcome.document()["tool"] == "stm32flash"
    assert outcome.document()["flashed"] is True
    assert loader.erased == [0, 4]  # sectors 1 to 3 have the saves
    for path in sorted((project / "build").glob("firmware-*.bin")):
        start = int(path.stem.removeprefix("firmware-"), 16) - ORIGIN
        content = path.read_bytes()
        assert loader.flash[start : start + len(content)] == content


def test_a_device_that_does_not_answer_is_an_error_of_the_device(ska_edge, built: Built) -> None:
    if shutil.which("stm32flash") is None:
        without("stm32flash is not installed: apt-get install stm32flash")
    project = built(BOARD, "fw")
    outcome = ska_edge("flash", project, "--port", "/dev/none", "--trust")
    assert outcome.code == 3
    assert outcome.err.splitlines()[-1] == (
        "ska-edge: stm32flash failed with exit code 1; its output above says why"
    )


@pytest.fixture
def esptool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find esptool in the folder of this Python, too."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if shutil.which("esptool") is None:
        without("esptool is not installed: pip install esptool")


@pytest.mark.usefixtures("esptool")
def test_an_image_written_by_esptool_learns_and_saves(
    ska_edge, built: Built, iris: Model, iris_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = built("esp32-c3", "fw")
    image = project / "build" / "firmware.esp"
    content = image.read_bytes()
    with EspRom(contents=0x00) as rom:  # every byte of the flash is 0
        outcome = ska_edge("flash", project, "--port", rom.port, "--trust", "--json")
    assert outcome.code == 0
    assert outcome.document()["tool"] == "esptool"
    assert outcome.document()["flashed"] is True
    assert rom.flash[: len(content)] == content
    assert set(rom.flash[0x10_0000:0x12_0000]) == {0}  # the saves stay

    image.write_bytes(rom.flash)  # the emulator starts what esptool wrote
    monkeypatch.setenv("SKA_STORAGE", str(Path("saves").absolute()))
    with start(project) as running:
        words = [iris_file, "iris", "--port", running.port, "--samples", "20"]
        assert ska_edge("verify", *words).code == 0
        assert ska_edge("save", "--port", running.port).code == 0
        assert ska_edge("pull", iris_file, "-o", "before.ska", "--port", running.port).code == 0
        os.kill(running.pid, signal.SIGKILL)
    with start(project) as running:
        assert ska_edge("pull", iris_file, "-o", "after.ska", "--port", running.port).code == 0
    before, after = (open_model(Path(f"{name}.ska")).state for name in ("before", "after"))
    assert after.to_bytes() == before.to_bytes() != iris.state.to_bytes()


@pytest.fixture
def gdb_server() -> Iterator[str]:
    """Start QEMU's STM32F405 with a gdb server; its flash begins where nucleo-f401re's does."""
    for program in ("gdb-multiarch", "qemu-system-arm"):
        if shutil.which(program) is None:
            without(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as folder:  # the path of a socket must be short
        port, number = f"{folder}/gdb", Path(folder) / "pid"
        machine = ["qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-S"]
        server = ["-gdb", f"unix:{port},server=on,wait=off"]
        # As a daemon, the server outlives the command, which ends when the server is ready.
        daemon = ["-daemonize", "-pidfile", str(number), "-monitor", "none", "-serial", "null"]
        subprocess.run([*machine, *server, *daemon], check=True)
        yield port
        os.kill(int(number.read_text()), signal.SIGTERM)


def test_gdb_loads_the_image(ska_edge, built: Built, gdb_server: str) -> None:
    project = built(BOARD, "fw")
    arguments = ["--tool", "gdb", "--port", gdb_server, "--trust"]
    assert ska_edge("flash", project, *arguments).code == 0
    command = ["gdb-multiarch", "--batch", "-ex", f"target extended-remote {gdb_server}"]
    command += ["-ex", "compare-sections", str(project / "build" / "firmware.elf")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count(": matched.") == 2
    assert "MIS-MATCHED" not in done.stdout


def test_gdb_without_a_server_has_flashed_nothing(ska_edge, built: Built) -> None:
    if shutil.which("gdb-multiarch") is None:
        without("gdb-multiarch is not installed")
    arguments = ["--tool", "gdb", "--port", "/tmp/none", "--trust"]
    outcome = ska_edge("flash", built(BOARD, "fw"), *arguments)
    assert outcome.code == 3
    assert "flashed" not in outcome.out


@pytest.mark.parametrize(
    ("tool", "port", "commands"),
    [
        (
            "openocd",
            None,
            [
                "openocd -f board/st_nucleo_f4.cfg -c 'program {BUILD/firmware.elf} verify reset"
                " exit'"
            ],
        ),
        (
            "st-flash",
            None,
            [
                "st-flash --reset write BUILD/firmware-08000000.bin 0x08000000",
                "st-flash --reset write BUILD/firmware-08010000.bin 0x08010000",
            ],
        ),
        ("pyocd", None, ["pyocd load --target stm32f401retx BUILD/firmware.hex"]),
        (
            "gdb",
            "localhost:3333",
            [
                "gdb-multiarch --batch -ex 'target extended-remote localhost:3333' -ex load"
                " BUILD/firmware.elf"
            ],
        ),
    ],
)
def test_a_dry_run_prints_the_commands(
    ska_edge, built: Built, tool: str, port: str | None, commands: list[str]
) -> None:
    project = built(BOARD, "fw")
    words = [] if port is None else ["--port", port]
    outcome = ska_edge("flash", project, "--tool", tool, *words, "--dry-run")
    folder = str((project / "build").resolve())
    assert outcome.code == 0
    assert outcome.out.replace(folder, "BUILD").splitlines() == commands


def test_a_missing_tool_is_named_with_its_installation(
    ska_edge, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = built(BOARD, "fw")
    monkeypatch.setenv("PATH", "")
    for flasher in load_board(BOARD).flashers:
        words = ["--port", "/dev/none"] if flasher.needs_port() else []
        refusal = ska_edge("flash", project, "--tool", flasher.tool, *words, "--trust").refusal(2)
        program = flasher.command[0]
        assert f"{flasher.tool} needs the program {program}: {flasher.install}" in refusal


def test_the_first_installed_tool_is_taken(
    ska_edge, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, programs = built(BOARD, "fw"), tmp_path / "programs"
    programs.mkdir()
    (programs / "st-flash").write_text('#!/bin/sh\necho "$@" >> "$OUT"\n')
    (programs / "st-flash").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("OUT", str(tmp_path / "out"))
    outcome = ska_edge("flash", project, "--tool", "st-flash", "--trust")
    assert outcome.code == 0
    assert ska_edge("flash", project, "--dry-run", "--json").document()["tool"] == "st-flash"
    assert [line.split()[-1] for line in (tmp_path / "out").read_text().splitlines()] == [
        "0x08000000",
        "0x08010000",
    ]
    assert outcome.out.splitlines()[-1].endswith("by st-flash")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--tool", "st-flahs"], "has no flasher 'st-flahs' (did you mean 'st-flash'?)"),
        (["--tool", "stm32flash"], "stm32flash writes through a port; name it with --port"),
        (["--tool", "pyocd", "--port", "x"], "pyocd finds the device by itself; leave --port out"),
    ],
)
def test_options_that_do_not_fit_a_flasher_are_refused(
    ska_edge, built: Built, words: list[str], reason: str
) -> None:
    assert reason in ska_edge("flash", built(BOARD, "fw"), *words).refusal(2)


def test_an_emulated_board_refuses_the_options_that_were_given(ska_edge, built: Built) -> None:
    project = built("host", "fw")
    for words, options in [
        (["--tool", "openocd"], "--tool"),
        (["--port", "x"], "--port"),
        (["--dry-run"], "--dry-run"),
        (["--tool", "openocd", "--dry-run"], "--tool and --dry-run"),
    ]:
        assert ska_edge("flash", project, *words).refusal(2) == (
            f"ska-edge: host is emulated, not a real device; leave {options} out"
        )


def test_copy_writes_to_a_folder_beside_the_project(ska_edge, built: Built) -> None:
    project, drive = built(DRIVE, "fw"), Path("drive")
    drive.mkdir()
    outcome = ska_edge("flash", project, "--tool", "copy", "--port", "drive", "--trust")
    assert outcome.code == 0, outcome.err
    image = project / "build" / "firmware.hex"
    assert [path.name for path in drive.iterdir()] == [image.name]
    assert (drive / image.name).read_bytes() == image.read_bytes()


def test_copy_needs_a_folder(ska_edge, built: Built) -> None:
    project = built(DRIVE, "fw")
    (project / "build" / "inside").mkdir()  # "inside" is in another folder than the current one
    Path("precious.csv").write_text("1,2\n")
    before = sorted(Path().rglob("*"))
    for port in ("missing", "precious.csv", str(Path("missing").resolve()), "inside", ""):
        for more in ("--trust", "--dry-run"):
            outcome = ska_edge("flash", project, "--tool", "copy", "--port", port, more)
            assert outcome.refusal(2) == (
                f"ska-edge: copy writes to a drive, but {port!r} is not a folder; name the drive's"
                " folder with --port"
            )
    assert Path("precious.csv").read_text() == "1,2\n"
    assert sorted(Path().rglob("*")) == before


def test_a_tool_gets_a_relative_port_as_the_user_means_it(
    ska_edge, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is a relative path, such as that of a socket, and the tool opens it."""
    project, programs = built(BOARD, "fw"), tmp_path / "programs"
    programs.mkdir()
    (programs / "stm32flash").write_text('#!/bin/sh\nfor port; do :; done\necho "$0" >> "$port"\n')
    (programs / "stm32flash").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    Path("adapter").touch()
    assert ska_edge("flash", project, "--port", "adapter", "--trust").code == 0
    assert Path("adapter").read_text() != ""
    assert not (project / "build" / "adapter").exists()


def test_a_project_from_elsewhere_runs_no_tool(ska_edge, built: Built) -> None:
    project = built(BOARD, "fw")
    path = project / DESCRIPTION
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "give --trust" in ska_edge("flash", project, "--tool", "openocd").refusal(2)


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "/dev/none"),
        ("--tool", "gdb"),
        ("--dry-run",),
        ("--emulated",),
        ("--sensor", "x"),
    ],
)
def test_stop_refuses_options_of_a_real_device(ska_edge, options: tuple[str, ...]) -> None:
    sentence = ska_edge("flash", "fw", "--stop", *options).refusal(2)
    assert sentence == (
        "ska-edge: --stop stops an emulated board; leave --tool, --port, --dry-run, --emulated and"
        " --sensor out"
    )
