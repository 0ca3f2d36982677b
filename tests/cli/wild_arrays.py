"""npz files as other programs write them, for the table in `test_wild`."""

from __future__ import annotations

from typing import Any

import numpy as np

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 2, 0, 1, 2])

# The arrays of each file, by its name.
ARRAYS: dict[str, dict[str, Any]] = {
    "one-hot.npz": {"x": X, "y": np.eye(3)[Y]},
    "column.npz": {"x": X, "y": Y[:, np.newaxis]},
    "bytes.npz": {"x": X, "y": np.array([b"on", b"off"])[Y % 2]},
    "booleans.npz": {"x": X, "y": Y > 0},
    "floats.npz": {"x": X, "y": Y * 1.0},
    "half-classes.npz": {"x": X, "y": Y * 0.5},
}
