"""The file of an emulated sensor has the samples of recordings, and their gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ska_edge.data.recordings.sensor_file import GAP, sensor_file


def test_missing_samples_and_a_new_recording_are_gaps(tmp_path: Path) -> None:
    rows = [f"{20 * at},{at},{'run' if at < 12 else 'sit'}" for at in range(20) if at not in (5, 6)]
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["t_ms,ax,label", *rows]) + "\n")
    records = np.frombuffer(sensor_file(tmp_path, 1, ("run", "sit")), "<i2").reshape(-1, 2)
    gap = [(GAP, 0)]
    one = [
        *gap,
        *((0, at) for at in range(5)),
        *gap,
        *((0, at) for at in range(7, 12)),
        *((1, at) for at in range(12, 20)),
    ]
    assert [tuple(record) for record in records.tolist()] == 2 * one
