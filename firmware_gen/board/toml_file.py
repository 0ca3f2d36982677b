"""Reads a TOML file from an untrusted source in bounded time, or refuses it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ska_edge.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LARGEST = 65_536
"""Maximum bytes of a file; no file of our boards has a tenth of this."""
LONGEST_LINE = 1024
"""Maximum bytes of a line. It limits the number of parts of a dotted key; the parser's time grows
with the square of this number."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a file.

    Raises:
        InputError: the file is missing, too large, nested too deeply or not TOML, or it has a line
            that is too long or a text with a zero character.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise InputError(f"{path} has more than {LARGEST} bytes, too many for such a file")
        for number, line in enumerate(content.split(b"\n"), 1):
            if len(line) > LONGEST_LINE:
                raise InputError(f"{path}: line {number} is longer than {LONGEST_LINE} bytes")
        found: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
        if _has_zero(found):
            raise InputError(f"{path} has a text with a zero character, which no program accepts")
    except RecursionError:
        raise InputError(f"{path} cannot be read: it is nested too deeply") from None
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path} cannot be read: line {number} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    return found


def _has_zero(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_zero, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(_has_zero, value))
    return isinstance(value, str) and "\0" in value
