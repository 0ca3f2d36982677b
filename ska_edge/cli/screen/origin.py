"""Says which options and arguments of a command come from ska.toml."""

from __future__ import annotations

import shlex
from typing import Any

import click
from click.core import ParameterSource

FILE = "ska.toml"
"""Name of the file with the settings of a project, in the folder where a command runs."""


def origin(context: click.Context) -> str:
    """Return a line with the values that come from ska.toml; "" if there are none."""
    found = [
        _words(each, context.lookup_default(str(each.name)))
        for each in context.command.params
        if context.get_parameter_source(str(each.name)) is ParameterSource.DEFAULT_MAP
    ]
    return f"{FILE}: {' '.join(found)}" if found else ""


def _words(each: click.Parameter, value: Any) -> str:
    """Return a parameter and its value as on the command line."""
    if isinstance(each, click.Argument):
        return shlex.join(value if isinstance(value, list) else [value])
    flag = max(each.opts, key=len) if value is not False else each.secondary_opts[0]
    if isinstance(value, bool):
        return flag
    values = value if isinstance(value, list) else [value]
    return " ".join(f"{flag} {shlex.quote(text)}" for text in values)
