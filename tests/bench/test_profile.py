"""The Cortex-M4 kernels need few instructions per weight, as the profile counts them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from firmware_gen.board.board import Board
from tests.bench.baseline import task
from tests.bench.profile import KERNELS, profile


def test_kernels_take_few_instructions_per_weight(
    require_board: Callable[[str], Board], require_toolchain: Callable[[str], str]
) -> None:
    pytest.importorskip("sklearn")
    require_board("virtual-m4")
    require_toolchain("arm-none-eabi-gcc")
    work = task("digits", (32,))
    few = dataclasses.replace(work, inputs=work.inputs[:5], labels=work.labels[:5])
    counts = profile(few)
    weights = 5 * (64 * 32 + 32 * 10)
    assert 0.75 < counts["infer"][KERNELS["infer"]] / weights <= 1.5
    assert 2.0 < counts["learn"][KERNELS["learn"]] / weights <= 3.5
    # A learning step begins with the forward pass of an inference.
    kernel = KERNELS["infer"]
    assert counts["learn"][kernel] == counts["infer"][kernel]
