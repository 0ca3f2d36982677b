"""Compare the CPU time for loading CSV files of 200,000 x 30 numbers with that of pandas.

`make bench` runs it. One file has no quotes; in the other, every cell is quoted. Loading includes
the checks of every cell and the classes of the labels. Loading must take at most 3 times as long as
`pandas.read_csv` in the same process.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd  # type: ignore[import-untyped, unused-ignore]

from ska_edge.data.load import load

ROWS, COLUMNS = 200_000, 30
TRIES = 3
MOST = 3.0
Quoting: TypeAlias = Literal[0, 1]
QUOTING: dict[str, Quoting] = {"plain": csv.QUOTE_MINIMAL, "quoted": csv.QUOTE_ALL}


def write(path: Path, quoting: Quoting) -> None:
    """Write random numbers with six decimals, and a label in the last column."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=quoting, lineterminator="\n")
        writer.writerow([*(f"f{number}" for number in range(COLUMNS)), "label"])
        for row in range(ROWS):
            values = rng.normal(size=COLUMNS)
            writer.writerow([*(f"{value:.6f}" for value in values), f"class {row % 4}"])


def seconds(read: Callable[[], object]) -> float:
    started = time.process_time()
    read()
    return time.process_time() - started


def compare(name: str, path: Path) -> None:
    """Print the shortest times for a file and their ratio.

    The programs take turns, so that other load of this computer affects both.
    """
    times = [
        (seconds(lambda: pd.read_csv(path)), seconds(lambda: load(path))) for _ in range(TRIES)
    ]
    pandas, own = map(min, zip(*times, strict=True))
    print(f"{name}: pandas {pandas:.2f} s, ska-edge {own:.2f} s, ratio {own / pandas:.1f}")
    assert own <= MOST * pandas, f"loading takes more than {MOST} times as long as pandas"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        for name, quoting in QUOTING.items():
            write(path, quoting)
            compare(name, path)


if __name__ == "__main__":
    main()
