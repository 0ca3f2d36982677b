"""Finds out how a CSV file separates its columns and writes its decimals.

Python's `csv` parses the first lines with each separator. The best separator gives many lines the
same number of cells, and makes many cells numbers.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ska_edge.data.tables.number import is_number
from ska_edge.errors import InputError, OptionError

if TYPE_CHECKING:
    from _csv import Reader

# The separators that are tried, and their names; if two fit equally, the first is used.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
NAMED = {"comma": ",", "semicolon": ";", "tab": "\t", r"\t": "\t", "bar": "|", "space": " "}
COMMENT = "#"
SAMPLE_LINES = 200  # at most this many lines are tried
SAMPLE_SIZE = 2**18  # after this many characters, no line after the third is tried
COMMA_NUMBER = re.compile(r"[-+]?([0-9]+,[0-9]*|,[0-9]+)([eE][-+]?[0-9]+)?")
# Excel's first line, which names the separator.
DECLARATION = re.compile(r'"?sep=([^\w"\'#+.-])"?\s*', re.I)
# A number whose comma may separate thousands or be the decimal sign.
THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
POINT_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        separator: the character between two columns.
        decimal: the character before the fraction of a number, a point or a comma.
        width: the number of columns; further cells of a line are empty.
    """

    separator: str = ","
    decimal: str = "."
    width: int = 0

    def reader(self, lines: Iterable[str]) -> Reader:
        """Return a reader of rows (lists of cells) from lines."""
        return _reader(lines, self.separator, strict=True)

    def rows(self, sample: Sequence[str]) -> list[list[str]]:
        """Return the rows of the first lines of a file, without blank ones."""
        return _parsed(sample, self.separator)

    def number(self, cell: str) -> str:
        """Return a cell with a decimal point in place of a decimal comma; other text unchanged."""
        if self.decimal == "," and COMMA_NUMBER.fullmatch(cell):
            return cell.replace(",", ".")
        return cell

    def quotes_whole_cells(self, text: str) -> bool:
        """Tell whether quotes are only around whole cells without separators and line ends.

        With quotes and a separator that is not ASCII, the answer is False.
        """
        # numpy compares all characters at once, because a loop over the quotes is much slower.
        if '"' not in text:
            return True
        if not self.separator.isascii():
            return False
        codes = np.frombuffer(f"\n{text}\n".encode(), dtype=np.uint8)
        quotes = codes == ord('"')
        ends = (codes == ord(self.separator)) | (codes == ord("\n")) | (codes == ord("\r"))
        places = np.flatnonzero(quotes | ends)
        at = np.flatnonzero(quotes[places])
        if len(at) % 2:
            return False
        first, last = at[::2], at[1::2]  # the quotes before and after cells
        before, after = places[first] - 1, places[last] + 1
        return bool((last == first + 1).all() and ends[before].all() and ends[after].all())

    @property
    def said(self) -> str:
        """What is unusual about this dialect, in a few words; empty for commas and points."""
        parts = []
        if self.separator != ",":
            name = SEPARATORS.get(self.separator, repr(self.separator))
            parts.append(f"columns separated by {name}")
        if self.decimal != ".":
            parts.append("decimals with commas")
        return ", ".join(parts)


def separator_of(text: str) -> str:
    """Return the separator that a text names: a single character, or a name such as `tab`.

    Raises InputError for other texts, and for letters, digits and characters that occur in numbers,
    quotes or comments.
    """
    separator = NAMED.get(text.lower(), text)
    if len(separator) != 1 or separator.isalnum() or separator in "\"'#+-._\r\n\0":
        raise InputError(
            f"the separator {text!r} cannot separate columns; give one character, such as ';', or"
            f" one of {', '.join(name for name in NAMED if name.isalpha())}"
        )
    return separator


def decimal_of(text: str) -> str:
    """Return the decimal sign that a text names. Raises InputError for other texts."""
    sign = {"point": ".", "comma": ","}.get(text.lower(), text)
    if sign not in (".", ","):
        raise InputError(f"the decimal sign {text!r} is unknown; it is a point or a comma")
    return sign


def read_dialect(
    path: Path, sample: Sequence[str], separator: str | None, decimal: str | None
) -> tuple[list[str], Dialect]:
    """Return the lines of the sample and the dialect of the file.

    `separator` and `decimal` are used if they are not None. A first line such as `sep=;` also names
    the separator; this line is blank in the returned lines.

    Raises InputError for an impossible separator or decimal sign, and if commas in numbers may be
    either decimal signs or separators of thousands.
    """
    given = None if separator is None else separator_of(separator)
    sign = None if decimal is None else decimal_of(decimal)
    lines = list(sample)
    declared = DECLARATION.fullmatch(lines[0]) if lines else None
    if declared is not None:
        lines[0] = "\n"
        given = declared[1] if given is None else given
    found = sniff(lines, given, sign)
    if sign is None and found.separator == "," == found.decimal:
        _refuse_thousands(path, found.rows(lines))
    return lines, found


def _refuse_thousands(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Raise InputError if every number with a comma may have a separator of thousands."""
    cells = [cell for row in rows for cell in row if COMMA_NUMBER.fullmatch(cell)]
    if all(map(THOUSANDS.fullmatch, cells)):
        raise OptionError(
            "{path} has the number '{cell}', whose comma may separate thousands or decimals;"
            " give {decimal} comma, or write the number without the comma",
            path=path,
            cell=cells[0],
        )


def sniff(sample: Sequence[str], separator: str | None, decimal: str | None) -> Dialect:
    """Return the dialect of a file from its first lines.

    `separator` and `decimal` are used if they are not None.
    """
    if separator is not None:
        found, rows = separator, _parsed(sample, separator)
    else:
        tables = {each: _parsed(sample, each) for each in SEPARATORS}
        found = max(tables, key=lambda each: _score(tables[each]))
        rows = tables[found]
    widths = map(_width, rows) if len(rows) > 1 else map(len, rows)
    width = max(widths, default=0)
    return Dialect(found, _decimal(rows) if decimal is None else decimal, width)


def _reader(lines: Iterable[str], separator: str, strict: bool) -> Reader:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict)


def _parsed(sample: Sequence[str], separator: str) -> list[list[str]]:
    """Return the rows of a sample without blank rows; none if `csv` cannot parse the sample."""
    try:
        rows = [[cell.strip() for cell in row] for row in _reader(sample, separator, strict=False)]
    except csv.Error:  # a cell that is too long
        return []
    return [row for row in rows if any(row)]


def _width(row: Sequence[str]) -> int:
    """Return the number of cells up to the last one with text."""
    return max((at for at, cell in enumerate(row, 1) if cell), default=0)


def _score(rows: Sequence[Sequence[str]]) -> float:
    """Rate a separator by its rows: equal widths and many numbers are good."""
    widths = Counter(map(_width, rows))
    if not widths:
        return 0.0
    width, lines = widths.most_common(1)[0]
    if width < 2:
        return 0.0
    cells = [cell for row in rows for cell in row if cell]
    numbers = sum(is_number(cell) or COMMA_NUMBER.fullmatch(cell) is not None for cell in cells)
    return lines / len(rows) * (0.01 + numbers / len(cells))


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    """Return the decimal sign of most cells with a fraction."""
    commas = sum(COMMA_NUMBER.fullmatch(cell) is not None for row in rows for cell in row)
    points = sum(POINT_NUMBER.fullmatch(cell) is not None for row in rows for cell in row)
    return "," if commas > points else "."
