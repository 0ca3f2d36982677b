"""Reads tables of samples from npz files; errors name array and index."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.memory import FEATURE, MAX_MEMORY, check_memory
from ska_edge.data.tables.columns import repeated
from ska_edge.data.tables.number import check_inputs
from ska_edge.errors import InputError
from ska_edge.npz import Archive

KEYS = ("x", "X", "y", "labels", "group", "feature_names")
SINGLE = b"\x93NUMPY"  # first bytes of a file with a single array


def read_npz(path: Path, max_memory: int = MAX_MEMORY) -> dict[str, NDArray[Any]]:
    """Read the arrays of an npz file with data, by name.

    Raises InputError if the file cannot be read, is damaged or no npz file, or needs more than
    `max_memory` MB with float64 features. A file that needs more is not unpacked.
    """
    try:
        # numpy only warns about unusual headers, but here a file is either accepted or refused.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            if file.read(len(SINGLE)) == SINGLE:
                raise InputError(f"{path} is a single array, not an npz file with x and y")
            archive = Archive(file)
            for key in KEYS:
                if key in archive.foreign:
                    raise InputError(f"{path}: '{key}' is not an array")
            keys = [key for key in KEYS if key in archive.names]
            headers = {key: archive.header(key) for key in keys}
            features = sum(math.prod(headers[key].shape) for key in ("x", "X") if key in headers)
            needed = sum(header.size for header in headers.values()) + features * FEATURE
            check_memory(path, needed, max_memory)
            return {key: archive.read(key) for key in keys}
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a damaged zip or header can raise many types of errors
        raise InputError(f"{path} is damaged or no npz file without pickles: {error}") from error


def npz_features(path: Path, content: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the features (samples, inputs) of an npz file; raise InputError for unusable ones."""
    inputs = "x" if "x" in content or "X" not in content else "X"
    if inputs not in content:
        raise InputError(lacks(path, inputs, content))
    x = content[inputs]
    if x.dtype.kind not in "fiub" or x.ndim != 2 or not x.shape[0] or not x.shape[1]:
        raise InputError(
            f"{path}: {inputs} must be numbers of shape (samples, inputs), not {kind_of(x)}"
        )
    with np.errstate(all="ignore"):  # without warnings: infinite values are refused below
        x = x.astype(np.float64)
    check_inputs(f"{path}: {inputs}", x, "inputs")
    return x


def npz_feature_names(
    path: Path, content: dict[str, NDArray[Any]], inputs: int
) -> tuple[str, ...] | None:
    """Return the names of the features; raise InputError unless each has a name of its own."""
    names = content.get("feature_names")
    if names is None:
        return None
    given = tuple(str(name) for name in names.ravel().tolist())
    twice = repeated(given)
    if twice is not None:
        raise InputError(f"{path}: '{twice}' occurs twice in feature_names")
    if names.dtype.kind != "U" or names.shape != (inputs,):
        raise InputError(
            f"{path}: feature_names must be different texts of shape ({inputs},), one per feature,"
            f" not {kind_of(names)}"
        )
    if not all(given):
        raise InputError(f"{path}: feature_names[{given.index('')}] is empty")
    return given


def lacks(path: Path, key: str, content: dict[str, NDArray[Any]]) -> str:
    """Return the sentence of the error for a missing array."""
    held = ", ".join(sorted(content)) or "nothing"
    return f"{path} has no array '{key}' (it holds {held}); it needs x and y"


def kind_of(values: NDArray[Any]) -> str:
    """Return the type and shape of an array, for a sentence."""
    return f"{values.dtype} of shape {values.shape}"
