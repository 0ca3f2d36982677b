"""The names of the classes arrive in C as they are, whatever characters they have."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.project import write_project
from ska_edge.plan.resolve import make_plan

NAMES = (
    "walk",
    "größe",
    'a "quoted" \\',
    "what??/",
    "ska_left SKA_1",
    "ska.h",
    "\t1",
    "日本",
    "*/ /*",
)
PROGRAM = """\
#include <stdio.h>
#include "wake_labels.h"
int main(void) {
    char name[WAKE_LABEL_BYTES];
    for (uint16_t i = 0; i < WAKE_CLASSES; i++) {
        puts(wake_label(i, name));
    }
    return 0;
}
"""
FLAGS = ("-Wall", "-Wextra", "-Wtrigraphs", "-pedantic", "-Werror")


@pytest.mark.parametrize("language", [("-std=c99",), ("-x", "c++", "-std=c++11")])
def test_a_program_prints_the_names(
    language: tuple[str, ...], require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    compiler, plan = require_toolchain("gcc"), make_plan((3, len(NAMES)), labels=NAMES)
    zeros = np.zeros(plan.parameter_count, dtype=np.int64)
    write_project(plan, zeros, "host", tmp_path / "p", name="wake")
    (tmp_path / "main.c").write_text(PROGRAM)
    sources = tmp_path / "p" / "src"
    files = [tmp_path / "main.c", sources / "wake.c"]
    command = [compiler, *FLAGS, *language, f"-I{sources}", *files]
    subprocess.run([*command, "-o", tmp_path / "main"], check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout
    assert printed.decode().split("\n")[:-1] == list(NAMES)
