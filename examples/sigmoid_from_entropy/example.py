"""Compare the papers' entropy of one neuron, summed over small steps, with Shannon's entropy.

The papers define a neuron's entropy through its knowledge z and decision D as
-(1/ln 2) sum z (D_k - D_{k-1}). With D = sigmoid(z), z = ln(D / (1 - D)), which is -ln 2 times the
slope of H(D) = -D log2 D - (1 - D) log2 (1 - D). So the sum approaches H(D_n) - H(D_0) as the steps
shrink. Conversely, if this equality holds for every path, D must be the sigmoid.
"""

from __future__ import annotations

import argparse
import math
import sys

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def sigmoid(z: Reals) -> Reals:
    """Return the decision of knowledge `z`."""
    decision: Reals = 0.5 + 0.5 * np.tanh(0.5 * z)
    return decision


def shannon(decision: float) -> float:
    """Return H(D) in bits, for 0 <= D <= 1; it is 0 if D is 0 or 1."""
    if decision in (0.0, 1.0):
        return 0.0
    return -decision * math.log2(decision) - (1 - decision) * math.log2(1 - decision)


def entropy_sums(start: float, end: float, steps: int) -> dict[str, float]:
    """Return -(1/ln 2) sum z (D_k - D_{k-1}) over n equal steps of z, in bits, for three choices of
    z.

    `left` takes z at the beginning of a step, `right` at its end, as the published rule does, and
    `midpoint` in its middle.
    """
    z = np.linspace(start, end, steps + 1)
    moved = np.diff(sigmoid(z))
    places = {"left": z[:-1], "right": z[1:], "midpoint": 0.5 * (z[:-1] + z[1:])}
    return {name: -float(at @ moved) / math.log(2) for name, at in places.items()}


def main() -> None:
    """Print the sums, their errors, and how fast the errors shrink."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=float, default=-1.0, help="z before the first step")
    parser.add_argument("--end", type=float, default=3.0, help="z after the last step")
    parser.add_argument("--doublings", type=int, default=12, help="n = 4, 8, ..., 4 * 2^this")
    parser.add_argument("--quick", action="store_true", help="5 doublings")
    options = parser.parse_args()

    ends = [float(value) for value in sigmoid(np.array([options.start, options.end]))]
    exact = shannon(ends[1]) - shannon(ends[0])
    report = [
        f"z from {options.start} to {options.end}, D from {ends[0]:.6f} to {ends[1]:.6f}",
        f"H(D) changes by {exact:.10f} bits",
    ]
    doublings = 5 if options.quick else options.doublings
    for place in ("left", "right", "midpoint"):
        report += ["", f"z at {place}", f"{'n':>7} {'sum':>14} {'error':>12} {'order':>6}"]
        before = math.nan
        for steps in (4 * 2**power for power in range(doublings + 1)):
            found = entropy_sums(options.start, options.end, steps)[place]
            error = abs(found - exact)
            # The first row has no order of convergence; an error below rounding has none, either.
            order = math.log2(before / error) if before > 0 and error > 1e-13 else math.nan
            shown = "" if math.isnan(order) else f"{order:.3f}"
            report.append(f"{steps:7} {found:14.10f} {error:12.3e} {shown:>6}")
            before = error
    sys.stdout.write("\n".join([*report, ""]))


if __name__ == "__main__":
    main()
