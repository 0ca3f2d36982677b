"""A UF2 file has every byte of an image, in blocks that the ROM of an RP2040 takes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.formats.elf import read_image
from firmware_gen.formats.uf2 import PAGE, SECTOR, uf2

WriteFirmware = Callable[..., Path]
RP2040 = 0xE48B_FF56


def pages_of(file: bytes) -> dict[int, bytes]:
    """Return the pages of a UF2 file by address; check every block."""
    assert len(file) % 512 == 0
    count = len(file) // 512
    pages = {}
    for number in range(count):
        block = file[512 * number : 512 * (number + 1)]
        *magic, flags, address, size, index, blocks, family = struct.unpack("<8I", block[:32])
        assert magic == [0x0A324655, 0x9E5D5157] and block[-4:] == bytes.fromhex("306fb10a")
        assert (flags, size, index, blocks, family) == (0x2000, 256, number, count, RP2040)
        assert address % PAGE == 0 and address not in pages
        pages[address] = block[32 : 32 + size]
    return pages


@given(st.lists(st.tuples(st.integers(0, 0xF000), st.binary(min_size=1, max_size=600)), max_size=4))
def test_a_file_has_every_byte_and_no_hole_in_a_sector(pieces: list[tuple[int, bytes]]) -> None:
    parts = [(number * 0x10000 + at, content) for number, (at, content) in enumerate(pieces)]
    expected = {at + i: byte for at, content in parts for i, byte in enumerate(content)}
    pages = pages_of(uf2(parts, RP2040))
    assert list(pages) == sorted(pages)
    found = {page + i: byte for page, content in pages.items() for i, byte in enumerate(content)}
    assert expected.items() <= found.items()
    assert all(found[address] == 0xFF for address in found.keys() - expected.keys())
    for page in pages:
        sector = page // SECTOR * SECTOR
        assert expected.keys() & set(range(sector, sector + SECTOR))
        assert page == sector or page - PAGE in pages


def test_the_file_of_a_build_fills_the_flash_of_an_emulated_chip(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    chip: Any = pytest.importorskip("rp2040py.rp2040")
    loader: Any = pytest.importorskip("rp2040py.device.load_flash")
    report = build(write_firmware(require_board("pico")))
    (file,) = (path for path in report.images if path.suffix == ".uf2")
    mcu = chip.RP2040()
    loader.load_uf2(str(file), mcu)
    for address, content in read_image(report.elf).segments:
        at = address - 0x1000_0000
        assert bytes(mcu.flash[at : at + len(content)]) == content
