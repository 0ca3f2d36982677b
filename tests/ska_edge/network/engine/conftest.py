"""Fixtures for the native engine: a cache for the tests, and trainers that must be native."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_gen.library.compiler import host_compilers
from tests.conftest import without


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not any(True for _ in host_compilers()):
        without("no compiler for this computer is installed")
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def native(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every trainer of the test the native engine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("SKA_EDGE_ENGINE", "native")
