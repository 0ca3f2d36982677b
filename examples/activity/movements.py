"""Make recordings of movements: `python examples/activity/movements.py -o FOLDER [--people 10]`.

The recordings are synthetic. `movement` models an accelerometer in a pocket. Steps, and turns of
the pedals, are periodic movements with three harmonics. Their speed, strength, sizes and phases
depend on the activity, and vary from person to person. The period changes slowly, and the strength
changes each second. Each person carries the sensor at another angle: gravity and movement are
turned by a random angle, whose mean size is 20 degrees.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 50  # samples per second
GRAVITY = 1000  # the unit of an acceleration is 1/1000 g
ACTIVITIES: dict[str, tuple[float, tuple[float, ...], float]] = {
    # cycles per second, size of each harmonic up and down in mg, of the movement to the sides
    "sit": (0.0, (0, 0, 0), 0.0),
    "walk": (1.9, (260, 120, 40), 0.4),
    "upstairs": (1.6, (210, 150, 30), 0.6),
    "downstairs": (2.0, (330, 200, 120), 0.6),
    "run": (2.7, (900, 300, 120), 0.3),
    "cycle": (1.3, (120, 40, 20), 1.2),
}
SECONDS = 60.0  # the length of a recording


def turn(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation (3, 3) around a random axis."""
    axis = rng.normal(0, 1, 3)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(rng.normal(0, 25))
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def movement(activity: str, person: int, seconds: float, seed: int) -> NDArray[np.int16]:
    """Return the samples (samples, 3) of an activity of a person, in 1/1000 g."""
    own = np.random.default_rng([seed, person, list(ACTIVITIES).index(activity)])
    worn = turn(np.random.default_rng([seed, person]))
    pace, sizes, sideways = ACTIVITIES[activity]
    count = int(seconds * RATE)
    drift = np.cumsum(own.normal(0, 1, count)) / np.sqrt(count)
    cycles = np.cumsum(pace * own.uniform(0.85, 1.15) * (1 + 0.05 * drift)) / RATE
    strength = 2 ** own.uniform(-0.5, 0.5) * (1 + own.normal(0, 0.15, count // RATE + 1))
    strength = np.repeat(strength, RATE)[:count]
    signal = own.normal(0, 25, (count, 3))
    for number, size in enumerate(sizes, start=1):
        for axis, share in enumerate((sideways, sideways / 2, 1.0)):
            wave = np.sin(2 * np.pi * (number * cycles + own.random()))
            signal[:, axis] += own.uniform(0.6, 1.4) * share * size * strength * wave
    signal[:, 2] += GRAVITY
    return np.rint(signal @ worn.T).astype(np.int16)


def write(path: Path, axes: str, samples: NDArray[np.integer], label: str, person: int) -> None:
    """Write a recording."""
    rows = [f"{at / RATE:.2f},{','.join(map(str, row))}" for at, row in enumerate(samples.tolist())]
    lines = [f"t,{axes},label,person", *(f"{row},{label},{person}" for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_movements(folder: Path, people: int, seconds: float) -> None:
    """Write a recording of each activity of each person."""
    for person in range(1, people + 1):
        for activity in ACTIVITIES:
            samples = movement(activity, person, seconds, seed=0)
            write(folder / f"{person}-{activity}.csv", "ax,ay,az", samples, activity, person)


def main() -> None:
    """Write the recordings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of a recording")
    parser.add_argument("-o", "--output", type=Path, default=Path("movements"))
    given = parser.parse_args()
    write_movements(given.output, given.people, given.seconds)
    print(f"wrote {given.people * len(ACTIVITIES)} recordings to {given.output}")


if __name__ == "__main__":
    main()
