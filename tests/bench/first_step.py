"""Measure the time from a clone to the first step that a device learns.

Run it with `python -m tests.bench.first_step`. It clones this repository to a new folder, where the
board virtual-m4 is built and learns one row from untrained weights, as `make demo` lets it learn
1000. The packages are those of this interpreter, so no installation is counted. Caches are new, so
all that a first run compiles is counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = ("run", "digits", "--board", "virtual-m4", "--hidden", "32", "--untrained", "--samples", "1")


def seconds(*command: str, folder: Path, environment: dict[str, str]) -> float:
    """Return the elapsed time of a command."""
    start = time.monotonic()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def main() -> None:
    """Print the seconds of each part, and how busy the computer is."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder, clone = Path(place), Path(place, "ska-edge")
        environment = {**os.environ, "PYTHONPATH": str(clone), "XDG_CACHE_HOME": place}
        cloned = seconds(
            "git", "clone", "-q", str(ROOT), str(clone), folder=folder, environment=environment
        )
        learned = seconds(
            sys.executable, "-m", "ska_edge", *RUN, folder=folder, environment=environment
        )
    load, cores, used = os.getloadavg()[0], os.cpu_count(), os.times()
    busy = used.children_user + used.children_system
    print(f"clone {cloned:.1f} s, first learned step {learned:.1f} s after it,")
    print(f"together {cloned + learned:.1f} s, of them {busy:.1f} s of the processors")
    print(f"{load:.1f} processes want the {cores} cores")


if __name__ == "__main__":
    main()
