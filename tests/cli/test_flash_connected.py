"""`flash` finds the connected device by its USB numbers, or by the description of its drive."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import load_board
from firmware_gen.flashing import drives
from ska_edge.device.port.port import PortInfo
from tests.documented_board import PAGE as PATH

PAGE = PATH.read_text(encoding="utf-8")
Built = Callable[[str, str], Path]
UNO, ST_LINK = "2341:0043", "0483:374B"
RECORD = '#!/bin/sh\necho "$0 $*" | sed "s:.*/programs/::" >> "$OUT"\n'


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[PortInfo]:
    ports: list[PortInfo] = []
    monkeypatch.setattr("ska_edge.cli.commands.flash.list_ports", lambda: ports)
    return ports


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], str]]:
    """Return a function that installs programs that only record their command line."""
    folder, out = tmp_path / "programs", tmp_path / "out"
    folder.mkdir()

    def install(*names: str) -> Callable[[], str]:
        for name in names:
            (folder / name).write_text(RECORD)
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
        monkeypatch.setenv("OUT", str(out))
        return lambda: out.read_text() if out.exists() else ""

    return install


def port(path: str, usb: str | None) -> PortInfo:
    return PortInfo(path, "a device", True, usb=usb)


def test_a_connected_uno_is_flashed_at_its_port(
    ska_edge, built: Built, connected: list[PortInfo], record
) -> None:
    project, written = built("uno", "fw"), record("avrdude")
    connected += [port("/dev/ttyS0", None), port("/dev/ttyACM1", UNO), port("/dev/other", ST_LINK)]
    for words in ([], ["--tool", "avrdude"]):
        outcome = ska_edge("flash", project, *words, "--trust")
        assert outcome.code == 0, outcome.err
        lines = outcome.out.splitlines()
        assert lines[0] == "uno is connected at /dev/ttyACM1"
        assert lines[1].startswith("avrdude -p atmega328p -c arduino -P /dev/ttyACM1 ")
        assert lines[-1].endswith("by avrdude")
    assert written().count("-P /dev/ttyACM1 ") == 2


def test_a_dry_run_finds_the_device_and_runs_nothing(
    ska_edge, built: Built, connected: list[PortInfo], record
) -> None:
    project, written = built("uno", "fw"), record("avrdude")
    connected.append(port("/dev/ttyACM0", UNO))
    assert "-P /dev/ttyACM0" in ska_edge("flash", project, "--dry-run").out
    assert written() == ""


def test_several_devices_are_named_with_what_to_do(
    ska_edge, built: Built, connected: list[PortInfo], record
) -> None:
    record("avrdude", "st-flash")
    connected += [port(f"/dev/ttyACM{i}", UNO) for i in (0, 1)]
    connected += [port(f"/dev/link{i}", ST_LINK) for i in (0, 1)]
    for words in ([], ["--tool", "avrdude"], ["--dry-run"]):
        assert ska_edge("flash", built("uno", "fw"), *words).refusal(3) == (
            "ska-edge: 2 devices may be the uno (/dev/ttyACM0, /dev/ttyACM1); name one with --port"
        )
    assert ska_edge("flash", built("nucleo-f401re", "nucleo")).refusal(3) == (
        "ska-edge: 2 devices may be the nucleo-f401re (/dev/link0, /dev/link1); disconnect all but"
        " one or take another --tool"
    )


def test_a_program_that_finds_the_device_by_itself_gets_no_port(
    ska_edge, built: Built, connected: list[PortInfo], record
) -> None:
    written = record("openocd")
    connected.append(port("/dev/ttyACM0", ST_LINK))
    outcome = ska_edge("flash", built("nucleo-f401re", "fw"), "--trust")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[0] == "nucleo-f401re is connected at /dev/ttyACM0"
    assert "openocd -f board/st_nucleo_f4.cfg" in written()
    assert "ttyACM0" not in written()


def test_without_a_device_the_emulated_board_starts(
    ska_edge, built: Built, connected: list[PortInfo], record
) -> None:
    project, written = built("uno", "fw"), record("avrdude")
    connected.append(port("/dev/ttyACM0", ST_LINK))
    for words in ([], ["--emulated"]):
        started = ska_edge("flash", project, *words, "--trust", "--json")
        assert started.code == 0, started.err
        assert started.document()["port"].startswith("/dev/pts/")
        connected.append(port("/dev/ttyACM1", UNO))  # --emulated ignores it
    assert ska_edge("flash", project, "--stop").code == 0
    assert written() == ""


def test_a_port_that_is_needed_and_not_found_is_asked_for(
    ska_edge, built: Built, connected: list[PortInfo]
) -> None:
    assert connected == []
    assert ska_edge("flash", built("uno", "fw"), "--dry-run").refusal(2) == (
        "ska-edge: no uno is connected, and avrdude writes through a port; name it with --port"
    )
    sentence = ska_edge("flash", built("uno", "fw"), "--tool", "avrdude").refusal(2)
    assert sentence == "ska-edge: avrdude writes through a port; name it with --port"


def test_emulated_contradicts_a_real_device(ska_edge, built: Built) -> None:
    sentence = ska_edge("flash", built("uno", "fw"), "--emulated", "--port", "x").refusal(2)
    assert sentence == (
        "ska-edge: leave --emulated and --sensor out, or --tool, --port and --dry-run"
    )


def test_a_missing_program_for_a_connected_device_is_named_with_its_installation(
    ska_edge, built: Built, connected: list[PortInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = built("uno", "fw")
    connected.append(port("/dev/ttyACM0", UNO))
    monkeypatch.setenv("PATH", "")
    sentence = ska_edge("flash", project, "--trust").refusal(2)
    assert "avrdude needs the program avrdude: apt-get install avrdude" in sentence


def test_a_pico_is_found_by_the_description_of_its_drive(
    ska_edge,
    built: Built,
    connected: list[PortInfo],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert connected == []
    for name, board in [("one", "RPI-RP2"), ("two", "Other")]:
        drive = tmp_path / "media" / name
        drive.mkdir(parents=True)
        (drive / "INFO_UF2.TXT").write_text(f"UF2 Bootloader v3.0\nBoard-ID: {board}\n")
    (tmp_path / "media" / "empty").mkdir()
    monkeypatch.setattr(drives, "PLACES", (str(tmp_path / "media" / "*"),))
    outcome = ska_edge("flash", built("pico", "fw"), "--trust")
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "media" / "one"
    assert outcome.out.splitlines()[0] == f"pico is connected at {folder}"
    assert (folder / "firmware.uf2").read_bytes()[:4] == b"UF2\n"


@pytest.mark.parametrize(
    "name", ["mega2560", "microbit-v1", "microbit-v2", "nucleo-f401re", "nucleo-l476rg", "uno"]
)
def test_each_of_these_boards_is_found_by_its_usb_numbers(name: str) -> None:
    assert any(flasher.usb for flasher in load_board(name).flashers)


EXAMPLES = PAGE.split("<!-- flashers -->\n```toml\n")[1].split("```")[0]


@pytest.mark.parametrize(
    ("tool", "commands"),
    [
        (
            "esptool",
            ["esptool --chip esp32c3 --port /dev/x write-flash 0x0 BUILD/firmware.esp"],
        ),
        (
            "dfu-util",
            [
                "dfu-util -d 0483:df11 -a 0 -s 0x08000000 -D BUILD/firmware-08000000.bin",
                "dfu-util -d 0483:df11 -a 0 -s 0x08010000 -D BUILD/firmware-08010000.bin",
            ],
        ),
        (
            "bossac",
            [
                "bossac --port=/dev/x --erase --write --verify --reset --offset=0x08000000"
                " BUILD/firmware-08000000.bin",
                "bossac --port=/dev/x --erase --write --verify --reset --offset=0x08010000"
                " BUILD/firmware-08010000.bin",
            ],
        ),
    ],
)
def test_the_examples_of_the_page_are_flashers_of_a_board_of_one_s_own(
    ska_edge, built: Built, tool: str, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = built("nucleo-f401re", "fw")
    path = project / "board" / "board.toml"
    text = f"esp = 5\n{path.read_text(encoding='utf-8')}\n{EXAMPLES}"
    path.write_text(text, encoding="utf-8")
    words = ["--port", "/dev/x"] if "/dev/x" in commands[0] else []
    outcome = ska_edge("flash", project, "--tool", tool, *words, "--dry-run")
    assert outcome.code == 0, outcome.err
    folder = str((project / "build").resolve())
    assert outcome.out.replace(folder, "BUILD").splitlines() == commands
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # there are no programs beside it
    sentence = ska_edge("flash", project, "--tool", tool, *words, "--trust").refusal(2)
    assert f"{tool} needs the program {tool}: " in sentence
