"""Add the example board of docs/BOARDS.md to the package's boards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from firmware_gen.board import board as boards

PAGE = Path(__file__).parents[1] / "docs" / "BOARDS.md"
NAME = "my-board"


def add_documented_board(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy all boards to `folder`, add the example, and let the package find its boards there."""
    blocks = PAGE.read_text(encoding="utf-8").split("```toml\n")[1:]
    (text,) = (block.split("```")[0] for block in blocks if block.startswith("name = "))
    shutil.copytree(boards.BOARDS_FOLDER, folder)
    (folder / NAME).mkdir()
    (folder / NAME / "board.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(boards, "BOARDS_FOLDER", folder)
