"""Write and compile the programs that fuzz the firmware."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

from firmware_gen.project import write_project
from tests.fuzz.corpus import PLANS

HERE = Path(__file__).parent
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fno-sanitize-recover=all")
# The memory for saves holds two slots of either plan; it has pages and units, like flash memory.
STORAGE = tuple(
    f"-DSKA_STORAGE_{name}={value}u"
    for name, value in {"SIZE": 4096, "PAGE": 64, "UNIT": 4, "WEAR": 4_000_000_000}.items()
)
SANITIZERS = "address,undefined"
# Each program's own sources; the programs that need a generated project add its sources.
OWN = {
    "campaign": ("campaign.c", "device.c", "line.c", "storage.c"),
    "fuzz_firmware": ("fuzz_firmware.c", "device.c", "line.c", "storage.c"),
    "fuzz_frame": ("fuzz_frame.c", "line.c"),
}


def write_sources(plan: str, folder: Path) -> Path:
    made = PLANS[plan]
    parameters = np.random.default_rng(3).integers(-3000, 3000, made.parameter_count)
    write_project(made, parameters, "host", folder / plan, sensor=made.front is not None)
    sources = folder / plan / "src"
    for path in HERE.glob("*.[ch]"):
        shutil.copy(path, sources)
    return sources


def compile_program(
    program: str, sources: Path, compiler: str, objects: Path | None = None
) -> Path:
    """Compile a program; the programs of libFuzzer need clang.

    Objects of equal sources in `objects` are used again, and new ones are left there.
    """
    runtime = {path.name for path in sources.glob("ska*.c")} - {
        "ska_main.c",
        "ska_journal.c",
    }  # device.c includes these files
    if program == "fuzz_frame":
        runtime = {"ska_frame.c"}
    sanitizers = SANITIZERS if program == "campaign" else f"fuzzer,{SANITIZERS}"
    command = (compiler, *FLAGS, *STORAGE, f"-fsanitize={sanitizers}")
    output = sources.resolve() / program
    made = [
        str(_compiled(sources, name, command, objects or sources))
        for name in (*OWN[program], *sorted(runtime))
    ]
    subprocess.run([*command, *made, "-o", str(output)], cwd=sources, check=True)
    return output


def _compiled(sources: Path, name: str, command: tuple[str, ...], objects: Path) -> Path:
    """Return the object of a C file; compile it if `objects` has none with the same sources."""
    included = re.findall(r'#include "(\w+\.c)"', (sources / name).read_text())
    read = [sources / name, *(sources / file for file in included), *sorted(sources.glob("*.h"))]
    content = hashlib.sha256(repr(command).encode())
    for path in read:
        content.update(repr((path.name, path.read_bytes())).encode())
    made = objects.resolve() / f"{content.hexdigest()}.o"
    if not made.exists():
        fresh = made.with_suffix(f".{os.getpid()}.o")  # no other worker sees half an object
        subprocess.run([*command, "-c", name, "-o", str(fresh)], cwd=sources, check=True)
        fresh.replace(made)
    return made
