"""npz files as other programs write them, for the table in test_wild.py."""

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
    "keras.npz": {"x_train": X[:4], "y_train": Y[:4], "x_test": X[4:], "y_test": Y[4:]},
    "sklearn.npz": {"data": X, "target": Y, "target_names": np.array(["a", "b", "c"])},
    "capitals.npz": {"X": X, "Y": Y},
    "positional.npz": {"arr_0": X, "arr_1": Y},
    "images.npz": {"x": np.zeros((6, 28, 28), dtype=np.uint8), "y": Y},
    "half.npz": {"x": X.astype(np.float16), "y": Y},
    "fortran.npz": {"x": np.asfortranarray(X), "y": Y},
    "big-endian.npz": {"x": X.astype(">f4"), "y": Y.astype(">i2")},
    "text-groups.npz": {"x": X, "y": Y, "group": np.array(["eva", "tom"] * 3)},
    "other-names.npz": {"signal": X, "state": Y},
    "half-classes.npz": {"x": X, "y": Y * 0.5},
}
