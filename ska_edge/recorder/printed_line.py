"""Reads one line that a board prints: numbers, `name:number` pairs, or a line of Teleplot."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
PAIR = re.compile(r"([^:=]*[^:=\s])\s*[:=]\s*(.*)")
# name:value, or name:milliseconds:value, then perhaps a unit and flags
TELEPLOT = re.compile(r">([^:]+):(?:([^:§|]*):)?([^:§|]*)(?:§[^|]*)?(?:\|.*)?")
# Numbers with decimal commas and blanks between them, such as 0,5 1,25; each may have a name.
DECIMALS = re.compile(
    r"(?:[^\s,:=]+[:=])?[-+]?[0-9]+,[0-9]+(?:\s+(?:[^\s,:=]+[:=])?[-+]?[0-9]+,[0-9]+)+"
)
DECIMAL_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")
NO_VALUES = {"nan", "inf", "-inf", "ovf", "none", "null", "err", "error"}
"""What boards print in place of a number."""
SEPARATORS = ";\t,"  # the first of these that a line has separates its values, or else blanks do


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """The values of a line as they were printed, and their names, or () for a line without names.

    A line of Teleplot has a single value. `stamp` is its time in milliseconds, or "".
    """

    values: tuple[str, ...]
    names: tuple[str, ...] = ()
    teleplot: bool = False
    stamp: str = ""


def read_line(text: str) -> PrintedLine | str:
    """Return the numbers of a line, or the reason why it has none, as the end of a sentence.

    A decimal comma becomes a point. A comma is one if something else separates the values.
    """
    text = text.strip()
    if text.startswith(">"):
        return _teleplot(text)
    cells = cells_of(_with_points(text))
    pairs = [PAIR.fullmatch(cell) for cell in cells]
    found = [pair for pair in pairs if pair is not None]
    names = tuple(pair[1].strip() for pair in found) if len(found) == len(cells) else ()
    values = tuple(pair[2].strip() for pair in found) if names else tuple(cells)
    bad = next((value for value in values if not is_number(value)), None)
    if bad is not None:
        return f"'{bad}' is no number" if bad else "a value is missing"
    if len({*names}) < len(names):
        return "a name occurs twice"
    return PrintedLine(values, names)


def cells_of(text: str) -> list[str]:
    """Return the cells of a line; a separator at the end of the line begins no cell."""
    separator = separator_of(text)
    if separator == " ":
        joined = re.sub(r"\s*([:=])\s*", r"\1", text)  # `ax: 1` is one cell
        return joined.split() or [""]
    cells = [cell.strip() for cell in text.split(separator)]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


def separator_of(text: str) -> str:
    """Return the character between the values of a line; a blank if there is no other."""
    return next((sign for sign in SEPARATORS if sign in text), " ")


def heading_of(text: str) -> tuple[str, ...]:
    """Return the names in a line of different words, as above a table; () for any other line."""
    cells = tuple(cells_of(_with_points(text.strip())))
    words = all(
        cell and not (is_number(cell) or PAIR.fullmatch(cell) or cell.lower() in NO_VALUES)
        for cell in cells
    )
    return cells if words and len({*cells}) == len(cells) else ()


def is_number(text: str) -> bool:
    """Tell whether a text is a finite decimal number."""
    return NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def _with_points(text: str) -> str:
    """Return a line with points in place of decimal commas."""
    decimal = separator_of(text) in ";\t" or DECIMALS.fullmatch(text)
    return DECIMAL_COMMA.sub(".", text) if decimal else text


def _teleplot(text: str) -> PrintedLine | str:
    found = TELEPLOT.fullmatch(text)
    if found is None:
        return "it is no line of Teleplot with one number"
    name, stamp, value = found[1].strip(), found[2] or "", DECIMAL_COMMA.sub(".", found[3])
    for number in (value, stamp or "0"):
        if not is_number(number):
            return f"'{number}' is no number" if number else "a value is missing"
    return PrintedLine((value,), (name,), True, stamp)
