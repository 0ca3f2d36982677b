"""Reads tables of samples from npz files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.formats.npz_names import PARTS, purposes, said
from ska_edge.data.memory import FEATURE, MAX_MEMORY, check_memory
from ska_edge.data.tables.columns import repeated
from ska_edge.data.tables.number import check_inputs
from ska_edge.errors import InputError
from ska_edge.npz import Archive
from ska_edge.plural import listed

SINGLE = b"\x93NUMPY"  # first bytes of a file with a single array


@dataclass(frozen=True)
class Content:
    """The arrays of an npz file that are used.

    Attributes:
        arrays: the arrays by purpose: always x; y, labels and those of `npz_names.OTHERS` if the
            file has them.
        names: the name of each array in the file, by purpose.
        held: the names of all arrays of the file.
        origin: what is unusual about the arrays, in one line, or "".
    """

    arrays: dict[str, NDArray[Any]]
    names: dict[str, str]
    held: tuple[str, ...]
    origin: str = ""

    def get(self, purpose: str) -> NDArray[Any] | None:
        """Return an array; None if there is none."""
        return self.arrays.get(purpose)

    def name(self, purpose: str) -> str:
        """Return the name that the array with this purpose has in the file."""
        return self.names.get(purpose, purpose)


def read_npz(path: Path, max_memory: int = MAX_MEMORY) -> Content:
    """Read the arrays of an npz file with data; see `npz_names.purposes` for their names.

    x is (rows, inputs), or has more dimensions, such as images (rows, height, width). If the file
    has its own split, the rows to learn come first, and `tested` tells which rows are held out.

    Raises InputError if the file cannot be read, is damaged, is not an npz file, lacks an array, or
    needs more than `max_memory` MB. A file that needs more is not unpacked.
    """
    try:
        # numpy only warns about unusual headers, but here a file is either accepted or refused.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            if file.read(len(SINGLE)) == SINGLE:
                raise InputError(f"{path} is a single array, not an npz file with x and y")
            archive = Archive(file)
            names = purposes([*archive.names, *archive.foreign])
            for name in names.values():
                if name in archive.foreign:
                    raise InputError(f"{path}: '{name}' is not an array")
            headers = {key: archive.header(name) for key, name in names.items()}
            features = sum(math.prod(headers[key].shape) for key in headers if key[0] == "x")
            needed = sum(header.size for header in headers.values()) + features * FEATURE
            check_memory(path, needed, max_memory)
            arrays = {key: archive.read(name) for key, name in names.items()}
            held = tuple(archive.names)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a damaged zip or header can raise many types of errors
        raise InputError(
            f"{path} is damaged, is not an npz file, or has pickled objects: {error}"
        ) from error
    if not any(key[0] == "x" for key in arrays):
        raise InputError(lacks(path, "x", held))
    shape = next(arrays[key].shape for key in arrays if key[0] == "x")
    parts = [said(names)] if said(names) else []
    if len(shape) > 2:
        size = " x ".join(map(str, shape[1:]))
        parts.append(f"images of {size} are rows of {math.prod(shape[1:])} inputs")
    found = Content(arrays, names, held, f"{path}: {'; '.join(parts)}" if parts else "")
    return _joined(path, found) if "x_train" in arrays or "x_test" in arrays else found


def _joined(path: Path, content: Content) -> Content:
    """Join the training and test rows of a file, and add the mask `tested` (rows,) if it has both.

    Raises InputError if a part lacks its labels, or if the shapes of the parts do not match.
    """
    arrays, names = dict(content.arrays), dict(content.names)
    for kind in ("x", "y"):
        parts = [f"{kind}_{part}" for part in PARTS if f"{kind}_{part}" in arrays]
        for part in PARTS:
            if parts and f"x_{part}" in content.arrays and f"{kind}_{part}" not in parts:
                raise InputError(lacks(path, f"{kind}_{part}", content.held))
        values = [arrays.pop(key) for key in parts]
        if kind == "x":
            tested = np.repeat([part == "x_test" for part in parts], [len(v) for v in values])
        if len({v.shape[1:] for v in values}) > 1:
            shapes = " and ".join(str(v.shape) for v in values)
            raise InputError(
                f"{path}: {content.name(parts[0])} and {content.name(parts[1])} have the shapes"
                f" {shapes}; all rows need the same"
            )
        if values:
            arrays[kind] = np.concatenate(values)
            names[kind] = content.name(parts[0])
    if tested.any() and not tested.all():
        arrays["tested"] = tested
    return replace(content, arrays=arrays, names=names)


def npz_features(path: Path, content: Content) -> NDArray[Any]:
    """Return the features (samples, inputs) of an npz file; raise InputError for unusable ones."""
    x, name = content.arrays["x"], content.name("x")
    if x.dtype.kind not in "fiub" or x.ndim < 2 or not x.size:
        raise InputError(
            f"{path}: {name} must be numbers of shape (samples, inputs), not {kind_of(x)}"
        )
    with np.errstate(all="ignore"):  # without warnings: infinite values are refused below
        # Small integers keep their type, which takes less memory. Another order of the elements in
        # memory would change the last bits of sums.
        small = x.dtype.kind in "iu" and x.dtype.itemsize <= 2
        kind = x.dtype.newbyteorder("=") if small else np.dtype(np.float64)
        x = x.reshape(len(x), -1).astype(kind, order="C")
    if not small:
        check_inputs(f"{path}: {name}", x, "inputs")
    return x


def npz_feature_names(path: Path, content: Content, inputs: int) -> tuple[str, ...] | None:
    """Return the names of the features, or None; raise InputError unless each has its own name."""
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


def lacks(path: Path, key: str, held: Sequence[str]) -> str:
    """Return the sentence of the error for a missing array."""
    shown = listed(sorted(held), " ...")
    return f"{path} has no array '{key}' (it holds {shown or 'nothing'}); it needs x and y"


def kind_of(values: NDArray[Any]) -> str:
    """Return the type and shape of an array, for a sentence."""
    return f"{values.dtype} of shape {values.shape}"
