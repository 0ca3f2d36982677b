"""Run the long attack: options, files, devices and kills in turn; print their counts.

    python -m tests.attack.run --minutes 30 --seed 0

It prints each fault with the seed that reproduces it. The exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.attack import devices, files, kills, options
from tests.attack.kills import Executioner
from tests.attack.place import Place


def once(kind: str, seed: int, place: Place, executioner: Executioner) -> list[str]:
    """Run one attack of a kind; return its faults."""
    random = Random(f"{kind} {seed}")
    if kind == "options":
        attempt, found = place.attempt(options.line(random))
    elif kind == "files":
        name, content, line = files.damaged(random, place.folder)
        attempt, found = place.attempt(line, **{name: content})
    elif kind == "devices":
        line, lies = devices.scene(random)
        with devices.impatient(), devices.Liar(place.model, random, lies) as device:
            attempt, found = place.attempt([part.format(device.port) for part in line])
    else:
        said = kills.kill(place, executioner, random.choice(sorted(kills.KILLS)), random)
        return [] if said is None else [said]
    return [f"{attempt.text}: {each}" for each in found]


def campaign(minutes: float, seed: int) -> int:
    """Attack until the time is over; print the counts; return the number of faults."""
    done: Counter[str] = Counter()
    faults = 0
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        with place.enter(), Executioner() as executioner:
            while time.monotonic() < end:
                kind = ("options", "files", "devices", "options", "files", "kills")[seed % 6]
                found = once(kind, seed, place, executioner)
                done[kind] += 1
                faults += bool(found)
                for each in found:
                    print(f"{kind}, seed {seed}: {each}", flush=True)
                seed += 1
    print(", ".join(f"{count} {kind}" for kind, count in sorted(done.items())))
    print(f"{faults} faults")
    return faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.exit(campaign(given.minutes, given.seed) > 0)
