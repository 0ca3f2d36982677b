"""Generates the training options of every command from `training.options`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.shared import shared_option
from ska_edge.cli.options.word import Word
from ska_edge.cli.screen.console import Command
from ska_edge.training.option import ALL_ROWS, AUTO, Kind, Option
from ska_edge.training.options import OPTIONS, Options, default_words

Types = click.ParamType[Any]


class _Rows(click.ParamType[Any]):
    """The click type of a whole number or 'all'; `count` is the type of the number."""

    name = "rows"

    def __init__(self, count: Types) -> None:
        self._count = count

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        if value == ALL_ROWS or isinstance(value, int):
            return value
        if not value.isdecimal():
            self.fail(f"{value!r} is neither a number from 1 on nor 'all'", param, context)
        return self._count.convert(value, param, context)


class _RealOrAuto(click.ParamType[Any]):
    """The click type of a number or 'auto'."""

    name = "float"

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        try:
            return value if value == AUTO else float(value)
        except ValueError:
            self.fail(f"{value!r} is not a valid float, and not '{AUTO}'", param, context)


class ListOf(click.ParamType[Any]):
    """The click type of a list of values, separated by commas; `one` is the type of each value."""

    name = "list"

    def __init__(self, one: Types, empty: bool = False) -> None:
        self.one, self.empty = one, empty

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        """Convert to a tuple; if `empty` was set, an empty text becomes an empty tuple."""
        if not isinstance(value, str):
            return value
        if self.empty and not value.strip():
            return ()
        parts = (part.strip() for part in value.split(","))
        return tuple(self.one.convert(part, param, context) for part in parts)


def _type(each: Option) -> Types:
    bounded = each.least is not None or each.most is not None
    counts = click.IntRange(each.least, each.most) if bounded else click.INT
    return {
        Kind.COUNT: counts,
        Kind.ROWS: _Rows(counts),
        # `Option` checks the bounds of a number, and refuses nan.
        Kind.REAL: _RealOrAuto() if each.auto else click.FLOAT,
        Kind.WORD: Word(each.choices),
        Kind.WIDTHS: ListOf(counts, empty=True),
        Kind.FILE: PATH,
        Kind.FLAG: click.BOOL,
        Kind.GROUP: click.STRING,
    }[each.kind]


def _click_option(name: str, words: str) -> Callable[[Command], Command]:
    """Return one click option; its value is None if the user does not give it."""
    each = OPTIONS[name]
    flag, help = each.flag(name), f"{each.help} [default: {words}]"
    if each.kind is Kind.FLAG:
        both = f"{flag}/--no-{flag[2:]}"
        return shared_option(both, name, default=None, help=help)
    return shared_option(flag, name, type=_type(each), help=help)


def _list_option(name: str, choices: Sequence[str]) -> Callable[[Command], Command]:
    """Return a click option for a list; the option for widths is repeated for each network."""
    each, more = OPTIONS[name], ""
    networks = each.kind is Kind.WIDTHS
    if networks:
        more = " Give it again for another network."
    elif each.choices:
        more = f" Of {', '.join(choices or each.choices)}."
    one = Word(choices) if choices else _type(each)
    return shared_option(
        each.flag(name),
        name,
        type=one if networks else ListOf(one),
        multiple=networks,
        metavar="LIST",
        help=f"{each.help}{more} [default: {default_words(name)}]",
    )


def training_options(
    names: Sequence[str] = tuple(OPTIONS), words: Mapping[str, str] | None = None
) -> Callable[[Command], Command]:
    """Give a command the training options; `words` describe the command's own defaults."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            said = (words or {}).get(name, default_words(name))
            command = _click_option(name, said)(command)
        return command

    return decorate


def list_options(choices: Mapping[str, Sequence[str]]) -> Callable[[Command], Command]:
    """Give a command the options that a sweep takes as lists; `choices` are the allowed words."""

    def decorate(command: Command) -> Command:
        for name in reversed([name for name, each in OPTIONS.items() if each.listed]):
            command = _list_option(name, choices.get(name, ()))(command)
        return command

    return decorate


def options_from(values: Mapping[str, Any]) -> Options:
    """Return training options from click's values; options that were not given have defaults."""
    return Options(**{name: value for name, value in values.items() if value is not None})
