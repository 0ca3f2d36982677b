"""If power fails within any flash operation of a save, a chip keeps the old state or the new one.

Two saves are cut: one that fits the page, and one that must erase the next page.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board, load_board
from firmware_gen.board.memory import Storage
from firmware_gen.build import build
from firmware_gen.emulators.cells import ERASED
from firmware_gen.emulators.chips.cortex_m import core
from firmware_gen.emulators.esp32c3 import machine as esp32c3
from firmware_gen.emulators.flash import start
from firmware_gen.emulators.rp2040 import machine
from firmware_gen.formats.elf import read_image
from firmware_gen.project import write_project
from ska_edge.device.link import Link
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import FrameDecoder, encode_frame
from ska_edge.wire.message import Values
from ska_edge.wire.protocol import BY_NAME, PROTOCOL_VERSION, Want
from tests.agreement.test_chips import MACHINES
from tests.agreement.test_saves import flashed, write
from tests.firmware_gen.emulators.cuts import RecordingCells
from tests.firmware_gen.emulators.machine import MakeMachine, Script, powered

PLAN = make_plan((4, 3, 3))  # a save takes few operations, and 163 saves fill a sector of 16 KB
ROWS = np.random.default_rng(3).integers(-128, 128, (190, PLAN.inputs))
SAVES = "saves"
OLD = b"\x5a"  # a byte of a page that was used and not erased
HELLO = b"\0" + encode_frame(BY_NAME["HELLO"].code, 1, bytes([PROTOCOL_VERSION]))


@pytest.fixture(autouse=True)
def images_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (core, esp32c3, machine):
        monkeypatch.setattr(module, "read_image", functools.cache(read_image))


def crcs(state: State) -> list[int]:
    """Return the CRC of the state after 0, 1, 2, ... samples, as the host computes it."""
    trainer = FixedTrainer(state.copy(), check=False)
    found = [zlib.crc32(trainer.state.to_bytes())]
    for row in ROWS:
        trainer.learn_one(row, 0)
        found.append(zlib.crc32(trainer.state.to_bytes()))
    return found


def welcome(received: bytes) -> Values:
    (frame,) = FrameDecoder().feed(received)
    name, values = Codec({}).unpack(frame.code, frame.payload)
    assert name == "WELCOME"
    return values


@dataclass(frozen=True)
class Filled:
    """The cells of a memory after some saves."""

    saves: int
    cells: bytes


def filled(storage: Storage, state: State, folder: Path) -> tuple[Filled, Filled]:
    """Let a firmware on the host save into a memory with this size, page and unit.

    Returns the cells after the first save, and after the last save that fits the first page.
    """
    write_project(PLAN, state.parameters, "host", folder)
    described = folder / "board" / "board.toml"
    text = described.read_text(encoding="utf-8")
    for key in ("size", "page", "unit"):
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {getattr(storage, key)}", text)
    described.write_text(text, encoding="utf-8")
    build(folder)
    found = []
    with start(folder) as running, Link(running.port) as link:
        for count, row in enumerate(ROWS, 1):
            link.learn([int(x) for x in row], 0, Want(0))
            link.save()
            cells = (folder / "build" / SAVES).read_bytes()
            if any(byte != ERASED[0] for byte in cells[storage.page :]):
                break
            found.append(Filled(count, cells))
        else:
            raise AssertionError("the page is not full after all saves")
    return found[0], found[-1]


@pytest.mark.parametrize(("name", "make"), MACHINES)
def test_power_that_fails_within_any_operation_of_a_save_leaves_the_old_state_or_the_new_one(
    name: str,
    make: MakeMachine,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage = require_board(name).storage
    assert storage is not None
    state = flashed(PLAN, 1)
    elf = write(load_board(name), state, tmp_path / "p") / "build" / "firmware.elf"
    expected = crcs(state)
    # The file in which the host's firmware keeps its saves.
    monkeypatch.setenv("SKA_STORAGE", SAVES)
    for before, erases in zip(filled(storage, state, tmp_path / "h"), (0, 1), strict=True):
        cells = RecordingCells(storage.size)
        cells.fill(before.cells[: storage.page] + OLD * (storage.size - storage.page))
        with powered(elf, make, cells) as device, Link(device.port) as link:
            assert link.info.samples == before.saves
            link.learn([int(x) for x in ROWS[before.saves]], 0, Want(0))
            with cells.recording():
                link.save()
        assert cells.erases == erases
        for cut in cells.cuts:
            wire = Script(HELLO)
            chip = make(elf, load_board(name), wire, cut)
            wire.received = b""  # drop what the ROM printed
            chip.run()
            values = welcome(wire.received)
            assert values["samples"] in (before.saves, before.saves + 1)
            assert values["crc"] == expected[values["samples"]]
