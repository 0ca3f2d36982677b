"""Reads CSV files as numbers and label texts; every error names the line and column.

Lines and columns count from 1; a header is line 1.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.memory import FEATURE, MAX_MEMORY, check_memory
from ska_edge.data.number import input_of, is_finite, is_input, is_number, too_large
from ska_edge.errors import InputError

LABEL_COLUMNS = ("label", "y", "class", "target")
LONGEST_LINE = 2**22  # characters; a line with 65,535 inputs has about half of this
ROW = 150  # bytes for the label and the line number of a row, about


@dataclass(frozen=True, eq=False)
class Table:
    """A CSV file: finite features ``x``, float64 (n, columns - 1), and ``labels``, a text per row.

    ``lines`` has each row's line number in the file, ``label_column`` is the number of the column
    with the labels. In a table without labels, ``x`` has all columns, ``labels`` is empty and
    ``label_column`` is 0.
    """

    x: NDArray[np.float64]
    labels: list[str]
    lines: list[int]
    label_column: int


def read_csv(
    path: Path,
    label_column: str | None = None,
    inputs: int | None = None,
    max_memory: int = MAX_MEMORY,
) -> Table:
    """Read comma-separated UTF-8, one sample per line; blank lines are skipped.

    The first line is a header if ``label_column`` is one of its cells, or if no cell is a number. A
    cell that is only its column's number (0 or 1 for the first column, and so on) counts as a name
    if other cells are text. ``label_column`` is a name in the header or a column number from 1. The
    default is a column named label, y, class or target (in this order, in any case), or else the
    last one. All other columns hold finite numbers with a magnitude of at most ``LARGEST_INPUT``.

    If ``inputs`` is given, a table with exactly this many columns has no labels, unless
    ``label_column`` is given or a column is named label, class or target.

    Raises InputError if the file cannot be read, is not such a table, lacks the label column, or
    takes more than ``max_memory`` MB.
    """
    values = array("d")  # takes 8 bytes per number; a list of lists takes 32
    label_texts: list[str] = []
    label_lines: list[int] = []
    header: list[str] | None = None
    first_line = width = 0
    label_at: int | None = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_lines(path, file), strict=True)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not cells or cells == [""]:
                    continue
                line = reader.line_num
                if width == 0:
                    first_line, width = line, len(cells)
                    header = cells if _is_header(cells, label_column) else None
                    bare = label_column is None and width == inputs and not _names_labels(header)
                    if width == 1 and not bare:
                        _refuse_column(path, cells[0])
                    label_at = None if bare else _label_index(path, header, width, label_column)
                    if header is not None:
                        continue
                if len(cells) != width:
                    raise InputError(
                        f"{path}: line {line} has {len(cells)} columns,"
                        f" but line {first_line} has {width}; all lines need the same"
                    )
                if label_at is not None:
                    label_texts.append(cells.pop(label_at))
                label_lines.append(line)
                try:
                    values.extend([input_of(cell) for cell in cells])
                except ValueError:
                    _refuse_number(path, line, header, label_at, cells)
                needed = len(values) * FEATURE + len(label_lines) * ROW
                check_memory(path, needed, max_memory)
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num} is no valid CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if width == 0:
        raise InputError(f"{path} is empty; it needs at least a line for each of two classes")
    if not label_lines:
        raise InputError(f"{path} has a header but no samples; add one line per sample")
    x = np.frombuffer(values, dtype=np.float64).reshape(len(label_lines), -1)
    return Table(x, label_texts, label_lines, 0 if label_at is None else label_at + 1)


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    """Yield the lines of a file, with a limit on their length."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise InputError(
                f"{path} has a line of more than {LONGEST_LINE} characters; write one sample per"
                " line"
            )
        yield line


def _is_header(cells: Sequence[str], label_column: str | None) -> bool:
    if label_column in cells and not _digits(label_column):
        return True
    numbered = [(index, cell) for index, cell in enumerate(cells) if is_number(cell)]
    if len(numbered) == len(cells):
        return False
    return all(cell in (str(index), str(index + 1)) for index, cell in numbered)


def _names_labels(header: Sequence[str] | None) -> bool:
    """Tell whether a header names a label column; ``y`` does not count: it may be an axis."""
    return any(name.lower() in LABEL_COLUMNS and name.lower() != "y" for name in header or ())


def _label_index(
    path: Path, header: Sequence[str] | None, width: int, label_column: str | None
) -> int:
    if label_column is None:
        lower = [] if header is None else [name.lower() for name in header]
        wanted = next((name for name in LABEL_COLUMNS if name in lower), None)
        if wanted is None:
            return width - 1
        places = [index for index, name in enumerate(lower) if name == wanted]
    else:
        wanted = label_column
        places = [index for index, name in enumerate(header or ()) if name == wanted]
        if not places and _digits(wanted) and 1 <= int(wanted) <= width:
            return int(wanted) - 1
    if not places:
        known = f"it has no header, so give the column's number, 1 to {width}"
        if header is not None:
            known = f"its columns are {', '.join(header[:8])}{' ...' if width > 8 else ''}"
        raise InputError(f"{path} has no label column '{wanted}'; {known}")
    if len(places) > 1:
        columns = " and ".join(str(index + 1) for index in places)
        raise InputError(
            f"{path}: columns {columns} are both called '{wanted}';"
            " give the number of the column with the labels"
        )
    return places[0]


def _refuse_column(path: Path, cell: str) -> NoReturn:
    """Raise the error for a table whose only column begins with ``cell``."""
    instead = ", not semicolons" if ";" in cell else ""
    raise InputError(
        f"{path} has one column only; it needs inputs and a label, separated by commas{instead}"
    )


def _refuse_number(
    path: Path,
    line: int,
    header: Sequence[str] | None,
    label_at: int | None,
    cells: Sequence[str],
) -> NoReturn:
    """Raise the error for the first cell that is no input; ``cells`` is a row without label."""
    at = next(index for index, cell in enumerate(cells) if not is_input(cell))
    column = at + 1 if label_at is None or at < label_at else at + 2
    place = f"{path}: line {line}, column {column}"
    if header is not None:
        place += f" ({header[column - 1]})"
    if not cells[at]:
        raise InputError(f"{place} is empty; every input needs a number")
    if is_finite(cells[at]):
        raise InputError(f"{place} is {cells[at][:40]!r}; {too_large()}")
    if is_number(cells[at]):
        raise InputError(f"{place} is {cells[at]!r}; inputs must be finite numbers")
    if ";" in cells[at]:
        raise InputError(
            f"{place} is {cells[at][:40]!r}; separate columns with commas, not semicolons"
            " (and write decimals with points)"
        )
    only = "give the column of the labels, if there is one"
    if label_at is not None:
        only = f"only the label column (column {label_at + 1}) may hold text"
    raise InputError(f"{place} is {cells[at][:40]!r}, not a number; {only}")


def _digits(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdigit()
