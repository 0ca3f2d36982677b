"""Collects the C files of the library that every export contains.

The tool chains of the exports pass no macros of board.toml. So ska_config.h defines these macros,
and every header includes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_gen.board.board import BOARDS_FOLDER
from firmware_gen.build import PROGRAM
from firmware_gen.emit.names.prefix import DEFAULT, renamed, renamed_files
from firmware_gen.emit.names.taken import Taken
from firmware_gen.export.table import Export
from firmware_gen.project import RUNTIME, c_files, generated_files
from ska_edge.errors import CheckError, InputError
from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan

CONFIG = "ska_config.h"
TEMPLATES = Path(__file__).parent / "templates"
NAME = "@NAME@"
"""What the templates have in place of the library's name, also in the names of files."""
EEPROM = BOARDS_FOLDER / "avr" / "storage_eeprom.c"
NO_BUFFER = "SKA_UART_BUFFER 0u"
LONGEST_NAME = 63

_GUARD = re.compile(r"^#ifndef (\w+_H)\n#define \1\n", re.M)


def source_files(
    plan: Plan,
    parameters: NDArray[np.integer],
    name: str,
    export: Export,
    key: bytes | None,
    names: Sequence[str] | None = None,
    prefix: str = DEFAULT,
    memory: Memory | None = None,
) -> dict[str, str]:
    """Return the name and text of every C file of an export's library; `names` name the inputs.

    Every symbol, macro and file has the `prefix`, except the header NAME.h, which has the name of
    the library.

    Raises:
        InputError: the name cannot be the name of a library, or is in `export.taken`.
        CheckError: a header has no include guard.
    """
    files = {**c_files(RUNTIME), **generated_files(plan, parameters, key, names, memory=memory)}
    del files[PROGRAM]  # no library contains the main program
    files = {file: _configured(file, text) for file, text in files.items()}
    files[f"ska_{EEPROM.name}"] = _only_with_eeprom(EEPROM.read_text(encoding="utf-8"))
    config = (TEMPLATES / "library" / CONFIG).read_text(encoding="utf-8")
    files[CONFIG] = config.replace(NO_BUFFER, f"SKA_UART_BUFFER {export.buffer}u")
    files = renamed_files(files, prefix)
    header = f"{name}.h"
    shared = {header} if name == prefix else set()  # NAME.h is then the renamed ska.h
    _check_name(name, (*export.taken, _headers(set(files) - shared)))
    umbrella = (TEMPLATES / "library" / f"{NAME}.h").read_text(encoding="utf-8")
    umbrella = renamed(umbrella, prefix).replace(NAME, name)
    files[header] = f"{files[header]}\n{umbrella}" if shared else umbrella
    return files


def _configured(file: str, text: str) -> str:
    """Return a header that includes ska_config.h before anything else; leave a source as it is."""
    if not file.endswith(".h"):
        return text
    changed, count = _GUARD.subn(rf'\g<0>\n#include "{CONFIG}"\n', text, count=1)
    if count != 1:
        raise CheckError(
            f"{file} has no include guard, behind which {CONFIG} is included; add a guard"
        )
    return changed


def _only_with_eeprom(driver: str) -> str:
    return f'#include "ska_storage.h"\n\n#if defined(SKA_EEPROM)\n\n{driver}\n#endif\n'


def _headers(files: Iterable[str]) -> Taken:
    names = (Path(file).stem for file in files if file.endswith(".h"))
    return Taken("{name}.h is a header of every library", frozenset(names))


def _check_name(name: str, taken: Sequence[Taken]) -> None:
    if not re.fullmatch(rf"[A-Za-z][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}", name):
        raise InputError(
            f"the folder gives the library its name, but a library cannot be named {name!r};"
            f" give a folder whose name has at most {LONGEST_NAME} letters, digits, '-' and '_',"
            " and begins with a letter"
        )
    for each in taken:
        if each.has(name):
            raise InputError(
                f"the folder gives the library its name, but {each.use.format(name=name)};"
                " give a folder with another name"
            )
