"""Builds a generated project: compiles and links it, and measures its memory use on the board.

One command compiles and links everything, because the projects are small. So there are no object
files that could be stale.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_gen import toolchains
from firmware_gen.board.board import SENSOR, Board, Compiler, read_board
from firmware_gen.emit.names.prefix import DEFAULT, is_prefix, renamed, renamed_board
from firmware_gen.folder.trust import DESCRIPTION
from firmware_gen.formats.write import remove_formats, write_formats
from firmware_gen.memory import sections
from ska_edge.errors import CheckError, InputError, OptionError, ToolError
from ska_edge.spelling import did_you_mean

SOURCE_FOLDER = "src"
PROGRAM = "ska_main.c"
"""The main program of the runtime, in the folder of the sources."""
BOARD_FOLDER = "board"
BUILD_FOLDER = "build"
LIBRARY_FOLDER = "library"
ELF_NAME = "firmware.elf"
TOO_LARGE_NAME = "too-large.elf"

_ROOMY = 0x1000_0000
"""Length of the memory regions for the linker, in bytes. It exceeds every board's memory, so the
linker accepts an image that does not fit, and the build can report its size.
"""


@dataclass(frozen=True)
class BuildReport:
    """The result of a build, with sizes in bytes.

    `flash` counts the code, the constants and the initial values; `ram` counts all variables.
    `stack` is the worst case of the call graph plus one exception; None if it is not known, as on
    the host. `flash_size` and `ram_size` are None if the board has no limit. `fits` is true if
    flash holds `flash`, and RAM holds `ram` and `stack` together. An image that does not fit is
    named too-large.elf, so that no command starts it. `images` are the files for programs that
    flash a device: Intel HEX, binary, and UF2 or an ESP image if the chip takes it. A board that
    exists only in an emulator has none, and neither has an image that does not fit.
    """

    elf: Path
    toolchain: str
    flash: int
    ram: int
    stack: int | None
    flash_size: int | None
    ram_size: int | None
    fits: bool
    images: tuple[Path, ...] = ()


def build(
    project: Path,
    *,
    flags: Sequence[str] = (),
    toolchain: str | None = None,
    main: Path | None = None,
    measuring: bool = False,
    bounded: bool = True,
) -> BuildReport:
    """Compile and link the project to `build/firmware.elf`, and measure the image.

    `flags` come after all others, so they take precedence (sanitizers, `-O0`). `toolchain`
    overrides the board's order of preference. `main` is a C file that is compiled in place of the
    project's main program. `measuring` adds the board's counter. If `bounded` is false, a stack
    without a known bound is accepted and reported as None.

    Raises:
        InputError: the folder is not a project or lacks a file, its board.toml is damaged, the
            board has no such toolchain, or there is no file `main`.
        ToolError: the compiler, pyelftools or capstone is missing, or the compiler cannot be run or
            does not end in time.
        CheckError: the compiler rejected the sources, or the stack has no bound.
    """
    board = read_board(project / BOARD_FOLDER)
    sources = _sources(project, board, measuring, main)
    compiler, found = _compiler(board, toolchain)
    freestanding = board.linker_script is not None

    folder = (project / BUILD_FOLDER).resolve()
    folder.mkdir(exist_ok=True)
    for name in (ELF_NAME, TOO_LARGE_NAME):
        (folder / name).unlink(missing_ok=True)
    remove_formats(folder)

    arguments = [*found.flags(freestanding=freestanding), *_kept(compiler.flags, flags)]
    arguments += _defines(board, prefix_in(project))
    arguments += [f"-I../{SOURCE_FOLDER}", f"-I../{BOARD_FOLDER}"]
    # Paths are relative to the project, so that equal sources give equal images.
    arguments += [found.prefix_map(folder.parent), *sources]
    if board.linker_script is not None:
        (folder / "memory.ld").write_text(_memory_script(board), encoding="utf-8")
        arguments += ["-L.", f"-Wl,-T,../{BOARD_FOLDER}/{board.linker_script}"]
    arguments += [*flags, *found.libraries(freestanding=freestanding), "-o", ELF_NAME]
    found.run(arguments, folder)

    elf = folder / ELF_NAME
    try:
        usage = sections.measure(elf, bounded)
    except CheckError:
        elf.unlink()  # an image that cannot be measured must not be started
        raise
    fits = True
    if board.memory is not None:
        fits = (
            usage.flash <= board.memory.flash.size
            and usage.ram + (usage.stack or 0) <= board.memory.ram.size
        )
    if not fits:
        elf = elf.replace(folder / TOO_LARGE_NAME)
    images: tuple[Path, ...] = ()
    if fits and board.flashers:
        images = write_formats(elf, board.uf2, board.esp).all()
    return BuildReport(
        elf=elf,
        toolchain=found.name,
        flash=usage.flash,
        ram=usage.ram,
        stack=usage.stack,
        flash_size=None if board.memory is None else board.memory.flash.size,
        ram_size=None if board.memory is None else board.memory.ram.size,
        fits=fits,
        images=images,
    )


@dataclass(frozen=True)
class LibraryReport:
    """A built shared library, its compiler, and the folders with its headers."""

    library: Path
    toolchain: str
    headers: tuple[Path, ...]


def build_library(project: Path, toolchain: str | None = None) -> LibraryReport:
    """Compile a project for this computer to the shared library `build/libNAME.so`.

    NAME is the prefix of the model's C names, by default ska. The library has the functions of
    `ska.h` and `ska_library.h`, and the project's initial weights.

    Raises:
        InputError: the folder is not a project, or not for the board host; the project only
            classifies, or lacks a file; the board has no such toolchain.
        ToolError: the compiler is missing, cannot be run, or does not end in time.
        CheckError: the compiler rejected the sources.
    """
    board = read_board(project / BOARD_FOLDER)
    prefix = prefix_in(project)
    output, source = (
        library_name(prefix),
        project / LIBRARY_FOLDER / renamed("ska_library.c", prefix),
    )
    if board.core != "host":
        raise InputError(
            f"{project} has no sources of a shared library; write a project for the board host with"
            " ska-edge firmware"
        )
    if _only_classifies(project):
        raise OptionError(
            "{folder} only classifies, but a shared library learns; write the project again"
            " without {inference_only}",
            folder=project,
        )
    if not source.is_file():
        raise InputError(f"{source} is missing; write the project again with ska-edge firmware")
    _, found = _compiler(board, toolchain)
    folder = (project / BUILD_FOLDER).resolve()
    folder.mkdir(exist_ok=True)
    (folder / output).unlink(missing_ok=True)
    arguments = ["-std=c99", "-O3", "-shared", "-fPIC", *found.sanitizers()]
    arguments += [f"-I../{SOURCE_FOLDER}", found.prefix_map(folder.parent)]
    found.run([*arguments, f"../{LIBRARY_FOLDER}/{source.name}", "-o", output], folder)
    headers = (project / SOURCE_FOLDER, project / LIBRARY_FOLDER)
    return LibraryReport(folder / output, found.name, headers)


def _only_classifies(project: Path) -> bool:
    try:
        description = json.loads((project / DESCRIPTION).read_text(encoding="utf-8"))
        return description["inference_only"] is True
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False  # no description, or one of an earlier version


def library_name(prefix: str) -> str:
    """Return the name of the shared library of a model whose C names have this prefix."""
    return f"lib{prefix}.so"


def prefix_in(project: Path) -> str:
    """Return the prefix of the C names of a project's model."""
    try:
        name = json.loads((project / DESCRIPTION).read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return DEFAULT  # no description, or one of an earlier version, which had only this prefix
    return name if isinstance(name, str) and is_prefix(name) else DEFAULT


def _defines(board: Board, prefix: str) -> list[str]:
    """Return the flags that define the macros of board.toml, with their own names and with the
    model's prefix.
    """
    macros = board.defines()
    names = {renamed_board(name, prefix): value for name, value in macros.items()}
    return [f"-D{name}={value}" for name, value in {**macros, **names}.items()]


def _sources(project: Path, board: Board, measuring: bool, main: Path | None) -> list[str]:
    """Return the C and assembler files in a fixed order.

    The paths are relative to the build folder; only that of `main` is absolute.
    """
    own = sorted(path.name for path in (project / SOURCE_FOLDER).glob("*.c"))
    if not own:
        raise InputError(
            f"{project / SOURCE_FOLDER} has no C files; make a project with ska-edge firmware"
        )
    of_board = [board.file(name).name for name in board.sources if name.endswith((".c", ".S"))]
    if board.storage is not None:
        of_board.append(board.file(board.storage.source).name)
    if measuring and board.counter is not None:
        of_board.append(board.file(board.counter.source).name)
    if (project / BOARD_FOLDER / SENSOR).is_file():
        of_board.append(SENSOR)
    first: list[str] = []
    if main is not None:
        if not main.is_file():
            raise InputError(f"there is no file {main}; give the C file with your main function")
        own = [name for name in own if name != renamed(PROGRAM, prefix_in(project))]
        first = [str(main.resolve())]
    return [
        *first,
        *(f"../{SOURCE_FOLDER}/{name}" for name in own),
        *(f"../{BOARD_FOLDER}/{name}" for name in of_board),
    ]


def _compiler(board: Board, wanted: str | None) -> tuple[Compiler, toolchains.Toolchain]:
    by_name = {compiler.name: compiler for compiler in board.toolchains}
    if wanted is not None and wanted not in by_name:
        raise InputError(
            f"board {board.name} has no toolchain {wanted!r}{did_you_mean(wanted, by_name)};"
            f" choose one of {', '.join(by_name)}"
        )
    try:
        found = toolchains.choose(list(by_name) if wanted is None else [wanted])
    except ToolError as error:
        raise ToolError(f"board {board.name} cannot be built: {error}") from None
    return by_name[found.name], found


def _kept(flags: Sequence[str], later: Sequence[str]) -> list[str]:
    """Return `flags` without the machine flags (-mNAME=VALUE) that a flag of `later` overrides.

    If both flags are given, the compiler obeys the last one, but gcc chooses its libraries by both.
    """
    again = {flag.split("=")[0] for flag in later if flag.startswith("-m")}
    return [flag for flag in flags if flag.split("=")[0] not in again]


def _memory_script(board: Board) -> str:
    """Return the part of the linker script that depends on board.toml.

    Raises:
        InputError: board.toml has a linker script but no memory.
    """
    if board.memory is None:
        raise InputError(
            f"board {board.name} has a linker_script, so its board.toml needs [memory]"
        )
    flash, ram = board.memory.flash, board.memory.ram
    return (
        "MEMORY\n{\n"
        f"    FLASH (rx) : ORIGIN = 0x{flash.origin:08X}, LENGTH = 0x{_ROOMY:08X}\n"
        f"    RAM (rw) : ORIGIN = 0x{ram.origin:08X}, LENGTH = 0x{_ROOMY:08X}\n"
        "}\n"
        f"ska_stack_top = 0x{ram.origin + ram.size:08X};\n"
    )
