"""Reads ska.toml, the settings of a project: defaults of the commands' options and arguments.

A key is the name of an option without its dashes, or of an argument. A key at the top is for all
commands that have this option, see `options.shared`; a table `[command.NAME]` is for one command.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from firmware_gen.board.board import load_board
from firmware_gen.board.toml_file import read_toml
from ska_edge.cli.options.complete import BOARD
from ska_edge.cli.options.shared import SharedArgument, SharedOption
from ska_edge.cli.options.training import ListOf, options_from
from ska_edge.cli.screen.origin import FILE
from ska_edge.errors import InputError
from ska_edge.spelling import did_you_mean
from ska_edge.training.option import Kind
from ska_edge.training.options import OPTIONS

TABLE = "command"
RUNS_PROGRAMS = {"trust", "main", "compare", "dask"}
"""Keys of options that let another program run; only the command line may give them."""


def settings_for(name: str, commands: Mapping[str, click.Command]) -> dict[str, Any]:
    """Return the values of ska.toml for a command, by the names of its parameters; none without
    the file. The values are text as on the command line, lists of such text, and flags.

    Raises InputError, with the name of the file and the key, for a file that is not TOML, a key
    that no command knows, and a value that the command does not accept; also for a folder, a
    device or a link to nothing in place of the file.
    """
    if not os.path.lexists(FILE):
        return {}
    if not Path(FILE).is_file():
        raise InputError(
            f"{FILE} is a folder, a device or a link to nothing; put a file in its place, or leave"
            " it unread with --no-settings before the command"
        )
    shared = read_toml(Path(FILE))
    own = shared.pop(TABLE, {})
    _check_shared(shared, commands)
    _check_own(own, commands)
    found: dict[str, Any] = {}
    for each in commands[name].params:
        table, words = own.get(name, {}), f"[{TABLE}.{name}] "
        keys = [key for key in keys_of(each) if key in table]
        top = not keys and _is_shared(each)
        if top:
            table, words = shared, ""
            keys = [key for key in keys_of(each) if key in table]
        if len(keys) > 1:
            raise InputError(f"{FILE}: {words}{' and '.join(keys)} are the same; give one of them")
        for key in keys:
            found[str(each.name)] = _checked(each, f"{FILE}: {words}{key}", table[key], top)
    return found


def keys_of(each: click.Parameter) -> list[str]:
    """Return the names of an option or an argument in ska.toml."""
    if isinstance(each, click.Argument):
        return [str(each.name).replace("_", "-")]
    return [text[2:] for text in each.opts if text.startswith("--")]


def _is_shared(each: click.Parameter) -> bool:
    return isinstance(each, SharedOption | SharedArgument)


def _all_keys(commands: Iterable[click.Command], *, shared: bool) -> Iterator[str]:
    for command in commands:
        for each in command.params:
            if _is_shared(each) or not shared:
                yield from keys_of(each)


def _check_shared(content: Mapping[str, Any], commands: Mapping[str, click.Command]) -> None:
    """Raise InputError for a key at the top that is not for all commands."""
    known = set(_all_keys(commands.values(), shared=True))
    for key, value in content.items():
        if key in known:
            continue
        if key in RUNS_PROGRAMS:
            raise _program(f"{FILE}: {key}", key)
        users = [name for name, each in commands.items() if key in _all_keys([each], shared=False)]
        if users:
            raise InputError(
                f"{FILE}: {key} differs from command to command; write it below a line such as"
                f" [{TABLE}.{users[0]}]"
            )
        if key in commands and isinstance(value, dict):
            raise InputError(f"{FILE}: write [{TABLE}.{key}] in place of [{key}]")
        raise InputError(f"{FILE}: no command has an option {key!r}{did_you_mean(key, known)}")


def _check_own(own: object, commands: Mapping[str, click.Command]) -> None:
    """Raise InputError for tables of commands that do not exist, and for keys that they lack."""
    if not isinstance(own, dict):
        raise InputError(f"{FILE}: {TABLE} is a table; write a line such as [{TABLE}.train]")
    for name, table in own.items():
        if name not in commands:
            raise InputError(f"{FILE}: there is no command {name!r}{did_you_mean(name, commands)}")
        if not isinstance(table, dict):
            raise InputError(f"{FILE}: {TABLE}.{name} is a table; write a line [{TABLE}.{name}]")
        known = set(_all_keys([commands[name]], shared=False))
        for key in table.keys() - known:
            raise InputError(
                f"{FILE}: `ska-edge {name}` has no option {key!r}{did_you_mean(key, known)}"
            )


def _program(where: str, key: str) -> InputError:
    """Return an error for an option that only the command line may give."""
    return InputError(f"{where} lets another program run; give --{key} on the command line")


def _checked(each: click.Parameter, where: str, value: Any, top: bool) -> Any:
    """Return a value as click takes it from a command line.

    `top` tells that the value stands at the top of ska.toml; a sweep then tries only this value.
    Raises InputError, which begins with `where`, for a value that the command does not accept.
    """
    key = where.rpartition(" ")[2]
    if key in RUNS_PROGRAMS:
        raise _program(where, key)
    try:
        given = _given(each, value, top)
        taken = each.type_cast_value(click.Context(click.Command(None)), given)
        if each.type is BOARD:
            _check_board(given)
        if _is_shared(each) and each.name in OPTIONS:
            for one in _values(each, taken):
                options_from({each.name: one})
    except click.BadParameter as error:
        raise InputError(f"{where}: {error.message.rstrip('.')}") from None
    except InputError as error:
        raise InputError(f"{where}: {error.named(lambda _: key)}") from None
    return given


def _values(each: click.Parameter, taken: Any) -> Sequence[Any]:
    """Return the values of a training option: one, or those of a list for a sweep."""
    whole = not isinstance(each.type, ListOf) or OPTIONS[str(each.name)].kind is Kind.WIDTHS
    return taken if _takes_several(each) or not whole else [taken]


def _check_board(name: str) -> None:
    """Raise InputError for a board that is a folder, and for one that does not exist."""
    if name.startswith(".") or "/" in name or os.sep in name:
        raise InputError(
            "the board.toml of a folder runs programs; give --board FOLDER on the command line"
        )
    load_board(name)


def _given(each: click.Parameter, value: Any, top: bool) -> Any:
    """Return a value of TOML as the text, the texts or the flag that a command line would have.

    Raises InputError for a value of another type.
    """
    if isinstance(each, click.Option) and each.is_flag:
        if not isinstance(value, bool):
            raise InputError(f"it is true or false, not {_in_words(value)}")
        return value
    if _takes_several(each):
        several = value if isinstance(value, list) and not top else [value]
        return [_text(each, one) for one in several]
    return _text(each, value)


def _takes_several(each: click.Parameter) -> bool:
    return each.nargs == -1 or (isinstance(each, click.Option) and each.multiple)


def _text(each: click.Parameter, value: Any) -> str:
    """Return a value as text; the values of a list are joined by commas."""
    if not isinstance(value, list) or not isinstance(each.type, ListOf):
        return _scalar(value)
    texts = [_scalar(one) for one in value]
    for text in texts:
        if "," in text or not text.strip():
            raise InputError(f"{text!r} cannot be in this list")
    if not texts and not each.type.empty:
        raise InputError("it is an empty list; leave it out")
    return ",".join(texts)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise InputError(f"it is a text or a number, not {_in_words(value)}")


def _in_words(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return str(value).lower() if isinstance(value, bool) else repr(value)
