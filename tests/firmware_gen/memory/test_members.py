"""The table of the members of ska_t has the same layout as the compiled struct."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.memory.members import DSP, PORTABLE, members
from firmware_gen.memory.residence import in_flash
from ska_edge.plan.plan import Plan
from tests.proof.plans import PLANS, write_sources


def layout(plan: Plan, core: str, flash: int) -> dict[str, tuple[int, int]]:
    """Return the offset and size of each member in bytes, with each element aligned to its size."""
    places, place = {}, 0
    for member in members(plan, core, flash):
        place = -(-place // member.field.width) * member.field.width
        places[member.field.name] = (place, member.field.size)
        place += member.field.size
    return places


def compiled(sources: Path, command: list[str], names: list[str], *flags: str) -> bool:
    checks = "".join(f"typedef char check_{i}[({c}) ? 1 : -1];\n" for i, c in enumerate(names))
    code = f'#include <stddef.h>\n#include "ska.h"\n{checks}'
    done = subprocess.run(
        [*command, *flags, f"-I{sources}", "-fsyntax-only", "-x", "c", "-"],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or "negative" in done.stderr, done.stderr
    return done.returncode == 0


CORES = {
    PORTABLE: ["gcc"],
    DSP: ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-ffreestanding"],
    "thumb": ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb", "-ffreestanding", "-Os"],
}


@pytest.mark.parametrize("inference_only", [False, True])
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", PLANS)
def test_every_member_is_where_the_table_says(
    name: str,
    core: str,
    inference_only: bool,
    tmp_path: Path,
    require_toolchain: Callable[[str], str],
) -> None:
    plan, (compiler, *options) = PLANS[name], CORES[core]
    sources = write_sources(plan, tmp_path / "p", inference_only=inference_only)
    places = layout(plan, core, in_flash(plan, inference_only))
    checks = [
        f"offsetof(ska_t, {member}) == {place} && sizeof(((ska_t *)0)->{member}) == {size}"
        for member, (place, size) in places.items()
    ]
    end = max(place + size for place, size in places.values())
    checks.append(f"sizeof(ska_t) - {end} < 4")  # no member is missing from the table
    command = [require_toolchain(compiler), *options]
    assert compiled(sources, command, checks)
    wrong = [*checks, f"offsetof(ska_t, signal) == {places['signal'][0] + 1}"]
    assert not compiled(sources, command, wrong)
