"""Reads the parameters of a front end, such as count=256, which a user gives after its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ska_edge.errors import OptionError

Value = int | str | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that a front end can have.

    Attributes:
        name: what stands before the "=".
        values: what may stand after it, in words, such as "an integer from 1 to 64".
        read: returns the value of a text, or None if the text is no value.
    """

    name: str
    values: str
    read: Callable[[str], Value | None]


def integer(name: str, least: int, most: int) -> Parameter:
    """Return a parameter that is an integer from `least` to `most`."""
    return Parameter(name, f"an integer from {least} to {most}", _reader(least, most, 1))


def even(name: str, least: int, most: int) -> Parameter:
    """Return a parameter that is an even integer from `least` to `most`."""
    return Parameter(name, f"an even integer from {least} to {most}", _reader(least, most, 2))


def word(name: str, words: Sequence[str]) -> Parameter:
    """Return a parameter that is one of some words."""
    return Parameter(name, " or ".join(words), lambda text: text if text in words else None)


def shape(name: str) -> Parameter:
    """Return a parameter that is a number of rows and a number of columns."""

    def read(text: str) -> tuple[int, int] | None:
        found = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
        return None if found is None else (int(found[1]), int(found[2]))

    return Parameter(name, "rows x columns, such as 28x28", read)


def read_parameters(kind: str, text: str, parameters: Sequence[Parameter]) -> Mapping[str, Value]:
    """Return the values in a text such as "count=30,levels=4", by the names of the parameters.

    Raises OptionError for a parameter that the front end `kind` lacks or that is given twice, and
    for a value that it cannot have.
    """
    known = {parameter.name: parameter for parameter in parameters}
    found: dict[str, Value] = {}
    for part in text.split(","):
        name, _, given = map(str.strip, part.partition("="))
        value = known[name].read(given) if name in known else None
        if value is None:
            must = f"{name} must be {known[name].values}" if name in known else ""
            raise OptionError(
                "the front end {kind} of {frontend} has {part!r}, but {its}",
                kind=kind,
                part=part,
                its=must or _described(parameters),
            )
        if name in found:
            raise OptionError(
                "the front end {kind} of {frontend} has {name} twice", kind=kind, name=name
            )
        found[name] = value
    return found


def _reader(least: int, most: int, step: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        value = int(text) if re.fullmatch("[0-9]{1,4}", text) else -1
        return value if least <= value <= most and value % step == 0 else None

    return read


def _described(parameters: Sequence[Parameter]) -> str:
    if not parameters:
        return "it has no parameters"
    each = [f"{parameter.name}, {parameter.values}" for parameter in parameters]
    if len(each) == 1:
        return f"its only parameter is {each[0]}"
    return f"its parameters are {', '.join(each[:-1])}, and {each[-1]}"
