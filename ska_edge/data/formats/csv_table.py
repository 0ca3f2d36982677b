"""Reads CSV files as numbers and label texts; every error names the line and column.

Lines and columns count from 1; a header is line 1.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np

from ska_edge.data.memory import FEATURE, MAX_MEMORY, check_memory
from ska_edge.data.tables.columns import ALL_COLUMNS, Choice, Columns, Header, Inputs, choose
from ska_edge.data.tables.number import input_of, is_finite, is_input, is_number, too_large
from ska_edge.data.tables.table import Table
from ska_edge.errors import InputError

LONGEST_LINE = 2**22  # characters; a line with 65,535 inputs has about half of this
ROW = 150  # bytes for the label and the line number of a row, about


def read_csv(
    path: Path,
    columns: Columns = ALL_COLUMNS,
    model: Inputs | None = None,
    max_memory: int = MAX_MEMORY,
) -> Table:
    """Read comma-separated UTF-8, one sample per line; blank lines are skipped.

    The first line is a header if ``columns.label`` is one of its cells, or if no cell is a number.
    A cell that is only its column's number (0 or 1 for the first column, and so on) counts as a
    name if other cells are text. `columns.choose` describes which columns are inputs and labels.
    Inputs are finite numbers with a magnitude of at most ``LARGEST_INPUT``. Columns without a
    purpose may hold anything.

    Raises InputError if the file cannot be read, is not such a table, lacks a column, or takes more
    than ``max_memory`` MB.
    """
    values = array("d")  # takes 8 bytes per number; a list of lists takes 32
    label_texts: list[str] = []
    group_texts: list[str] = []
    label_lines: list[int] = []
    header: Header | None = None
    choice = Choice((), None, None)
    first_line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_lines(path, file), strict=True)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not cells or cells == [""]:
                    continue
                line = reader.line_num
                if header is None:
                    named = _is_header(cells, columns)
                    header = Header(path, len(cells), tuple(cells) if named else None)
                    if header.width == 1 and (model is None or model.count != 1):
                        _refuse_column(path, cells[0])
                    first_line, choice = line, choose(header, columns, model)
                    if named:
                        continue
                if len(cells) != header.width:
                    raise InputError(
                        f"{path}: line {line} has {len(cells)} columns,"
                        f" but line {first_line} has {header.width}; all lines need the same"
                    )
                if choice.label is not None:
                    label_texts.append(cells[choice.label])
                if choice.group is not None:
                    group_texts.append(cells[choice.group])
                label_lines.append(line)
                try:
                    values.extend([input_of(cells[at]) for at in choice.features])
                except ValueError:
                    _refuse_number(line, header, choice, cells)
                needed = len(values) * FEATURE + len(label_lines) * ROW
                check_memory(path, needed, max_memory)
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num} is no valid CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if header is None:
        raise InputError(f"{path} is empty; it needs at least a line for each of two classes")
    if not label_lines:
        raise InputError(f"{path} has a header but no samples; add one line per sample")
    x = np.frombuffer(values, dtype=np.float64).reshape(len(label_lines), -1)
    groups = None if choice.group is None else group_texts
    return Table(x, label_texts, groups, label_lines, header, choice)


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    """Yield the lines of a file, with a limit on their length."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise InputError(
                f"{path} has a line of more than {LONGEST_LINE} characters; write one sample per"
                " line"
            )
        yield line


def _is_header(cells: Sequence[str], columns: Columns) -> bool:
    named = {columns.label, columns.group, *columns.features, *columns.drop}
    if any(cell in named and not _digits(cell) for cell in cells):
        return True
    numbered = [(index, cell) for index, cell in enumerate(cells) if is_number(cell)]
    if len(numbered) == len(cells):
        return False
    return all(cell in (str(index), str(index + 1)) for index, cell in numbered)


def _refuse_column(path: Path, cell: str) -> NoReturn:
    """Raise the error for a table whose only column begins with ``cell``."""
    instead = ", not semicolons" if ";" in cell else ""
    raise InputError(
        f"{path} has one column only; it needs inputs and a label, separated by commas{instead}"
    )


def _refuse_number(line: int, header: Header, choice: Choice, cells: Sequence[str]) -> NoReturn:
    """Raise the error for the first cell in an input column that is no valid input."""
    at = next(index for index in sorted(choice.features) if not is_input(cells[index]))
    cell = cells[at]
    place = f"{header.path}: line {line}, column {at + 1}"
    if header.names is not None:
        place += f" ({header.names[at]})"
    if not cell:
        raise InputError(f"{place} is empty; every input needs a number")
    if is_finite(cell):
        raise InputError(f"{place} is {cell[:40]!r}; {too_large()}")
    if is_number(cell):
        raise InputError(f"{place} is {cell!r}; inputs must be finite numbers")
    if ";" in cell:
        raise InputError(
            f"{place} is {cell[:40]!r}; separate columns with commas, not semicolons"
            " (and write decimals with points)"
        )
    only = "give the column of the labels, if there is one"
    if choice.label is not None:
        only = f"only the label column (column {choice.label + 1}) may hold text"
    raise InputError(
        f"{place} is {cell[:40]!r}, not a number; {only}; a column without numbers can be dropped"
    )


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
