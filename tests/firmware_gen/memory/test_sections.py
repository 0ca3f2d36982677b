"""Measured sizes equal the sizes of the sections; only ELF images can be measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.memory.sections import code_of, measure
from ska_edge.errors import InputError


def test_a_file_that_is_not_an_image_is_refused(tmp_path: Path) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"nothing")
    with pytest.raises(InputError, match="not an ELF image"):
        measure(elf)


def test_the_hosts_own_code_has_sizes_but_no_stack(
    require_board: Callable[[str], Board], write_firmware: Callable[..., Path]
) -> None:
    elf = build(write_firmware(require_board("host"))).elf
    usage = measure(elf)
    assert usage.flash > 0 and usage.ram > 0
    assert usage.stack is None
    with elf.open("rb") as stream:
        assert code_of(ELFFile(stream)) is None
