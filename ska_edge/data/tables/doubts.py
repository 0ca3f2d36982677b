"""Finds columns of a table that perhaps should not be inputs, such as row numbers and times."""

from __future__ import annotations

import numpy as np

from ska_edge.data.tables.table import Table
from ska_edge.plural import counted, listed

LEAST = 10  # in fewer rows, a measured value may rise by chance


def doubts_about(table: Table) -> tuple[str, ...]:
    """Return a sentence about each column that only rises or has no name, and one about constants.

    A column that only rises may be a row number or a time; a network learns the order of the rows
    from it. A column without a name is often the row number that another program wrote. A constant
    column has no information.
    """
    header, features, x = table.header, table.choice.inputs, table.inputs
    if len(x) < LEAST:
        return ()
    rising = np.diff(x, axis=0).min(axis=0) > 0
    constant = np.ptp(x, axis=0) == 0
    nameless = [not header.names[index] if header.names else False for index in features]
    found = []
    for at, index in enumerate(features):
        if rising[at]:
            found.append(
                f"{header.describe(index)} of {header.path} only rises, like a row number or a"
                " time; if it is no measurement, drop it"
            )
        elif nameless[at]:
            found.append(
                f"{header.describe(index)} of {header.path} has no name; if it is no measurement,"
                " drop it"
            )
    still = [header.describe(index) for at, index in enumerate(features) if constant[at]]
    if still:
        found.append(
            f"{header.path} has {counted(len(still), 'constant column')}, from which nothing can be"
            f" learned: {listed(still)}"
        )
    return tuple(found)
