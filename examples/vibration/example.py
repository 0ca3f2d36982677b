"""Compare two front ends on vibrations of a ball bearing, which the example makes.

A recording is a machine in one state: its bearing is sound, or has a fault of its outer race, of
its inner race or of a ball. A fault hits once per passage, so the rate of its impulses is a fixed
multiple of the speed of the shaft (Randall and Antoni, Rolling element bearing diagnostics, 2011).
The balls slip, so the time from one impulse to the next varies by 1 %. Each impulse makes a part
of the machine ring, and the ringing decays; an outer race, an inner race and a ball have different
paths to the sensor, and so different frequencies. The speed drifts during a recording. The shaft
adds two harmonics, and the sensor adds noise. Machines differ in loudness, speed and frequencies.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ska_edge

RATE = 4096  # samples per second
FAULTS = {  # impulses per turn of the shaft, the frequency of the ringing in Hz, whether turning
    "outer": (3.58, 900.0, False),  # parts come nearer to the load, and so grow once per turn
    "inner": (5.42, 1300.0, True),
    "ball": (4.71, 1700.0, True),
}
STATES = ("sound", *FAULTS)
DECAY = 700.0  # of the ringing, per second
FRONTENDS = ("statistics", "spectrum", "spectrum:bands=32", "spectrum:bands=32,spacing=mel")


def vibration(state: str, machine: int, seconds: float, seed: int) -> NDArray[np.int16]:
    """Return the samples of one recording, (samples,); `machine` determines what is its own."""
    own = np.random.default_rng([seed, machine])
    loudness, speed, stretch = 2 ** own.uniform(-1, 1), own.uniform(24, 36), own.uniform(0.95, 1.05)
    harmonics = own.uniform(100, 400, 2)
    rng = np.random.default_rng([seed, machine, STATES.index(state)])
    count = int(seconds * RATE)
    drift = np.cumsum(rng.normal(0, 1, count)) / np.sqrt(count)  # about 5 % after all samples
    turns = np.cumsum(speed * (1 + 0.05 * drift)) / RATE
    signal = rng.normal(0, 120, count)
    for number, size in enumerate(harmonics, start=1):
        signal += size * np.sin(2 * np.pi * (number * turns + rng.random()))
    if state in FAULTS:
        per_turn, frequency, turning = FAULTS[state]
        gaps = rng.normal(1, 0.01, int(turns[-1] * per_turn) + 2) / per_turn
        times = np.searchsorted(turns, np.cumsum(gaps))
        times = times[times < count]
        hits = np.zeros(count)
        hits[times] = 600 * rng.uniform(0.7, 1.3, len(times))
        if turning:
            hits *= 1 + 0.6 * np.cos(2 * np.pi * turns)
        t = np.arange(int(8 * RATE / DECAY)) / RATE
        ringing = np.exp(-DECAY * t) * np.sin(2 * np.pi * stretch * frequency * t)
        signal += np.convolve(hits, ringing)[:count]
    samples: NDArray[np.int16] = np.rint(loudness * signal).astype(np.int16)
    return samples


def write(folder: Path, machines: int, seconds: float, seed: int) -> None:
    """Write a recording of each state of each machine."""
    folder.mkdir(parents=True)
    for machine in range(machines):
        for state in STATES:
            samples = vibration(state, machine, seconds, seed)
            rows = [f"{at / RATE:.6f},{x},{state},{machine}" for at, x in enumerate(samples)]
            path = folder / f"machine{machine}-{state}.csv"
            path.write_text("\n".join(["t,a,label,group", *rows]) + "\n", encoding="utf-8")


def main() -> None:
    """Write the recordings, train on most machines, and print the accuracy on the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a recording")
    parser.add_argument("--window", type=int, default=256, help="samples of a window")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help="5 machines, 1 second, 1 seed, two front ends"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("vibration"))
    given = parser.parse_args()
    if given.quick:
        given.machines, given.seconds, given.seeds = 5, 1.0, 1
    write(given.output, given.machines, given.seconds, seed=0)
    print(f"test accuracy in %, windows of {given.window} samples, {given.seeds} seeds")
    for frontend in FRONTENDS[:2] if given.quick else FRONTENDS:
        data = ska_edge.load_data(
            given.output, window=given.window, hop=given.window, frontend=frontend
        )
        scores: dict[str, list[float]] = {"fixed": [], "float": []}
        for seed in range(given.seeds):
            accuracy = ska_edge.train(data, hidden=(32,), seed=seed).accuracy
            for arithmetic, found in scores.items():
                score = accuracy[arithmetic]["test"]
                assert score is not None
                found.append(100 * score)
        columns = [
            f"{name} {np.mean(found):5.1f} +- {np.std(found):3.1f}"
            for name, found in scores.items()
        ]
        print(f"{frontend:30} {data.x.shape[1]:3} features  {'  '.join(columns)}")


if __name__ == "__main__":
    main()
