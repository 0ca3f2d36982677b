"""Run the long attack: options, files, devices and kills in turn; print their counts.

    python -m tests.attack.run --minutes 30 --seed 0
    python -m tests.attack.run --kills 200

With --kills, the only attacks are kills, of each command in turn. Each fault is printed with its
kind and its seed. If the run had no --kills, `--seed` with this seed begins with the same attack.
The exit code is 1 if there was a fault.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from tests.attack import devices, files, kills, options
from tests.attack.kills import Executioner
from tests.attack.place import Place

KINDS = (*("options", "files", "devices") * 5, "kill")  # a kill takes the time of ten other attacks
KILLS = tuple(f"kill of {name}" for name in kills.KILLS)


def kind_of(seed: int) -> str:
    kind = KINDS[seed % len(KINDS)]
    return KILLS[seed // len(KINDS) % len(KILLS)] if kind == "kill" else kind


def once(kind: str, seed: int, place: Place, executioner: Executioner) -> list[str]:
    random = Random(f"{kind} {seed}")
    if kind == "options":
        attempt, found = place.attempt(options.line(random))
    elif kind == "files":
        name, content, line = files.damaged(random, place.folder)
        attempt, found = devices.attempt(place, line, random, 0.0, **{name: content})
    elif kind == "devices":
        line, lies = devices.scene(random)
        attempt, found = devices.attempt(place, line, random, lies)
    else:
        said = kills.kill(place, executioner, kind.removeprefix("kill of "), random)
        return [] if said is None else [said]
    return [f"{attempt.text}: {each}" for each in found]


def campaign(attacks: Iterable[tuple[str, int]]) -> int:
    """Make attacks, each a kind and a seed; print the counts; return the number of faults."""
    done: Counter[str] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        with place.enter(), Executioner() as executioner:
            for kind, seed in attacks:
                found = once(kind, seed, place, executioner)
                done[kind] += 1
                faults += bool(found)
                for each in found:
                    print(f"{kind}, seed {seed}: {each}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(done.items())))
    print(f"{sum(done[kind] for kind in KILLS)} kills, {faults} faults")
    return faults


def for_minutes(minutes: float, seed: int) -> Iterator[tuple[str, int]]:
    """Yield attacks of all kinds until the time is over."""
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        yield kind_of(seed), seed
        seed += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.kills is None:
        attacks = for_minutes(given.minutes, given.seed)
    else:
        attacks = ((KILLS[i % len(KILLS)], given.seed + i) for i in range(given.kills))
    sys.exit(campaign(attacks) > 0)
