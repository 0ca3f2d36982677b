"""Reads tables from CSV, Parquet, Arrow, ARFF and .ts files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ska_edge.data.formats.arff import read_arff
from ska_edge.data.formats.arrow import ARROW, PARQUET, read_arrow
from ska_edge.data.formats.csv_table import TEXT_TABLES, read_csv
from ska_edge.data.formats.frame import Frame, frame_table
from ska_edge.data.formats.series import read_series
from ska_edge.data.memory import MAX_MEMORY, check_memory
from ska_edge.data.tables.columns import ALL_COLUMNS, Columns
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.tables.table import Table
from ska_edge.errors import InputError

TABLES = (*TEXT_TABLES, *PARQUET, *ARROW, ".arff", ".ts")
"""The endings of the names of tables, in lower case."""
READERS: dict[str, Callable[[Path, Iterable[str]], Frame]] = {
    ".arff": read_arff,
    ".ts": read_series,
}


def read_table(
    path: Path,
    columns: Columns = ALL_COLUMNS,
    model: Inputs | None = None,
    max_memory: int = MAX_MEMORY,
) -> Table:
    """Read a CSV, Parquet, Arrow, ARFF or .ts file; see `columns.choose`.

    Raises InputError if the file cannot be read or used, or takes more than `max_memory` MB, and
    ToolError if pyarrow, which Parquet and Arrow files need, is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in TEXT_TABLES:
        return read_csv(path, columns, model, max_memory)
    if suffix in (*PARQUET, *ARROW):
        frame = read_arrow(path, max_memory)
    else:
        frame = _read_text(path, READERS[suffix], max_memory)
    return frame_table(frame, columns, model, max_memory)


def _read_text(
    path: Path, reader: Callable[[Path, Iterable[str]], Frame], max_memory: int
) -> Frame:
    try:
        check_memory(path, path.stat().st_size, max_memory)
        with path.open(encoding="utf-8-sig") as file:
            return reader(path, file)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; save it in UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
