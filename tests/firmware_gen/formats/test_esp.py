"""An image for an ESP chip has every byte of the segments, a checksum and a hash."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.formats.elf import read_image
from firmware_gen.formats.esp import esp_image

WriteFirmware = Callable[..., Path]
PARTS = st.lists(
    st.tuples(st.integers(0, 2**30), st.binary(min_size=1, max_size=99)), min_size=1, max_size=5
)


def segments_of(image: bytes) -> tuple[int, int, list[tuple[int, bytes]]]:
    """Return chip, entry and segments of an image; check it as the ROM does."""
    magic, count = image[:2]
    (entry,) = struct.unpack("<I", image[4:8])
    (chip,) = struct.unpack("<H", image[12:14])
    assert (magic, image[23]) == (0xE9, 1)
    at, checksum, segments = 24, 0xEF, []
    for _ in range(count):
        address, size = struct.unpack("<2I", image[at : at + 8])
        content = image[at + 8 : at + 8 + size]
        assert size % 4 == 0 and len(content) == size
        for byte in content:
            checksum ^= byte
        segments.append((address, content))
        at += 8 + size
    end = at // 16 * 16 + 16
    assert image[end - 1] == checksum
    assert image[end:] == hashlib.sha256(image[:end]).digest()
    return chip, entry, segments


@given(parts=PARTS, entry=st.integers(0, 2**32 - 1))
def test_an_image_has_every_byte(parts: list[tuple[int, bytes]], entry: int) -> None:
    chip, found, segments = segments_of(esp_image(parts, entry, 5))
    assert (chip, found, len(segments)) == (5, entry, len(parts))
    for (address, content), (other, whole) in zip(parts, segments, strict=True):
        assert address == other and len(whole) - len(content) in range(4)
        assert whole.rstrip(b"\0") == content.rstrip(b"\0")


def test_a_build_for_an_esp32_c3_reads_constants_through_the_data_bus(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    main = """\
#include "ska_board.h"

static const char text[] = "constants";

int main(void) {
    ska_board_init();
    for (const char *at = text; *at != 0; at++) {
        ska_board_write((uint8_t)*at);
    }
    return ska_board_read();
}
"""
    report = build(write_firmware(require_board("esp32-c3"), main))
    (file,) = (path for path in report.images if path.suffix == ".esp")
    chip, entry, segments = segments_of(file.read_bytes())
    assert (chip, entry) == (5, read_image(report.elf).entry)
    places = dict(segments)
    code = places.pop(0x4038_0000)
    assert 0x4038_0000 <= entry < 0x4038_0000 + len(code) and b"constants" not in code
    # The constants are behind the code in the same SRAM, at their address for the data bus.
    (address, content) = places.popitem()
    assert b"constants" in content and not places
    assert address - 0x3FC8_0000 >= len(code)
