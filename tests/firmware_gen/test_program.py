"""Programs are found on the PATH and beside the running Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from firmware_gen.program import find_program


def _write_program(folder: Path, name: str) -> Path:
    path = folder / name
    folder.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_program_beside_python_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    assert find_program("flasher") is None
    beside = _write_program(tmp_path / "venv", "flasher")
    assert find_program("flasher") == str(beside)
    first = _write_program(tmp_path / "path", "flasher")
    assert find_program("flasher") == str(first)
