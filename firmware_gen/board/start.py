"""Describes how an emulated board is started."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PLACES = ("elf", "board", "python")
"""The placeholders of a command."""
PLACE = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Start:
    """The command that starts an emulated board and prints the path of its serial port.

    In `command`, `{elf}`, `{board}` (path of board.toml) and `{python}` are placeholders. `port` is
    a regular expression; its first group is the path. `one_core` keeps the process on one core of
    this computer, if the system can do that (Linux).
    """

    command: tuple[str, ...]
    port: str
    one_core: bool = False

    def filled(self, values: Mapping[str, str]) -> list[str]:
        """Return the command with every `{name}` replaced by its value; other braces stay."""
        return [PLACE.sub(lambda found: values[found[1]], part) for part in self.command]

    def fault(self) -> str | None:
        """Return what is wrong with the values of this object, or None."""
        if not self.command:
            return "command of [start] is empty"
        for name in (found for part in self.command for found in PLACE.findall(part)):
            if name not in PLACES:
                known = ", ".join(f"{{{place}}}" for place in PLACES)
                return f"command of [start] has {{{name}}}, which is none of {known}"
        try:
            groups = re.compile(self.port).groups
        except (re.error, RecursionError, OverflowError) as error:
            return f"port of [start] is not a regular expression: {error}"
        return None if groups else "port of [start] needs a group, as in (/dev/\\S+)"
