"""Make recordings of movements: `python -m tests.recordings FOLDER` writes 12 CSV files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

PEOPLE, ACTIVITIES = "abcd", {"walk": 300, "run": 900, "sit": 0}
HEAD = "t,ax,ay,label,person"


def recording(activity: str, person: str, samples: int = 200, rate: int = 50) -> str:
    """Return the CSV text of a synthetic movement: a sine whose amplitude is the activity's, and
    noise.
    """
    rng = np.random.default_rng(sum(map(ord, activity + person)))
    wave = ACTIVITIES[activity] * np.sin(np.arange(samples))[:, None] * [1, -1]
    x = np.rint(wave + rng.normal(0, 30, (samples, 2))).astype(int)
    lines = [f"{at / rate:.3f},{x[at, 0]},{x[at, 1]},{activity},{person}" for at in range(samples)]
    return "\n".join([HEAD, *lines]) + "\n"


def write_recordings(folder: Path) -> None:
    """Write a recording of each activity of each person to a new folder."""
    folder.mkdir()
    for person in PEOPLE:
        for activity in ACTIVITIES:
            path = folder / f"{person}-{activity}.csv"
            path.write_text(recording(activity, person), encoding="utf-8")


if __name__ == "__main__":
    write_recordings(Path(sys.argv[1]))
