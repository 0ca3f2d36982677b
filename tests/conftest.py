"""Fixtures for all tests: a test is skipped if its tool is missing, except in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import firmware_gen
from firmware_gen import toolchains
from firmware_gen.board.board import Board, load_board
from tests.signals import heeded

# hypothesis sets no time limit for an example: machines differ, and tests run in parallel.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

LONGEST = ("test_misra.py", "test_pages.py")
"""The modules with the tests that take more than a minute."""

ECHO = """\
#include "ska_board.h"

int main(void) {
    int16_t byte;

    ska_board_init();
    for (;;) {
        byte = ska_board_read();
        if (byte < 0) {
            return 0;
        }
        ska_board_write((uint8_t)((uint16_t)byte + 1u));
    }
}
"""


def without(what: str) -> None:
    """Skip the test and name what is missing; fail in CI, where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have everything: {what}")
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first. Otherwise the last worker would end minutes after the others."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return the number of workers of `-n auto`: three for two cores, because many tests wait for a
    board or a serial line. PYTEST_XDIST_AUTO_NUM_WORKERS has precedence.
    """
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    return max(len(os.sched_getaffinity(0)) * 3 // 2, 1)


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the state that ska-edge stores (XDG_STATE_HOME) apart from the user's."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers share, for images and objects that several tests need."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "images"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_counts() -> Iterator[None]:
    """Let Ctrl-C and similar signals work, even if the tests run in the background."""
    with heeded():
        yield


@pytest.fixture(scope="session")
def require_board() -> Callable[[str], Board]:
    """Return a function that loads a board, or skips the test if it cannot be built and started."""

    def require(name: str) -> Board:
        board = load_board(name)
        missing = board.available()
        if missing is not None:
            without(missing)
        return board

    return require


@pytest.fixture(scope="session")
def require_toolchain() -> Callable[[str], str]:
    """Return a function that gives the name of an installed toolchain, or skips the test."""

    def require(name: str) -> str:
        if toolchains.find(name) is None:
            without(f"the toolchain {name} is not installed")
        return name

    return require


@pytest.fixture(scope="session")
def zig(require_toolchain: Callable[[str], str]) -> str:
    """Return the name of the toolchain that comes from PyPI, or skip the test if it is missing."""
    return require_toolchain("zig")


@pytest.fixture
def write_firmware(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a project for a board; by default its firmware answers each
    byte with the byte plus 1.
    """
    runtime = Path(firmware_gen.__file__).parent / "runtime"

    def write(board: Board, main: str = ECHO, name: str = "project") -> Path:
        project = tmp_path / name
        board.copy_to(project / "board")
        (project / "src").mkdir()
        for header in ("ska_board.h", "ska_storage.h"):  # headers that a board's files include
            shutil.copyfile(runtime / header, project / "src" / header)
        (project / "src" / "main.c").write_text(main, encoding="utf-8")
        return project

    return write
