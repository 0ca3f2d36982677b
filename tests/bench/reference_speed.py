"""Time a published run in the float reference and in plain PyTorch, on all cores.

The network is 784-256-128-64-10, with batch 1000, 50 steps and all metrics. The runs alternate in
one process, and the best run of each counts. This is a benchmark, not a test: machines differ. It
needs the extra `bench`.

Most of the time goes to matrix products, so the ratio depends on the BLAS that numpy comes with.
OpenBLAS uses the kernels that the environment variable OPENBLAS_CORETYPE names. If the variable is
not set, OpenBLAS chooses kernels for the processor. The first line of the output names the kernels.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
import torch
from plain_torch import learn_steps

from ska_edge.rules.reference import Parameters, Reference, initial_parameters

SIZES = (784, 256, 128, 64, 10)
BATCH = 1000
STEPS = 50
ETA = 0.01
ROUNDS = 9
PAUSE = 0.3  # seconds, in which the other library's threads stop busy-waiting for work

START = initial_parameters(SIZES, "published", seed=0)
INPUTS = np.random.default_rng(1).random((BATCH, SIZES[0]))

Last = list[dict[str, float]]  # the metrics of the last step


def reference(parameters: Parameters) -> Callable[[], Last]:
    model = Reference(parameters, "published", ETA)
    return lambda: [vars(layer) for layer in model.learn_steps(INPUTS, STEPS)[-1]]


def plain(parameters: Parameters, dtype: torch.dtype) -> Callable[[], Last]:
    weights = [torch.tensor(w, dtype=dtype) for w in parameters.weights]
    biases = [torch.tensor(b, dtype=dtype) for b in parameters.biases]
    x = torch.tensor(INPUTS, dtype=dtype)
    return lambda: learn_steps(weights, biases, x, STEPS, ETA)[-1]


def main() -> None:
    contenders: dict[str, Callable[[Parameters], Callable[[], Last]]] = {
        "reference": reference,
        "torch float64": lambda parameters: plain(parameters, torch.float64),
        "torch float32": lambda parameters: plain(parameters, torch.float32),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    results: dict[str, Last] = {}
    for _ in range(ROUNDS):
        for name, prepare in contenders.items():
            run = prepare(START.copy())
            time.sleep(PAUSE)
            started = time.perf_counter()
            results[name] = run()
            seconds[name].append(time.perf_counter() - started)

    for ours, theirs in zip(results["reference"], results["torch float64"], strict=True):
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            np.testing.assert_allclose(value, theirs[key], rtol=1e-9, err_msg=key)

    kernels = os.environ.get("OPENBLAS_CORETYPE", "OpenBLAS's choice")
    print(f"numpy {np.__version__} (kernels: {kernels}), torch {torch.__version__},", end=" ")
    print(f"{torch.get_num_threads()} threads")
    best = {name: min(times) for name, times in seconds.items()}
    for name, times in seconds.items():
        ratio = best[name] / best["reference"]
        print(f"{name:14} best {best[name]:.3f} s  median {np.median(times):.3f} s  x {ratio:.2f}")


if __name__ == "__main__":
    main()
