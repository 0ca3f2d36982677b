"""An image is written as Intel HEX and as binary files, with the bytes of the ELF file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.formats.elf import Image
from firmware_gen.formats.intel_hex import intel_hex
from tests.conftest import without

WriteFirmware = Callable[..., Path]


def parse_hex(text: str) -> dict[int, int]:
    """Return the byte at each address of an Intel HEX file; check every record."""
    memory: dict[int, int] = {}
    upper = 0
    lines = text.splitlines()
    assert lines[-1] == ":00000001FF"
    for line in lines[:-1]:
        assert line[0] == ":"
        record = bytes.fromhex(line[1:])
        assert sum(record) % 256 == 0
        count, low, kind = record[0], int.from_bytes(record[1:3], "big"), record[3]
        content = record[4:-1]
        assert len(content) == count
        if kind == 4:
            upper = int.from_bytes(content, "big")
            continue
        assert kind == 0 and low + count <= 0x10000
        memory.update({upper * 0x10000 + low + i: byte for i, byte in enumerate(content)})
    return memory


@given(
    st.lists(st.tuples(st.integers(0, 0xFFFF0), st.binary(min_size=1, max_size=100)), max_size=4)
)
def test_a_hex_file_has_every_byte(pieces: list[tuple[int, bytes]]) -> None:
    parts = [(number * 0x100000 + at, content) for number, (at, content) in enumerate(pieces)]
    expected = {at + i: byte for at, content in parts for i, byte in enumerate(content)}
    assert parse_hex(intel_hex(parts)) == expected


def test_a_small_gap_is_filled_and_a_large_one_splits() -> None:
    image = Image(Path("x"), [(0x2000, b"c"), (0x1000, b"a"), (0x1010, b"b")], [])
    assert image.parts() == [(0x1000, b"a" + b"\xff" * 15 + b"b"), (0x2000, b"c")]


def test_the_files_of_a_build_are_those_of_objcopy(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    objcopy = shutil.which("arm-none-eabi-objcopy")
    if objcopy is None:
        without("arm-none-eabi-objcopy is not installed")
    assert objcopy is not None
    project = write_firmware(require_board("nucleo-f401re"))
    report = build(project)
    names = [path.name for path in report.images]
    assert names == ["firmware.hex", "firmware-08000000.bin", "firmware-08010000.bin"]
    theirs = project / "theirs.hex"
    subprocess.run([objcopy, "-O", "ihex", report.elf, theirs], check=True)
    # objcopy also writes the start address, in a record of type 5; programming does not need it.
    lines = [line for line in theirs.read_text().splitlines() if line[7:9] != "05"]
    assert report.images[0].read_text().splitlines() == lines
    memory = parse_hex(report.images[0].read_text())
    binaries = {0x0800_0000: report.images[1], 0x0801_0000: report.images[2]}
    assert memory == {
        start + i: byte
        for start, path in binaries.items()
        for i, byte in enumerate(path.read_bytes())
    }


def test_an_emulated_board_has_no_files_for_flashing(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    report = build(write_firmware(require_board("host")))
    assert report.images == ()


def test_a_build_that_fails_leaves_no_files_of_an_earlier_one(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(require_board("nucleo-f401re"))
    assert build(project).images
    (project / "src" / "main.c").write_text("int main(void) { return }\n")
    with pytest.raises(Exception, match="failed"):
        build(project)
    assert list((project / "build").glob("firmware*")) == []
