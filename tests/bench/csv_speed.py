"""Compare the CPU time for loading a CSV file of 200,000 x 30 numbers with that of pandas.

`make bench` runs it. Loading includes the checks of every cell and the classes of the labels; it
must take at most 3 times as long as `pandas.read_csv`, in the same process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped, unused-ignore]

from ska_edge.data.load import load

ROWS, COLUMNS = 200_000, 30
TRIES = 3
MOST = 3.0


def write(path: Path) -> None:
    """Write random numbers with six decimals, and a label in the last column."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"f{number}" for number in range(COLUMNS)), "label"]) + "\n")
        for row in range(ROWS):
            values = rng.normal(size=COLUMNS)
            file.write(",".join([*(f"{value:.6f}" for value in values), f"class {row % 4}"]) + "\n")


def seconds(read: Callable[[], object]) -> float:
    """Return the shortest CPU time of several calls."""
    times = []
    for _ in range(TRIES):
        started = time.process_time()
        read()
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    """Print both times and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        write(path)
        pandas = seconds(lambda: pd.read_csv(path))
        own = seconds(lambda: load(path))
    print(f"pandas {pandas:.2f} s, ska-edge {own:.2f} s, ratio {own / pandas:.1f}")
    assert own <= MOST * pandas, f"loading takes more than {MOST} times as long as pandas"


if __name__ == "__main__":
    main()
