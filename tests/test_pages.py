"""The commands of README.md and docs/ run, line after line, in one shell for each page.

A command block is an indented block with a line that begins with `ska-edge`. An HTML comment above
a block tells how it is tested:

    <!-- first: COMMAND -->       the test runs this command before the block
    <!-- not run: REASON -->      the test does not run the block; for example, it needs a board

Lines that install something (`pip`, `pipx`, `uv`, `make`) are not run: here all is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators import flash

ROOT = Path(__file__).resolve().parent.parent
INSTALLS = ("pip ", "pipx ", "uv ", "make ", ". .venv/")
# A block, with the comments above it. Fenced blocks are removed before.
BLOCK = re.compile(r"(?P<marks>(?:^<!--.*-->\n+)*)(?P<lines>(?:^ {4}.*\n)+)", re.M)
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
MARK = re.compile(r"^<!-- (first|not run): (.+) -->$", re.M)
BOARDS = ("virtual-m4", "host", "qemu-m4", "uno")

# The pages that are read one after the other in one folder, and single pages. A single page that
# names digits.ska begins with what README.md leaves: a model, and a firmware that is built.
CHAINS = [
    ("README.md", "docs/DEVICE.md"),
    *[
        (f"docs/{path.name}",)
        for path in sorted((ROOT / "docs").glob("*.md"))
        if path.name != "DEVICE.md"
    ],
]
BEGINNING = """\
ska-edge train digits -o digits.ska --hidden 32 --epochs 2
ska-edge firmware digits.ska --board virtual-m4 -o firmware
ska-edge build firmware
"""
SHELL = """\
set -eu
trap 'echo "stopped at: $BASH_COMMAND" >&2' ERR
"""


@dataclass(frozen=True)
class Block:
    """A command block of a page."""

    lines: tuple[str, ...]
    first: tuple[str, ...]
    skipped: bool


def blocks(page: str) -> Iterator[Block]:
    """Yield the command blocks of a page."""
    text = FENCED.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for found in BLOCK.finditer(text):
        lines = tuple(line[4:] for line in found["lines"].splitlines())
        if any(line.startswith("ska-edge ") for line in lines):
            marks = MARK.findall(found["marks"])
            assert len(marks) == found["marks"].count("<!--"), found["marks"]
            first = tuple(text for kind, text in marks if kind == "first")
            yield Block(lines, first, any(kind == "not run" for kind, _ in marks))


def script(pages: tuple[str, ...]) -> str:
    """Return the commands of some pages; "" if they have none."""
    run: list[str] = []
    for page in pages:
        for block in blocks(page):
            if not block.skipped:
                run += block.first
                run += (line for line in block.lines if not line.startswith(INSTALLS))
    return "".join(line + "\n" for line in run)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that runs a script in an empty folder; it stops the boards at the end."""
    place, registry, programs = tmp_path / "clone", tmp_path / "runtime", tmp_path / "bin"
    for folder in (place, registry, programs):
        folder.mkdir()
    for name, words in {"ska-edge": '"$PYTHON" -m ska_edge', "python": '"$PYTHON"'}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    for name in ("tests", "examples"):
        (place / name).symlink_to(ROOT / name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(registry))
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "80",
    }

    def run(text: str) -> None:
        ended = subprocess.run(
            ["bash", "-c", SHELL + text],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert ended.returncode == 0, "\n" + ended.stdout[-2000:] + ended.stderr[-2000:]

    yield run
    for board in flash.running():
        flash.stop(board.project)


@pytest.mark.parametrize("pages", [chain for chain in CHAINS if script(chain)], ids="+".join)
def test_the_commands_of_a_page_run(
    pages: tuple[str, ...], shell: Callable[[str], None], require_board: Callable[[str], Board]
) -> None:
    pytest.importorskip("sklearn")
    for name in BOARDS:
        require_board(name)
    text = script(pages)
    continues = pages[0] != "README.md" and "digits.ska" in text
    shell((BEGINNING if continues else "") + text)


def test_a_command_that_fails_is_named(shell: Callable[[str], None]) -> None:
    with pytest.raises(AssertionError, match="stopped at: ska-edge eval nothing"):
        shell("ska-edge eval nothing.ska iris\n")


@pytest.mark.parametrize("command", ["dashboard", "report", "sweep"])
def test_a_page_installs_the_extra_of_a_command_before_it_runs_the_command(command: str) -> None:
    """Each of these commands needs the extra of its own name; `make demo` does not install it."""
    lines = [line for block in blocks("README.md") for line in block.lines]
    runs = [at for at, line in enumerate(lines) if line.startswith(f"ska-edge {command} ")]
    installs = [
        at
        for at, line in enumerate(lines)
        if line.startswith("pip install '.[") and command in line.partition("]")[0]
    ]
    assert min(installs) < min(runs)


def test_every_page_marks_what_is_not_run() -> None:
    """The blocks that are not run are few, and each has a reason."""
    pages = ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
    found = [block for page in pages for block in blocks(page)]
    assert len(found) >= 19
    assert sum(block.skipped for block in found) <= 4
