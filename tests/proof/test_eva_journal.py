"""Frama-C Eva proves that ska_journal.c makes no access out of bounds, whatever the memory holds.

eva_journal.c simulates the memory. It returns any bytes and fails at any time. It checks that every
access is inside the memory, every write is a whole unit, and every erase is a whole page.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.plans import PLANS, write_sources
from tests.proof.test_eva import MACHINES, Verdict, eva, public_functions

DRIVER = Path(__file__).parent / "eva_journal.c"
GEOMETRIES = {
    "unit 4": (64, 4),
    "several places": (512, 4),
    "unit 8": (256, 8),
    "unit 1": (64, 1),
    "EEPROM": (1, 1),
}


def analyze(sources: Path, machine: str, page: int, unit: int) -> Verdict:
    macros = {"SIZE": 1024, "PAGE": page, "UNIT": unit, "WEAR": 20}
    defines = " ".join(f"-DSKA_STORAGE_{name}={value}u" for name, value in macros.items())
    arguments = f"-DSKA_PORTABLE -I. -DSKA_INITIAL_CRC=0x1234u -DSKA_SAVE_BUDGET=2u {defines}"
    return eva(sources, machine, arguments, "ska_journal.c", "ska_crc.c", str(DRIVER))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("name", ["local", "published"])
def test_nothing_outside_is_read_or_written(
    name: str, geometry: str, machine: str, tmp_path: Path
) -> None:
    page, unit = GEOMETRIES[geometry]
    verdict = analyze(write_sources(PLANS[name], tmp_path / "p"), machine, page, unit)
    assert verdict.alarms == 0, verdict.alarm_kinds
    checks = verdict.checks
    assert checks == {"valid": 4 if page == 1 else 6, "unknown": 0, "invalid": 0}, checks
    header = (tmp_path / "p" / "src" / "ska_journal.h").read_text()
    kept = header.partition("#if SKA_PERSISTENT\n\n")[2].partition("#else")[0]
    assert set(public_functions(kept)) <= set(verdict.reached)
    assert len(public_functions(kept)) == 8


PLANTS = {
    "more bytes than a state has": (
        "count > HEADER + SKA_SAVED_BYTES - writing.at",
        "count > HEADER + SKA_SAVED_BYTES",
    ),
    "a header that is read too long": (
        "&header, HEADER);\n        uint32_t",
        "&header, 33u);\n        uint32_t",
    ),
    "a piece that is larger than its buffer": ("uint8_t piece[PIECE];", "uint8_t piece[16];"),
    "a unit that is not whole": (
        "writing.unit, SKA_STORAGE_UNIT);",
        "writing.unit, SKA_STORAGE_UNIT - 1u);",
    ),
    "a place behind the last place": ("next < PLACES", "next < PLACES + 4u"),
    "a page that does not begin there": ("+ page * SKA_STORAGE_PAGE", "+ page"),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_defect_is_found(name: str, tmp_path: Path) -> None:
    sources = write_sources(PLANS["local"], tmp_path / "p")
    path = sources / "ska_journal.c"
    old, new = PLANTS[name]
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    verdict = analyze(sources, "x86_32", *GEOMETRIES["unit 4"])
    checks = verdict.checks
    assert verdict.alarms or checks["unknown"] or checks["invalid"]
