"""Reads the numbers and the label texts of CSV files.

Errors count lines and columns from 1. The header, comments, blank lines and ``sep=;`` are lines.
"""

from __future__ import annotations

import codecs
import csv
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn, TextIO, TypeAlias

import numpy as np

from ska_edge.data.formats.dialect import (
    COMMA_NUMBER,
    COMMENT,
    SAMPLE_LINES,
    SAMPLE_SIZE,
    Dialect,
    read_dialect,
)
from ska_edge.data.memory import FEATURE, MAX_MEMORY, check_memory
from ska_edge.data.tables.columns import ALL_COLUMNS, Choice, Columns, Header, choose
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.tables.number import LARGEST_INPUT, input_of, is_finite, is_number, too_large
from ska_edge.data.tables.table import Table
from ska_edge.errors import InputError
from ska_edge.plural import counted

TEXT_TABLES = (".csv", ".tsv")  # endings of the names of CSV files, in lower case
LONGEST_LINE = 2**22  # characters; 65,535 inputs with 32 characters each are half of this
ROW = 150  # bytes of memory, about, for the label and the line number of a row
BLOCK = 2**13  # cells that are converted at once

Row: TypeAlias = "tuple[int, list[str]]"  # the number of its (last) line, and its cells


def read_csv(
    path: Path,
    columns: Columns = ALL_COLUMNS,
    model: Inputs | None = None,
    max_memory: int = MAX_MEMORY,
) -> Table:
    """Read a CSV file in UTF-8 (or UTF-16, as Excel writes it), with one sample per row.

    `dialect.read_dialect` finds the separator and the decimal sign, unless ``columns`` names them.
    Blank lines, lines that begin with `#`, and empty columns at the end are skipped.

    The first line is a header if one of its cells is a name in ``columns``, or if no cell is a
    number. A cell that is only its column's number (0 or 1 for the first column, and so on) counts
    as a name if other cells are text. A header may be the last comment before the first sample, as
    numpy writes it. `columns.choose` describes which columns are inputs and labels. Inputs are
    finite numbers with a magnitude of at most ``LARGEST_INPUT``. Unused columns may hold anything.

    Raises InputError if the file cannot be read, is not such a table, lacks a column, or takes more
    than ``max_memory`` MB.
    """
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            lines = _Lines(path, file)
            named = columns.separator, columns.decimal
            sample, dialect = read_dialect(path, lines.sample(), *named)
            return _Reading(path, lines, dialect, columns, model, max_memory).table(sample)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


@dataclass(frozen=True)
class _Parts:
    """Some rows of a table: their inputs one after the other, and their texts and line numbers."""

    values: array[float]  # takes 8 bytes per number; a list of lists takes 32
    labels: list[str]
    groups: list[str]
    numbers: list[int]

    def extend(self, other: _Parts) -> None:
        self.values.extend(other.values)
        self.labels.extend(other.labels)
        self.groups.extend(other.groups)
        self.numbers.extend(other.numbers)


class _Lines:
    """The lines of a file, with a limit on their length; comments become blank lines.

    Attributes:
        comments: the number of comments so far.
        title: the text of the last comment before the first row, or "".
    """

    def __init__(self, path: Path, file: TextIO) -> None:
        self.path, self.file = path, file
        self.comments = 0
        self.title = ""
        self._begun = False

    def __iter__(self) -> Iterator[str]:
        while line := self.file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                raise InputError(
                    f"{self.path} has a line of more than {LONGEST_LINE} characters; write one"
                    " sample per line"
                )
            if line[0] == COMMENT:
                self.comments += 1
                if not self._begun:
                    self.title = line.lstrip(COMMENT).strip()
                line = "\n"
            elif not self._begun and line.strip():
                self._begun = True
            yield line

    def sample(self) -> list[str]:
        taken: list[str] = []
        size = 0
        for line in self:
            taken.append(line)
            size += len(line)
            if len(taken) >= SAMPLE_LINES or (size > SAMPLE_SIZE and len(taken) > 2):
                break
        return taken


