"""Says which options and arguments of a command, and of an error, come from ska.toml."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import click
from click.core import ParameterSource

from ska_edge.errors import SkaError
from ska_edge.training.options import flag

FILE = "ska.toml"
"""Name of the file with the settings of a project, in the folder where a command runs."""


def origin(context: click.Context) -> str:
    """Return a line with the values that come from ska.toml; "" if there are none."""
    found = [_words(each, context.lookup_default(str(each.name))) for each in _from_file(context)]
    return f"{FILE}: {' '.join(found)}" if found else ""


class CommandContext(click.Context):
    """The context of a command; an error that leaves it says which of its options the user did not
    type, because they come from ska.toml.
    """

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> bool | None:
        """Leave the context, and set `source` of an error."""
        if isinstance(exc_value, SkaError):
            exc_value.source = _source(self, exc_value.named(flag))
        return super().__exit__(exc_type, exc_value, tb)


def _source(context: click.Context, sentence: str) -> str:
    """Return a clause for the options of a sentence that come from ska.toml; "" without any."""
    typed = re.findall(r"--[a-z0-9-]+", sentence)
    found = [name for each in _from_file(context) for name in each.opts if name in typed]
    if not found:
        return ""
    verb = "is" if len(found) == 1 else "are"
    return f"{' and '.join(found)} {verb} from {FILE}; `ska-edge --no-settings` leaves it unread"


def _from_file(context: click.Context) -> Iterator[click.Parameter]:
    for each in context.command.params:
        if context.get_parameter_source(str(each.name)) is ParameterSource.DEFAULT_MAP:
            yield each


def _words(each: click.Parameter, value: Any) -> str:
    """Return a parameter and its value as on the command line."""
    if isinstance(each, click.Argument):
        return shlex.join(value if isinstance(value, list) else [value])
    flag = max(each.opts, key=len) if value is not False else each.secondary_opts[0]
    if isinstance(value, bool):
        return flag
    values = value if isinstance(value, list) else [value]
    return " ".join(f"{flag} {shlex.quote(text)}" for text in values)
