"""Pushes 100,000 raw samples into boards: `python -m tests.bench.raw_samples [BOARD ...]`.

Every front end is tried on every board. All features of all windows, and the inputs made of them,
are compared with those of the host, over the protocol; the program prints a table, and ends with an
error at the first difference. A sample of an image is a row of its pixels.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from firmware_gen.board.board import load_board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from ska_edge.device.link import Link
from ska_edge.monitor.raw_windows import compare_windows
from ska_edge.progress import silent
from tests.agreement.test_raw_windows import BOARDS, model_of, recorded, write
from tests.bench.markdown import table

SAMPLES = 100_000  # in two recordings
# A window of each front end that fits into the RAM of the smallest board.
NAMES = {
    "statistics": "half",
    "kernels": "kernels",
    "spectrum": "spectrum",
    "echo": "echo",
    "patches": "image",
}


def compared(board: str, front: str, folder: Path) -> tuple[str, str, str, str]:
    """Return a row: the board, the front end, and how many windows and features were compared."""
    model = model_of(NAMES[front])
    write(model, load_board(board), folder)
    build(folder)
    data, inputs = recorded(model, SAMPLES // 2)
    with start(folder) as running, Link(running.port, timeout=20) as link:
        found = compare_windows(link, model.plan, data, inputs, silent)
    if found is not None:
        raise SystemExit(f"{board}, {front}: {found.sentence()}")
    return board, front, f"{len(data.x):,}", f"{data.x.size:,}"


def main() -> None:
    rows = []
    for board in sys.argv[1:] or (*BOARDS, "mega2560"):
        for front in NAMES:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(compared(board, front, Path(folder) / "p"))
                print(*rows[-1], file=sys.stderr, flush=True)
    print(table(("board", "front end", "windows", "features"), rows))


if __name__ == "__main__":
    main()
