"""Marks the options and arguments that ska.toml gives to all commands at once.

They mean the same in every command that has them. Other names, such as `samples`, mean something
else in each command, so ska.toml has them in a table of the command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from ska_edge.cli.options.complete import DATA
from ska_edge.cli.screen.console import Command


class SharedOption(click.Option):
    """An option whose value may stand at the top of ska.toml."""


class SharedArgument(click.Argument):
    """An argument whose value may stand at the top of ska.toml."""


def shared_option(*names: str, **described: Any) -> Callable[[Command], Command]:
    """Return a decorator as `click.option` does, for an option that is shared."""
    return click.option(*names, cls=SharedOption, **described)


def data_argument(
    required: bool = True, metavar: str | None = None
) -> Callable[[Command], Command]:
    """Return a decorator for the argument that names the data of a project."""
    return click.argument("data", type=DATA, cls=SharedArgument, required=required, metavar=metavar)


def given(name: str) -> bool:
    """Tell whether the command line gave a parameter of the present command."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE
