"""Frama-C Eva proves that ska_mac.c has no access out of bounds and no undefined shift."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_gen.project import RUNTIME
from tests.proof.test_eva import MACHINES, eva, public_functions

DRIVER = Path(__file__).parent / "eva_mac.c"
GENERATED = Path(__file__).parents[1] / "golden"  # this folder has a ska_key.h
PLANTS = {
    "a block that is filled too far": (
        "if (mac->filled == SKA_MAC_BLOCK)",
        "if (mac->filled > SKA_MAC_BLOCK)",
    ),
    "a shift by a whole word": ("rotate(*d ^ *a, 16)", "rotate(*d ^ *a, 0)"),
    "a key that is read too far": (
        "i < SKA_KEY_BYTES ? key[i]",
        "i <= SKA_KEY_BYTES ? key[i]",
    ),
    "a chain that is read too far": ("mac->chain[i / 4u] >>", "mac->chain[i + 2u] >>"),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_outside_is_read_or_written(machine: str) -> None:
    verdict = eva(RUNTIME, machine, f"-I. -I{GENERATED}", "ska_mac.c", str(DRIVER))
    assert verdict.alarms == 0, verdict.alarm_kinds
    assert verdict.checks == {"valid": 1, "unknown": 0, "invalid": 0}
    assert set(public_functions((RUNTIME / "ska_mac.h").read_text())) <= set(verdict.reached)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_defect_is_found(name: str, tmp_path: Path) -> None:
    for header in ("ska_mac.h", "ska_const.h"):
        (tmp_path / header).write_text((RUNTIME / header).read_text())
    old, new = PLANTS[name]
    text = (RUNTIME / "ska_mac.c").read_text()
    assert text.count(old) >= 1
    (tmp_path / "ska_mac.c").write_text(text.replace(old, new))
    assert eva(tmp_path, "x86_32", f"-I. -I{GENERATED}", "ska_mac.c", str(DRIVER)).alarms
