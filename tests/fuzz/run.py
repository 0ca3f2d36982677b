"""Run all of `make fuzz`. If there are findings, they stay in build/fuzz, and the exit code is not
0.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.corpus import FOLDER, PLANS
from tests.fuzz.programs import OWN, compile_program, write_sources

BUILD = Path("build") / "fuzz"
RANDOM_BYTES = 10_000_000
MUTATED_FRAMES = 1_000_000
FUZZER_RUNS = 100_000


def campaign(program: Path, plan: str, random_bytes: int, frames: int) -> list[str]:
    seeds = sorted(str(path) for path in (FOLDER / plan).iterdir())
    return [str(program), str(random_bytes), str(frames), *seeds]


def fuzzer(program: Path, plan: str, runs: int, found: Path) -> list[str]:
    """Make the folder `found`, and return the command that runs a program of libFuzzer.

    The program writes inputs that reach new code, and inputs that break something, into `found`.
    """
    found.mkdir(parents=True, exist_ok=True)
    limits = ["-seed=1", f"-runs={runs}", "-max_len=1024", "-timeout=10", "-print_final_stats=1"]
    return [str(program), *limits, f"-artifact_prefix={found}/", str(found), str(FOLDER / plan)]


def main() -> int:
    """Compile and run every program with every plan; return how many failed."""
    shutil.rmtree(BUILD, ignore_errors=True)
    failed = 0
    for plan in PLANS:
        sources = write_sources(plan, BUILD)
        for name in OWN:
            program = compile_program(name, sources, "clang")
            found = BUILD / plan / "found" / name
            command = (
                campaign(program, plan, RANDOM_BYTES, MUTATED_FRAMES)
                if name == "campaign"
                else fuzzer(program, plan, FUZZER_RUNS, found)
            )
            print(f"--- {name}, plan {plan}", flush=True)
            start = time.monotonic()
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
            figures = [
                line for line in done.stderr.splitlines() if line.startswith(("stat::", "#"))
            ]
            print("\n".join(figures[-7:] if done.returncode == 0 else [done.stderr]))
            print(
                f"    exit code {done.returncode} after {time.monotonic() - start:.0f} s",
                flush=True,
            )
            failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
