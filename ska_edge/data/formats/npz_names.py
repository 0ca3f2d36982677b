"""Finds the arrays of data in an npz file, by their usual names."""

from __future__ import annotations

from collections.abc import Sequence

# The names for each purpose, in lower case; the first name that is in the file is used.
INPUTS = ("x", "data", "features", "images", "arr_0")
TRUTH = ("y", "target", "targets", "label", "labels", "arr_1")
CLASS_NAMES = ("labels", "target_names", "class_names", "classes")
OTHERS = {
    "group": ("group", "groups"),
    **{
        key: (key,)
        for key in (
            *("feature_names", "tested", "from_file", "file_names", "time_column"),
            *("layout", "starts"),
        )
    },
}
PARTS = ("train", "test")


def purposes(names: Sequence[str]) -> dict[str, str]:
    """Return the name of each used array in the file, by its purpose.

    The purposes are x and y, or x_train, y_train, x_test and y_test; and labels, group,
    feature_names, tested, from_file, file_names, time_column, layout and starts. Upper and lower
    case are the same, but x is used rather than X if the file has both.
    """
    known: dict[str, str] = {}
    for name in sorted(names, reverse=True):  # lower case comes first
        known.setdefault(name.lower(), name)
    found: dict[str, str] = {}
    if not _take(known, found, {"x": INPUTS}):
        for part in PARTS:
            _take(known, found, {f"x_{part}": _of_part(INPUTS, part)})
            _take(known, found, {f"y_{part}": _of_part(TRUTH, part)})
    if "x" in found or not found:
        _take(known, found, {"y": TRUTH})
    left = {key: name for key, name in known.items() if name not in found.values()}
    _take(left, found, {"labels": CLASS_NAMES, **OTHERS})
    return found


def said(found: dict[str, str]) -> str:
    """Return what is unusual about the used arrays, in a few words, or ""."""
    if "x_train" in found:
        return "rows to learn and test rows as the file has them" if "x_test" in found else ""
    x, y = found.get("x", "x"), found.get("y", "y")
    return "" if (x.lower(), y.lower()) == ("x", "y") else f"inputs from {x}; labels from {y}"


def _of_part(names: Sequence[str], part: str) -> tuple[str, ...]:
    """Return the names of one part of a split, such as x_train and train_x."""
    return tuple(form for name in names for form in (f"{name}_{part}", f"{part}_{name}"))


def _take(known: dict[str, str], found: dict[str, str], wanted: dict[str, tuple[str, ...]]) -> bool:
    """Add the first known name of each purpose to `found`; tell whether any name was added."""
    before = len(found)
    for purpose, names in wanted.items():
        name = next((known[name] for name in names if name in known), None)
        if name is not None:
            found[purpose] = name
    return len(found) > before
