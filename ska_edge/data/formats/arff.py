"""Reads ARFF files, as Weka writes them."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.formats.frame import Frame
from ska_edge.errors import InputError
from ska_edge.plural import counted

MISSING = "?"
NUMERIC = ("numeric", "real", "integer")
# An attribute has a name, in quotes if it has spaces, and a kind.
ATTRIBUTE = re.compile(r"""@attribute\s+('(?:\\.|[^'])*'|"(?:\\.|[^"])*"|[^\s{]+)\s*(.+)""", re.I)


def read_arff(path: Path, lines: Iterable[str]) -> Frame:
    """Read the lines of an ARFF file: columns of numbers, nominal values, text and dates.

    Raises InputError for sparse rows, for attributes of other kinds, for values that a nominal
    attribute does not declare, and for damaged files.
    """
    numbered = (
        (number, line.strip())
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("%")
    )
    names, kinds, declared = _header(path, numbered)
    columns: list[array[float] | list[str | None]] = [
        array("d") if kind in NUMERIC else [] for kind in kinds
    ]
    places = []
    for number, line in numbered:
        cells = _cells(path, number, line, len(names))
        for at, cell in enumerate(cells):
            column = columns[at]
            if isinstance(column, array):
                column.append(_number(path, number, f"column {at + 1} ({names[at]})", cell))
            else:
                known = declared[at]
                if known is not None and cell not in known and cell != MISSING:
                    raise InputError(
                        f"{path}: line {number}, column {at + 1} ({names[at]}) is {cell[:40]!r},"
                        " but the attribute does not declare this value"
                    )
                column.append(None if cell == MISSING else intern(cell))
        places.append(number)
    return Frame(path, len(names), tuple(names), lambda at: _array(columns[at]), places)


def _array(column: array[float] | list[str | None]) -> NDArray[Any]:
    return np.array(column, dtype=np.float64 if isinstance(column, array) else object)


def _header(
    path: Path, lines: Iterator[tuple[int, str]]
) -> tuple[list[str], list[str], list[set[str] | None]]:
    """Return the name, the kind and the values of each attribute; leave `lines` at the first row.

    Only a nominal attribute declares its values; others have None.
    """
    names: list[str] = []
    kinds: list[str] = []
    declared: list[set[str] | None] = []
    for number, line in lines:
        if line.lower().startswith("@data"):
            if not names:
                break
            return names, kinds, declared
        if not line.lower().startswith("@attribute"):
            continue
        found = ATTRIBUTE.fullmatch(line)
        if found is None:
            raise InputError(f"{path}: line {number} is no attribute: {line[:40]!r}")
        name, kind = found.groups()
        values = None
        if kind.startswith("{"):
            values = _declared(path, number, kind)
            kind = "nominal"
        else:
            kind = kind.split()[0].lower()
        if kind not in ("nominal", "string", "date", *NUMERIC):
            raise InputError(
                f"{path}: line {number}: attributes of the kind {kind[:40]!r} cannot be read; they"
                " are numeric, nominal, string or date"
            )
        names.append(name[1:-1].replace("\\", "") if name[0] in "'\"" else name)
        kinds.append(kind)
        declared.append(values)
    raise InputError(f"{path} is no ARFF file: it needs @attribute lines, then @data and rows")


def _cells(path: Path, number: int, line: str, width: int) -> list[str]:
    """Return the values of a row, which are separated by commas or tabs, and may have quotes."""
    if line.startswith("{"):
        raise InputError(
            f"{path}: line {number} is a sparse row; write the file with all values of each row, as"
            " Weka's filter SparseToNonSparse does"
        )
    cells = _values(path, number, line)
    if len(cells) != width:
        raise InputError(
            f"{path}: line {number} has {counted(len(cells), 'value')}, but the file has"
            f" {counted(width, 'attribute')}"
        )
    return cells


def _declared(path: Path, number: int, kind: str) -> set[str]:
    inside, brace, _ = kind[1:].rpartition("}")
    if not brace:
        raise InputError(f"{path}: line {number} has no }} after the values of the attribute")
    return set(_values(path, number, inside.strip()))


def _values(path: Path, number: int, line: str) -> list[str]:
    separator = "," if "," in line or "\t" not in line else "\t"
    if "'" in line or '"' in line:
        cells = _quoted(path, number, line, separator)
    else:
        cells = line.split(separator)
    return [cell.strip() for cell in cells]


def _quoted(path: Path, number: int, line: str, separator: str) -> list[str]:
    quote = "'" if "'" in line else '"'
    reader = csv.reader(
        [line], delimiter=separator, quotechar=quote, escapechar="\\", skipinitialspace=True
    )
    try:
        return next(reader)
    except csv.Error as error:
        raise InputError(f"{path}: line {number} is no valid row: {error}") from error


def _number(path: Path, number: int, place: str, text: str) -> float:
    """Convert a number; a missing one is NaN."""
    try:
        return math.nan if text == MISSING else float(text)
    except ValueError:
        raise InputError(f"{path}: line {number}, {place} is {text[:40]!r}, not a number") from None
