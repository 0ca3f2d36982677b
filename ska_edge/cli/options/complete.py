"""Defines the types of arguments that a shell can complete: paths, data and boards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from firmware_gen.board.board import board_names
from ska_edge.data.builtin.catalog import builtin_names

EMPTY = "the name is empty: give a name"


class FilePath(click.Path):
    """The click type of a path; it refuses an empty text, which would name the present folder."""

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        """Return the path."""
        if value == "":
            self.fail(EMPTY, param, context)
        return super().convert(value, param, context)


class NameOrPath(click.ParamType[str]):
    """The click type of a text that is one of some names, or a path."""

    name = "text"

    def __init__(self, names: Callable[[], Sequence[str]], kind: str) -> None:
        self._names, self._kind = names, kind

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Return the text; refuse an empty one, which would name the present folder."""
        if not value:
            self.fail(EMPTY, param, context)
        return str(value)

    def get_missing_message(
        self,
        param: click.Parameter,
        ctx: click.Context | None,  # noqa: ARG002, click passes it
    ) -> str:
        """Return a sentence for a command line that lacks the argument."""
        key = str(param.name)
        return f'Name it, or write it to ska.toml: {key} = "..."'

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002, click passes it
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the names that begin with the text; the shell itself completes paths."""
        # The entry for paths comes first, because the script for bash drops all entries before it.
        fitting = [name for name in self._names() if name.startswith(incomplete)]
        return [CompletionItem(incomplete, type=self._kind), *map(CompletionItem, fitting)]


PATH = FilePath(path_type=Path)
DATA = NameOrPath(builtin_names, "file")
BOARD = NameOrPath(board_names, "dir")