class _Reading:
    """Reads the rows of one file, in blocks."""

    def __init__(
        self,
        path: Path,
        lines: _Lines,
        dialect: Dialect,
        columns: Columns,
        model: Inputs | None,
        max_memory: int,
    ) -> None:
        self.path, self.lines, self.dialect = path, lines, dialect
        self.columns, self.model, self.max_memory = columns, model, max_memory

    def table(self, sample: list[str]) -> Table:
        """Read all rows, `sample` first."""
        lines = chain(sample, self.lines)
        first = next(self._rows(lines), None)
        if first is None:
            raise InputError(
                f"{self.path} is empty; it needs a line for each sample{self._commented()}"
            )
        line, header, begun = self._header(*first)
        choice = choose(header, self.columns, self.model)
        parts = _Parts(array("d"), [], [], [])
        for block in chain([begun], self._blocks(line, lines, header, choice)):
            if isinstance(block, _Parts):
                parts.extend(block)
            else:
                parts.extend(self._exact(block, line, header, choice))
            needed = len(parts.values) * FEATURE + len(parts.numbers) * ROW
            check_memory(self.path, needed, self.max_memory)
        if not parts.numbers:
            raise InputError(
                f"{self.path} has a header but no samples; add one line per"
                f" sample{self._commented()}"
            )
        x = np.frombuffer(parts.values, dtype=np.float64).reshape(len(parts.numbers), -1)
        groups = None if choice.group is None else parts.groups
        said, unused = self.dialect.said, self._unused(sample, header, choice)
        return Table(x, parts.labels, groups, parts.numbers, header, choice, said, unused)

    def _unused(self, sample: list[str], header: Header, choice: Choice) -> dict[int, list[str]]:
        """Return the first values of each unused column."""
        others = {*range(header.width)} - {*choice.features, choice.label, choice.group}
        if not others:
            return {}
        rows = self.dialect.rows(sample)[header.names is not None :]
        whole = [row for row in rows if len(row) >= header.width]
        return {at: [self.dialect.number(row[at]) for row in whole] for at in sorted(others)}

    def _rows(self, lines: Iterable[str], before: int = 0) -> Iterator[Row]:
        """Yield the rows that are not blank, with their line numbers; `before` lines were read."""
        reader = self.dialect.reader(lines)
        try:
            for row in reader:
                if any(map(str.strip, row)):
                    yield before + reader.line_num, row
        except csv.Error as error:
            raise InputError(
                f"{self.path}: line {before + reader.line_num} is no valid CSV: {_fault(error)}"
            ) from error

    def _blocks(
        self, before: int, lines: Iterator[str], header: Header, choice: Choice
    ) -> Iterator[_Parts | list[Row]]:
        """Yield the rest of the file in blocks: as parts of a table, or as rows to be checked.

        `before` lines were read already.
        """
        count = max(1, BLOCK // header.width)
        while block := list(islice(lines, count)):
            parts = self._plain(before, block, header, choice)
            if parts is not None:
                yield parts
            else:
                quoted = any('"' in line for line in block)  # then a row may have several lines
                rows = self._rows(chain(block, lines) if quoted else block, before)
                while checked := list(islice(rows, count)):
                    yield checked
            before += len(block)

    def _plain(
        self, before: int, lines: list[str], header: Header, choice: Choice
    ) -> _Parts | None:
        """Convert usual lines at once, with numpy; return None if one of them is unusual.

        numpy and `float` give the same numbers, but numpy takes a third of the time.
        """
        if not self.dialect.quotes_whole_cells("".join(lines)):
            return None
        separator, decimal = self.dialect.separator, self.dialect.decimal
        numbers = range(before + 1, before + len(lines) + 1)
        if not all(line.count(separator) == header.width - 1 for line in lines):
            return None
        if separator == " ":  # several spaces may separate two cells
            return None
        plain = lines
        if decimal == ",":
            if separator == "," or any("." in line for line in lines):
                return None
            plain = [line.replace(",", ".") for line in lines]
        try:
            x = np.loadtxt(
                plain,
                delimiter=separator,
                quotechar='"',
                usecols=choice.features,
                comments=None,
                ndmin=2,
            )
        except ValueError:
            return None
        if len(x) != len(lines) or not (np.abs(x) <= LARGEST_INPUT).all():  # refuses NaN, too
            return None
        labels, groups = (
            [] if at is None else self._plain_texts(lines, at, header.width)
            for at in (choice.label, choice.group)
        )
        return _Parts(array("d", x.tobytes()), labels, groups, list(numbers))

    def _plain_texts(self, lines: list[str], at: int, width: int) -> list[str]:
        """Return one column of lines whose quotes are only around whole cells."""
        separator, after = self.dialect.separator, width - 1 - at
        if after < at:
            cells = [line.rsplit(separator, after + 1)[-1 - after] for line in lines]
        else:
            cells = [line.split(separator, at + 1)[at] for line in lines]
        return [self.dialect.number(cell.replace('"', "").strip()) for cell in cells]

    def _exact(self, rows: list[Row], first: int, header: Header, choice: Choice) -> _Parts:
        """Convert rows, and check each cell. Raises InputError for a row that cannot be used."""
        self._check_widths(rows, header.width, first)
        labels, groups = (
            [] if at is None else [self.dialect.number(row[at].strip()) for _, row in rows]
            for at in (choice.label, choice.group)
        )
        try:
            cells = [row[at] for _, row in rows for at in choice.features]
            values = array("d", map(self._input, cells))
        except ValueError:
            self._refuse(rows, header, choice)
        return _Parts(values, labels, groups, [number for number, _ in rows])

    def _header(self, line: int, row: list[str]) -> tuple[int, Header, list[Row]]:
        """Return the number of the first line, the columns, and the first row if it is a sample."""
        cells = [cell.strip() for cell in row]
        while len(cells) > self.dialect.width and not cells[-1]:
            cells.pop()
        plain = [self.dialect.number(cell) for cell in cells]
        if _is_header(plain, self.columns):
            names: tuple[str, ...] | None = tuple(cells)
            rows = []
        else:
            names, rows = self._title(len(cells)), [(line, row)]
        header = Header(self.path, len(cells), names)
        if header.width == 1 and (self.model is None or self.model.count != 1):
            raise InputError(
                f"{self.path} has one column only; it needs inputs and a label, separated by commas"
                " (or name the character that separates them)"
            )
        return line, header, rows

    def _title(self, width: int) -> tuple[str, ...] | None:
        """Return the names in the comment before the first row; None unless each column has one."""
        names = next(iter(self.dialect.reader([self.lines.title])), [])
        cells = [name.strip() for name in names]
        named = width > 1 and len(cells) == width and _is_header(cells, self.columns)
        return tuple(cells) if named else None

    def _commented(self) -> str:
        """Return the number of comments, as the end of an error sentence; "" without comments."""
        if not self.lines.comments:
            return ""
        return f" ({counted(self.lines.comments, 'line')} with # at the start are comments)"

    def _check_widths(self, block: Sequence[Row], width: int, first: int) -> None:
        for line, row in block:
            if len(row) != width and (len(row) < width or any(map(str.strip, row[width:]))):
                raise InputError(
                    f"{self.path}: line {line} has {len(row)} columns,"
                    f" but line {first} has {width}; all lines need the same"
                )

    def _refuse(self, block: Sequence[Row], header: Header, choice: Choice) -> NoReturn:
        """Raise the error for the first cell in an input column that is not a valid input."""
        line, at, cell = next(
            (line, at, row[at].strip())
            for line, row in block
            for at in sorted(choice.features)
            if not self._is_input(row[at].strip())
        )
        place, noun = f"{self.path}: line {line}, column {at + 1}", choice.noun(at)
        if header.names is not None:
            place += f" ({header.names[at]})"
        if not cell:
            raise InputError(f"{place} is empty; every {noun} needs a number")
        if self.dialect.decimal == "," and "." in cell and is_number(cell):
            raise InputError(
                f"{place} is {cell[:40]!r}, but other decimals of this file are commas; write all"
                " alike, or give the decimal sign"
            )
        if self.dialect.decimal == "." and COMMA_NUMBER.fullmatch(cell):
            raise InputError(
                f"{place} is {cell[:40]!r}, not a number; if the decimal sign is a comma, give it"
            )
        plain = self.dialect.number(cell)
        if is_finite(plain):
            raise InputError(f"{place} is {cell[:40]!r}; {too_large(noun + 's')}")
        if is_number(plain):
            raise InputError(f"{place} is {cell!r}; {noun}s must be finite numbers")
        if noun == "target":
            raise InputError(
                f"{place} is {cell[:40]!r}, not a number; a target is a number, so correct it, or"
                " leave the row out"
            )
        only = "give the column of the labels, if there is one"
        if choice.targets:
            only = "the inputs of a regression are numbers"
        if choice.label is not None:
            only = f"only the label column (column {choice.label + 1}) may hold text"
        raise InputError(
            f"{place} is {cell[:40]!r}, not a number; {only}; a column without numbers can be"
            " dropped"
        )

    def _input(self, cell: str) -> float:
        """Convert a cell to an input; raise ValueError if the cell is not a valid input."""
        if self.dialect.decimal == "," and "." in cell:
            raise ValueError(cell)
        return input_of(self.dialect.number(cell.strip()))

    def _is_input(self, cell: str) -> bool:
        try:
            self._input(cell)
        except ValueError:
            return False
        return True


def _is_header(cells: Sequence[str], columns: Columns) -> bool:
    targets = columns.targets or ()
    named = {columns.label, columns.group, *columns.features, *columns.drop, *targets}
    if any(cell in named and not _digits(cell) for cell in cells):
        return True
    numbered = [(index, cell) for index, cell in enumerate(cells) if is_number(cell)]
    if len(numbered) == len(cells):
        return False
    return all(cell in (str(index), str(index + 1)) for index, cell in numbered)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _fault(error: csv.Error) -> str:
    """Return what is wrong with a line; replace one unclear message of Python."""
    after = "expected after" in str(error)
    return "a cell goes on after its closing quotation mark" if after else str(error)
