"""`make wheel` gives the same bytes for the same commit, wherever, whenever and by whomever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import without

ROOT = Path(__file__).parents[1]


def build(folder: Path, umask: int, **environment: str) -> Path:
    """Clone the project to a folder, build its wheel there, and return the wheel."""
    for command in (
        ["git", "clone", "-q", str(ROOT), str(folder)],
        # With `-o`, make takes demo.stamp as up to date, so it installs nothing.
        ["make", "-C", str(folder), "wheel", f"VENV={sys.prefix}", f"-o{sys.prefix}/demo.stamp"],
    ):
        subprocess.run(
            command,
            env={**os.environ, **environment},
            umask=umask,
            capture_output=True,
            check=True,
        )
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def test_two_builds_give_one_wheel(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None or shutil.which("make") is None:
        without("a git clone, git and make are needed")
    pytest.importorskip("setuptools", minversion="77")
    one = build(tmp_path / "one", 0o022, TZ="UTC")
    two = build(tmp_path / "another" / "folder", 0o077, TZ="Asia/Tokyo", LANG="C")
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as wheel:
        names = set(wheel.namelist())
    assert {"ska_edge/py.typed", "firmware_gen/runtime/ska.c"} <= names
    assert not [name for name in names if name.startswith("tests/")]
