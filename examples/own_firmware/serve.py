"""Let a firmware of your own learn from its sensor while `ska-edge monitor` follows.

The firmware is serve.c. It runs on the emulated board virtual-m4, whose sensor gives the bytes of a
file. Then `replay`, `pull` and `verify` check what it has learned.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ska_edge
from firmware_gen.emulators.flash import start

ROWS = 200
STATES = ("replayed", "pulled")


def rows(turned: bool) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return samples of three classes; with `turned`, from a sensor that is mounted differently."""
    random = np.random.default_rng(int(turned))
    labels = random.integers(0, 3, ROWS)
    x = np.eye(3)[labels].repeat(2, axis=1) + random.normal(0, 0.2, (ROWS, 6))
    return (np.roll(x, 2, axis=1) if turned else x), labels


def ask(*arguments: object) -> None:
    """Run a command of ska-edge and print its output."""
    command = [sys.executable, "-m", "ska_edge", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    print(f"$ ska-edge {arguments[0]}\n{done.stdout}", end="", flush=True)


def main() -> None:
    """Train, flash, follow, and check."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained = ska_edge.train(rows(turned=False), hidden=8, epochs=3, rate=0.25)
        model, log = folder / "model.ska", folder / "log.jsonl"
        trained.model.save(model)
        x, labels = rows(turned=True)
        inputs = trained.model.inputs(x)
        records = np.column_stack([labels.astype(np.uint8), inputs.astype(np.int8).view(np.uint8)])
        (folder / "sensor").write_bytes(records.tobytes())
        np.savez(folder / "sensor.npz", x=x, y=labels)
        trained.model.firmware(folder / "project", board="virtual-m4")
        ask("build", folder / "project", "--main", Path(__file__).with_name("serve.c"))
        os.environ["SKA_SENSOR"] = str(folder / "sensor")
        with start(folder / "project") as board:
            ask("monitor", model, "--port", board.port, "--samples", ROWS, "--log", log)
            ask("replay", log, model, "-o", folder / "replayed.ska")
            ask("pull", model, "--port", board.port, "-o", folder / "pulled.ska")
            replayed, pulled = (ska_edge.load(folder / f"{name}.ska") for name in STATES)
            print(f"replay and device have the same bits: {replayed.state.crc == pulled.state.crc}")
            ask("verify", model, folder / "sensor.npz", "--port", board.port)


if __name__ == "__main__":
    main()
