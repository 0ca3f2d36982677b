"""A sample takes a small share of the smallest core, counted in instructions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware_gen.board.board import Board
from tests.bench.front import FRONT, measured

RATE, CLOCK = 50, 16_000_000  # samples and cycles per second


def test_a_sample_at_50_hz_takes_less_than_a_hundredth_of_a_cortex_m0(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board("qemu-m0")
    mean, most, window = measured("qemu-m0", FRONT, tmp_path / "p")
    assert 100 < mean <= most < window
    assert RATE * most < CLOCK / 100
