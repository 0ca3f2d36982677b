"""Reads Parquet and Arrow (Feather) files, if the package pyarrow is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.formats.frame import Frame
from ska_edge.data.memory import check_memory
from ska_edge.errors import InputError, ToolError
from ska_edge.extras import how_to_install

PARQUET = (".parquet", ".pq")
ARROW = (".feather", ".arrow")
INDEX = "__index_level_"  # the beginning of the names that pandas gives to indexes without a name


def read_arrow(path: Path, max_memory: int) -> Frame:
    """Read the columns of a Parquet or Arrow file, except an index of pandas without a name.

    Raises InputError for files that are damaged or take more than `max_memory` MB, and ToolError
    if pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import feather, parquet
    except ImportError:
        raise ToolError(f"{path} needs the package pyarrow: {how_to_install('parquet')}") from None
    try:
        if path.suffix.lower() in PARQUET:
            groups = parquet.read_metadata(path)
            size = sum(groups.row_group(at).total_byte_size for at in range(groups.num_row_groups))
            check_memory(path, size, max_memory)
            table = parquet.read_table(path)
        else:
            table = feather.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is damaged"
        raise InputError(f"{path} cannot be read: {reason}") from error
    check_memory(path, table.nbytes, max_memory)
    kept = [at for at, name in enumerate(table.column_names) if not name.startswith(INDEX)]
    table = table.select(kept)  # by number: names may occur twice

    def column(at: int) -> NDArray[Any]:
        return _array(table.column(at))

    names = tuple(table.column_names)
    return Frame(path, len(names), names, column, range(1, table.num_rows + 1), "row")


def _array(column: Any) -> NDArray[Any]:
    """Return a column as an array.

    Columns with missing values become objects, unless they are floats or decimals, because pyarrow
    would convert integers to inexact floats.
    """
    if str(column.type).startswith("decimal"):
        column = column.cast("double")
    if column.null_count and str(column.type) not in ("float", "double", "halffloat"):
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy())
