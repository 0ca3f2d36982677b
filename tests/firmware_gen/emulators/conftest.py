"""Tests of emulators compile equal projects once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiled_once import compile_once


@pytest.fixture(autouse=True)
def compiled_once(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(images, monkeypatch)
