"""Time an epoch of the numpy trainer on digits, one sample at a time, 64-32-10, on one core.

`make bench` runs it. The aim is at most 3 s. This is a benchmark, not a test: machines differ.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from ska_edge.data.dataset import load
from ska_edge.training.options import Options
from ska_edge.training.train import train

EPOCHS = 3

if __name__ == "__main__":
    digits = load("digits")
    for arithmetic in ("fixed", "float"):
        started = time.perf_counter()
        train(digits, Options(hidden=(32,), epochs=EPOCHS, arithmetic=arithmetic))
        seconds = (time.perf_counter() - started) / EPOCHS
        print(f"{arithmetic}: {seconds:.2f} s an epoch of 1437 samples")
