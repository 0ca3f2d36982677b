"""The CMake project, built for real in every way that its README names, has the trainer's bits."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import without
from tests.firmware_gen.export.learning import (
    LINES,
    check_followed,
    check_served,
    expected_lines,
    export,
    served,
)

NAME = "SkaThings"
STRICT = "-DCMAKE_C_FLAGS=-Wall -Wextra -Wconversion -Wshadow -pedantic -Werror"
# A user's own project; its program is compiled from the source of the example.
USER = """\
cmake_minimum_required(VERSION 3.14)
project(user LANGUAGES C)
{find}
add_executable(learn "{folder}/examples/main.c" "{folder}/examples/learn.c")
target_compile_definitions(learn PRIVATE EXAMPLE=example_learn)
target_link_libraries(learn PRIVATE SkaThings::SkaThings)
"""
FETCHED = """\
include(FetchContent)
FetchContent_Declare(SkaThings SOURCE_DIR "{folder}")
FetchContent_MakeAvailable(SkaThings)
"""


def run(*command: str | Path) -> str:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(source: Path, folder: Path, *more: str) -> None:
    run("cmake", "-S", source, "-B", folder, STRICT, *more)
    run("cmake", "--build", folder)


def require_cmake() -> None:
    if shutil.which("cmake") is None:
        without("cmake is not installed: apt-get install cmake")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    require_cmake()
    return export("cmake", tmp_path / NAME).folder


def check_learning(program: Path) -> None:
    assert run(program).splitlines()[:LINES] == expected_lines()


def test_the_project_builds_by_itself_and_is_found_once_installed(
    folder: Path, tmp_path: Path
) -> None:
    build(folder, tmp_path / "build")
    check_learning(tmp_path / "build" / "learn")
    with served(tmp_path / "build" / "serve") as port:
        check_followed(port, tmp_path / "log")
        assert check_served(port) == 0  # the example has no memory for saves
    run("cmake", "--install", tmp_path / "build", "--prefix", tmp_path / "prefix")
    shutil.rmtree(folder / "src")
    user = tmp_path / "user"
    user.mkdir()
    find = f"find_package({NAME} 1.0 REQUIRED)"
    (user / "CMakeLists.txt").write_text(USER.format(find=find, folder=folder))
    build(user, user / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}")
    check_learning(user / "build" / "learn")


def test_a_project_fetches_it_from_a_folder(folder: Path, tmp_path: Path) -> None:
    """The user's program and the example are both named learn, so the example must not be built."""
    user = tmp_path / "user"
    user.mkdir()
    find = FETCHED.format(folder=folder)
    (user / "CMakeLists.txt").write_text(USER.format(find=find, folder=folder))
    build(user, user / "build")
    check_learning(user / "build" / "learn")


def test_a_toolchain_for_a_microcontroller_builds_the_library(
    folder: Path, tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    compiler = require_toolchain("arm-none-eabi-gcc")
    build(
        folder,
        tmp_path / "build",
        "-DCMAKE_SYSTEM_NAME=Generic",
        f"-DCMAKE_C_COMPILER={compiler}",
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        "-DSKA_EXAMPLES=OFF",
    )
    assert (tmp_path / "build" / f"lib{NAME}.a").is_file()
