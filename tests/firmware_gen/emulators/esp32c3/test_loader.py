"""The ROM starts the image at the start of flash, and refuses a damaged one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_gen.emulators.esp32c3.loader import CHIP, load
from firmware_gen.formats.esp import esp_image
from ska_edge.errors import InputError

PARTS = [(0x4038_0000, b"code" * 5), (0x3FC8_0014, b"constants")]
IMAGE = esp_image(PARTS, 0x4038_0000, CHIP)


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flash") / "firmware.esp"


@pytest.mark.parametrize("rest", [b"", b"\xff" * 4096])
def test_an_image_is_loaded_whatever_follows_it(flash: Path, rest: bytes) -> None:
    flash.write_bytes(IMAGE + rest)
    loaded = load(flash)
    assert loaded.entry == 0x4038_0000
    assert loaded.segments == [PARTS[0], (PARTS[1][0], PARTS[1][1] + bytes(3))]


@given(place=st.integers(0, len(IMAGE) - 1), change=st.integers(1, 255))
def test_a_changed_byte_is_noticed(flash: Path, place: int, change: int) -> None:
    damaged = bytearray(IMAGE)
    damaged[place] ^= change
    flash.write_bytes(damaged)
    if place == 23:  # the byte that says that there is a hash
        assert load(flash).segments
        return
    with pytest.raises(InputError, match=f"the ROM does not start the image in {flash}: "):
        load(flash)


@given(size=st.integers(0, len(IMAGE) - 1))
def test_a_truncated_image_is_noticed(flash: Path, size: int) -> None:
    flash.write_bytes(IMAGE[:size])
    with pytest.raises(InputError, match="the ROM does not start the image"):
        load(flash)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bytes(64), "its first byte is not 0xE9"),
        (esp_image(PARTS, 0, 0), "it is for chip number 0, but the ESP32-C3 has number 5"),
        (IMAGE[:40], "it ends inside a segment"),
        (IMAGE[:-1] + b"\0", "its SHA-256 is wrong"),
    ],
)
def test_a_refusal_says_why(flash: Path, content: bytes, reason: str) -> None:
    flash.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{reason}; build it again")):
        load(flash)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.esp cannot be read \(No such file or directory\)"):
        load(tmp_path / "none.esp")
