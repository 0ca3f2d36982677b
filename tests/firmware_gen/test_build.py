"""A build makes an image for a board and reports its memory; faulty programs do not build."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen import toolchains
from firmware_gen.board.board import RING, Board, board_names, load_board
from firmware_gen.build import build
from ska_edge.errors import CheckError, InputError, ToolError

WriteFirmware = Callable[..., Path]

PAIRS = [
    pytest.param(name, compiler.name, id=f"{name}-{compiler.name}")
    for name in board_names()
    for compiler in load_board(name).toolchains
]
PAIRS_BARE = [
    pytest.param(name, compiler.name, id=f"{name}-{compiler.name}")
    for name in board_names()
    if load_board(name).memory is not None
    for compiler in load_board(name).toolchains
]

WITH_BLOCKS = """\
#include "ska_board.h"

static volatile uint8_t block[RAM_BLOCK];
extern const uint8_t table[FLASH_BLOCK];

const uint8_t table[FLASH_BLOCK] = {1};

int main(void) {
    ska_board_init();
    for (;;) {
        uint32_t at = (uint32_t)ska_board_read() * 12345u;

        block[at % RAM_BLOCK] = table[at % FLASH_BLOCK];
        ska_board_write(block[0]);
    }
}
"""


def with_blocks(ram: int, flash: int) -> str:
    """Return a program with variables and constants of these sizes, and little else."""
    return WITH_BLOCKS.replace("RAM_BLOCK", f"{ram}u").replace("FLASH_BLOCK", f"{flash}u")


def ring(board: Board) -> int:
    return board.uart.buffer + 4 if board.uart is not None and RING in board.sources else 0


@pytest.mark.parametrize(("name", "toolchain"), PAIRS)
def test_a_build_reports_what_each_byte_of_the_program_takes(
    name: str,
    toolchain: str,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    require_toolchain(toolchain)
    board = load_board(name)
    small = build(write_firmware(board, with_blocks(100, 200), "small"), toolchain=toolchain)
    large = build(write_firmware(board, with_blocks(600, 900), "large"), toolchain=toolchain)

    assert small.toolchain == toolchain
    assert small.elf.name == "firmware.elf" and small.elf.is_file()
    constants = 700 if board.family == "avr" else 0  # AVR keeps constants in RAM, too
    # The margins are for alignment and wider instructions.
    assert abs(large.ram - small.ram - 500 - constants) <= 32
    assert abs(large.flash - small.flash - 700) <= 64
    assert small.fits and large.fits
    if board.memory is None:
        assert (small.stack, small.flash_size, small.ram_size) == (None, None, None)
    else:
        sizes = (board.memory.flash.size, board.memory.ram.size)
        assert (small.flash_size, small.ram_size) == sizes
        assert small.stack is not None and 4 <= small.stack < 200
        assert 200 <= small.flash < 1500
        assert 100 <= small.ram - ring(board) - (200 if board.family == "avr" else 0) < 132


@pytest.mark.parametrize(("name", "toolchain"), PAIRS_BARE)
def test_the_same_sources_give_the_same_image_in_any_folder(
    name: str,
    toolchain: str,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    require_toolchain(toolchain)
    board = load_board(name)
    images = [
        build(write_firmware(board, name=folder), toolchain=toolchain).elf.read_bytes()
        for folder in ("one", "another-folder")
    ]
    assert images[0] == images[1]


@pytest.mark.parametrize(
    ("ram", "flash", "fits"),
    [
        (1000, 1000, True),
        (1000, 600 * 1024, False),
        (200 * 1024, 1000, False),
        (128 * 1024 - 8, 1000, False),  # the variables fit, but not together with the stack
        (128 * 1024 - 1024, 1000, True),
    ],
)
def test_an_image_that_does_not_fit_is_measured_but_not_left_to_be_started(
    ram: int,
    flash: int,
    fits: bool,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    project = write_firmware(require_board("virtual-m4"), with_blocks(ram, flash))
    report = build(project)
    assert report.fits is fits
    assert ram <= report.ram < ram + 32
    assert flash <= report.flash < flash + 1500
    assert report.elf == project / "build" / ("firmware.elf" if fits else "too-large.elf")
    assert [path.name for path in (project / "build").glob("*.elf")] == [report.elf.name]


@pytest.mark.parametrize(
    ("ram", "flash", "fits"),
    [
        (1000, 500, True),
        (1413, 500, False),  # the constants are in RAM, too, and leave nothing for the stack
        (30000, 500, False),
        (100, 30000, False),
    ],
)
def test_an_image_that_does_not_fit_an_avr_is_measured_too(
    ram: int,
    flash: int,
    fits: bool,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    board = require_board("uno")
    report = build(write_firmware(board, with_blocks(ram, flash)))
    assert report.fits is fits
    assert ram + flash <= report.ram - ring(board) < ram + flash + 32
    assert flash <= report.flash < flash + 1000


@pytest.mark.parametrize("toolchain", ["arm-none-eabi-gcc", "zig"])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("    int unused;", "unused"),
        ("    uint8_t narrow = ska_board_read();", "conversion"),
        ("    no such thing;", "error"),
        ("    uint32_t sum = byte; ska_board_write((uint8_t)sum);", "sign"),
    ],
)
def test_a_warning_ends_the_build_with_its_file_and_line(
    toolchain: str,
    line: str,
    reason: str,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    require_toolchain(toolchain)
    project = write_firmware(load_board("virtual-m4"))
    source = project / "src" / "main.c"
    text = source.read_text(encoding="utf-8").replace("byte;", f"byte = 0;\n{line}")
    source.write_text(text, encoding="utf-8")
    with pytest.raises(CheckError) as caught:
        build(project, toolchain=toolchain)
    assert "src/main.c:5:" in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "toolchain"), PAIRS)
def test_a_missing_function_is_named(
    name: str,
    toolchain: str,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    require_toolchain(toolchain)
    project = write_firmware(
        load_board(name), "void ska_nowhere(void);\nint main(void) { ska_nowhere(); return 0; }\n"
    )
    with pytest.raises(CheckError, match="ska_nowhere"):
        build(project, toolchain=toolchain)


def test_a_failed_build_removes_the_earlier_image(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("host"))
    elf = build(project).elf
    assert elf.is_file()
    (project / "src" / "main.c").write_text("int main(void) { return missing; }\n")
    with pytest.raises(CheckError, match="missing"):
        build(project)
    assert not elf.exists()


def test_flags_reach_the_compiler_after_all_others(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    program = '#if LEVEL == 3\n#error "level three"\n#endif\nint main(void) { return 0; }\n'
    project = write_firmware(require_board("host"), program)
    with pytest.raises(CheckError, match="level three"):
        build(project, flags=["-ULEVEL", "-DLEVEL=3"])
    # A warning is an error unless the last option about it says otherwise.
    project = write_firmware(require_board("host"), "int main(void) { int i; return 0; }\n", "two")
    assert build(project, flags=["-Wno-error"]).fits


def test_an_unknown_toolchain_is_answered_with_the_list(
    write_firmware: WriteFirmware,
) -> None:
    project = write_firmware(load_board("virtual-m4"))
    with pytest.raises(InputError, match="'gcc'; choose one of arm-none-eabi-gcc, zig"):
        build(project, toolchain="gcc")


def test_without_any_compiler_the_sentence_says_how_to_install_one(
    write_firmware: WriteFirmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write_firmware(load_board("virtual-m4"))
    monkeypatch.setattr(toolchains, "find", lambda name: None)
    with pytest.raises(ToolError) as caught:
        build(project)
    assert "pip install ziglang" in str(caught.value)
    assert "apt-get install gcc-arm-none-eabi" in str(caught.value)
    with pytest.raises(ToolError, match="pip install ziglang") as caught:
        build(project, toolchain="zig")
    assert "arm-none-eabi" not in str(caught.value)


def test_the_first_installed_toolchain_of_the_board_is_taken(
    zig: str, write_firmware: WriteFirmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = shutil.which
    monkeypatch.setattr(
        shutil,
        "which",
        lambda name, path=None: None if name == "arm-none-eabi-gcc" else which(name, path=path),
    )
    assert build(write_firmware(load_board("virtual-m4"))).toolchain == zig


def test_a_compiler_that_hangs_is_killed(
    tmp_path: Path, write_firmware: WriteFirmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    endless.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: str(endless))
    monkeypatch.setattr(toolchains, "TIME_LIMIT_S", 0.1)
    with pytest.raises(ToolError, match="did not end within"):
        build(write_firmware(load_board("host")))


def test_a_cache_folder_of_zig_is_one_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a-file"
    blocked.touch()
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    zig = toolchains.Toolchain("zig", ("zig",))

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert zig.environment()["ZIG_GLOBAL_CACHE_DIR"] == str(tmp_path / "cache/ska-edge/zig")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    own = tmp_path / "tmp" / f"ska-edge-{os.getuid()}" / "zig"
    assert zig.environment()["ZIG_GLOBAL_CACHE_DIR"] == str(own)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(blocked))
    with pytest.raises(ToolError, match="ZIG_GLOBAL_CACHE_DIR"):
        zig.environment()
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", "elsewhere")
    assert zig.environment()["ZIG_GLOBAL_CACHE_DIR"] == "elsewhere"


def test_a_folder_that_is_not_a_project_is_refused(
    tmp_path: Path, write_firmware: WriteFirmware
) -> None:
    with pytest.raises(InputError, match=r"no board\.toml"):
        build(tmp_path)
    project = write_firmware(load_board("host"))
    (project / "src" / "main.c").unlink()
    with pytest.raises(InputError, match="no C files"):
        build(project)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("a.c: In function 'f':\na.c:3:5: error: bad\n  3 | x\n", "a.c:3:5: error: bad"),
        ("ld: a.o: in function `f':\nundefined reference to `g'\n", "undefined reference to `g'"),
        (
            "a.c:9: undefined reference to `g'\ncollect2: error: ld returned 1 exit status\n",
            "a.c:9: undefined reference to `g'",
        ),
        ("what happened\n", "what happened"),
        ("\n", "it gave no reason"),
    ],
)
def test_the_first_complaint_is_the_first_line_with_an_error(output: str, line: str) -> None:
    assert toolchains.first_complaint(output) == line
