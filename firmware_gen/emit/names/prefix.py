"""Gives every name in a model's C its prefix, so that one program can have several models.

The runtime and the generators write the prefix `ska`. For another prefix, `renamed` changes words
in the finished files: symbols, macros, and the names of files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from firmware_gen.emit.names.taken import (
    ARDUINO_HEADERS,
    C_HEADERS,
    C_KEYWORDS,
    C_NAMES,
    Taken,
)
from ska_edge.errors import InputError

DEFAULT = "ska"
LONGEST = 24  # characters of a prefix; the longest symbol then has 52

# `ska_edge` is the name of a Python package.
_WORD = re.compile(r"\b(?:ska|SKA)(?=_(?!edge\b)|\.[ch]\b)")
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST - 1}}}(?<!_)")
# Names that ska_board.h, ska_storage.h and ska_sensor.h declare for a board's sources, and these
# headers' names.
_INTERFACE = re.compile(r"\b(?:ska_(?:board|storage|sensor)|SKA_(?:STORAGE|UART|SENSOR)(?=_))\w*")


def is_prefix(name: str) -> bool:
    """Tell whether a name has the form of a prefix."""
    return _NAME.fullmatch(name) is not None


def check_prefix(name: str, more: Sequence[Taken] = ()) -> None:
    """Raise InputError unless a name can be the prefix of a model's C names.

    `more` are further names that the export uses itself.
    """
    if not is_prefix(name):
        raise InputError(
            f"the model cannot be named {name!r} in C; give a name of at most {LONGEST} small"
            " letters, digits and '_', which begins with a letter and does not end with '_'"
        )
    if name.startswith(f"{DEFAULT}_"):
        raise InputError(
            f"{DEFAULT}_ begins the names of a model without a name, so the model cannot be named"
            f" {name} in C; give another name"
        )
    for taken in (C_KEYWORDS, C_NAMES, C_HEADERS, ARDUINO_HEADERS, *more):
        if taken.has(name):
            raise InputError(
                f"{taken.use.format(name=name)}, so the model cannot be named {name} in C; give"
                " another name"
            )


def renamed(text: str, prefix: str) -> str:
    """Return text of C, or the name of a file, with `prefix` in place of `ska`."""
    return _WORD.sub(lambda word: prefix.upper() if word.group() == "SKA" else prefix, text)


def renamed_files(files: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return files with `prefix` in their names and their text."""
    return {renamed(name, prefix): renamed(text, prefix) for name, text in files.items()}


def renamed_board(text: str, prefix: str) -> str:
    """Return text of a board's C in which the names of the model's interfaces have `prefix`.

    The board's own names stay, because a program has one board.
    """
    return _INTERFACE.sub(lambda word: renamed(word.group(), prefix), text)
