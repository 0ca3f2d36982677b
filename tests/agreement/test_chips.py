"""If power fails within a flash operation on a strict chip model, no saved state is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.chips.nrf51 import Nrf51822
from firmware_gen.emulators.chips.nrf52 import Nrf52833
from firmware_gen.emulators.chips.stm32f4 import Stm32f401
from firmware_gen.emulators.chips.stm32l4 import Stm32l476
from firmware_gen.emulators.esp32c3 import machine as esp32c3
from firmware_gen.emulators.rp2040.machine import Machine
from ska_edge.device.link import Link
from tests.agreement.test_saves import PLAN, flashed, learn, learned, write
from tests.firmware_gen.emulators.machine import MakeMachine, core_with, powered

MACHINES: list[tuple[str, MakeMachine]] = [
    ("esp32-c3", esp32c3.Machine),
    ("microbit-v1", core_with(Nrf51822)),
    ("microbit-v2", core_with(Nrf52833)),
    ("nucleo-f401re", core_with(Stm32f401)),
    ("nucleo-l476rg", core_with(Stm32l476)),
    ("pico", Machine),
]
MANY = 10**6
LIMIT = 60  # seconds after which a chip counts as stuck


def count_of_a_save(elf: Path, machine: MakeMachine, size: int) -> int:
    """Return the number of flash operations of a second save, which erases only if it must."""
    cells = Cells(size)
    with powered(elf, machine, cells) as device, Link(device.port) as link:
        learn(link, 0, 1)
        link.save()
        learn(link, 1, 2)
        cells.operations_left = MANY
        link.save()
        assert cells.operations_left is not None
        return MANY - cells.operations_left


@pytest.mark.parametrize(("name", "machine"), MACHINES)
def test_power_that_fails_within_an_operation_of_a_save_leaves_the_old_state_or_the_new_one(
    name: str, machine: MakeMachine, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(name)
    assert board.storage is not None
    state = flashed(PLAN, 1)
    elf = write(board, state, tmp_path / "p") / "build" / "firmware.elf"
    last = count_of_a_save(elf, machine, board.storage.size)
    assert last > PLAN.state_bytes / board.storage.unit
    cells, kept, failures = Cells(board.storage.size), 0, 0
    # Operations within the erase or the header, the state, and the CRC, which makes the save valid.
    for operation in (1, 2, 9, last // 2, last - 1, last):
        with powered(elf, machine, cells) as device, Link(device.port) as link:
            assert link.info.samples == kept
            assert link.pull(PLAN.state_bytes) == learned(state, kept).to_bytes()
            learn(link, kept, kept + 1)
            link.save()  # the interrupted save below must not lose this complete save
            kept += 1
            learn(link, kept, kept + 1)
            cells.operations_left = operation
            link.resend(link._prepare("SAVE", {"token": link.info.token}))
            failures += device.failed.wait(LIMIT)  # the host does not wait for the answer
        cells.operations_left = None
    assert failures == 6
    with powered(elf, machine, cells) as device, Link(device.port) as link:
        # The last operation may have written the whole CRC before the power failed.
        left = link.pull(PLAN.state_bytes)
        assert left in [learned(state, samples).to_bytes() for samples in (kept, kept + 1)]
