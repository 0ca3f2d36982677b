"""cppcheck finds no violation of MISRA C:2012 except the deviations that docs/FIRMWARE.md
explains.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from tests.conftest import without
from tests.proof import test_eva_front
from tests.proof.plans import PLANS, write_sources

PAGE = Path(__file__).parents[2] / "docs" / "FIRMWARE.md"
TIME_LIMIT_S = 300  # a run takes 2 s; the limit only ends a run that hangs
# The C code tests these macros of the compiler's headers with #if; cppcheck reads no such header.
HEADER_MACROS = ("CHAR_BIT=8", "INT16_MAX=32767", "INT64_MAX=9223372036854775807LL")
# In a real project, the files of a board with memory for saves define these macros.
STORAGE = ("SIZE=0x8000u", "PAGE=1024u", "UNIT=4u", "WEAR=20000u")
LIMIT = ("BUDGET=200u", "INTERVAL=30u")


SENSING = ("statistics", "kernels")  # front ends without and with the newest samples


def deviations(page: str) -> dict[str, str]:
    rows = re.findall(r"^\| (\d+\.\d+) \| [^|\n]+ \| (.+) \|$", page, re.M)
    return dict(rows)


def findings(sources: Path, of: str = "") -> list[tuple[str, str]]:
    """Run cppcheck; return the place of each finding, with its MISRA rule or other check.

    Only the C files whose text has the word `of` are read.
    """
    if shutil.which("cppcheck") is None:
        without("cppcheck is not installed (apt-get install cppcheck)")
    command = ["cppcheck", "--addon=misra", "--std=c99", "--platform=arm32-wchar_t4", "--quiet"]
    command += ["--enable=warning,style,performance,portability", "-DSKA_PORTABLE"]
    command += [f"-D{macro}" for macro in HEADER_MACROS]
    command += [f"-DSKA_STORAGE_{macro}" for macro in STORAGE]
    command += [f"-DSKA_SAVE_{macro}" for macro in LIMIT]
    command += ["--template={id}|{file}:{line}: {message}"]
    files = sorted(path.name for path in sources.glob("ska*.c") if of in path.read_text())
    assert files
    command += files
    done = subprocess.run(
        command, cwd=sources, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = []
    for line in done.stderr.splitlines():
        check, bar, where = line.partition("|")
        if bar:
            found.append((check.removeprefix("misra-c2012-"), where))
    return found


def test_findings_and_deviations_are_the_same_rules(tmp_path: Path) -> None:
    reasons = deviations(PAGE.read_text(encoding="utf-8"))
    found = []
    for name, plan in PLANS.items():
        found += findings(write_sources(plan, tmp_path / name))
    for kind in test_eva_front.FRONTS:
        made = test_eva_front.sources(tmp_path / kind, kind, sensor=kind in SENSING)
        found += findings(made)
    values = QFormat(16, 13)  # of a regression
    found += findings(test_eva_front.sources(tmp_path / "values", sensor=True, output=values))
    assert [finding for finding in found if finding[0] not in reasons] == []
    assert set(reasons) - {rule for rule, _ in found} == set()  # every deviation is still needed
    assert len(reasons) > 10


PLANTS = {
    "15.1": "int planted(int a) { goto end; end: return a; }",
    "13.4": "int planted(int a) { int b = 0; if ((b = a) != 0) { b = 1; } return b; }",
    "17.2": "int planted(int a) { return planted(a); }",
    "uninitvar": "int planted(void) { int a; return a; }",
}


@pytest.mark.parametrize("rule", PLANTS)
def test_a_planted_violation_is_found(rule: str, tmp_path: Path) -> None:
    sources = write_sources(PLANS["published"], tmp_path / "p")
    with (sources / "ska.c").open("a") as file:
        file.write(f"\nint planted(int a);\n{PLANTS[rule]}\n")
    assert rule in {check for check, _ in findings(sources, of="planted")}
    assert rule not in deviations(PAGE.read_text(encoding="utf-8"))
