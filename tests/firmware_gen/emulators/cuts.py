"""Records the flash cells after a power failure within each flash operation, all in one run.

After a power failure, only the flash of a chip matters. So one run suffices to record every
failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from firmware_gen.emulators.cells import Cells, PowerFailure


class RecordingCells(Cells):
    """Cells that record failures within the block `recording`.

    Attributes:
        cuts: for each operation of the last block, the cells after a power failure within it.
        erases: the number of these operations that erase.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.cuts: list[Cells] = []
        self.erases = 0
        self._recording = False

    def fill(self, cells: bytes) -> None:
        self._bytes[:] = cells

    @contextmanager
    def recording(self) -> Iterator[None]:
        self.cuts, self.erases, self._recording = [], 0, True
        yield
        self._recording = False

    def program(self, offset: int, size: int, value: int) -> None:
        self._cut(lambda cells: cells.program(offset, size, value))
        super().program(offset, size, value)

    def erase(self, offset: int, size: int) -> None:
        self._cut(lambda cells: cells.erase(offset, size))
        self.erases += self._recording
        super().erase(offset, size)

    def _cut(self, operation: Callable[[Cells], None]) -> None:
        if not self._recording:
            return
        cells = Cells(self.size)
        cells._bytes[:] = self._bytes
        cells.broken = set(self.broken)
        cells.operations_left = 1
        with suppress(PowerFailure):
            operation(cells)
        cells.operations_left = None
        self.cuts.append(cells)
