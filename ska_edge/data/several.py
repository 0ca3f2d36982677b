"""Joins several files into one data set: the files of a folder, of a pattern, or of a list."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.classes import class_array
from ska_edge.data.dataset import Dataset
from ska_edge.data.formats.table_file import TABLES
from ska_edge.data.memory import check_memory
from ska_edge.errors import InputError
from ska_edge.plural import counted, listed

SUFFIXES = (*TABLES, ".npz")  # the files of a folder that are read


def files_of(source: str | os.PathLike[str]) -> list[Path]:
    """Return the files that a source names; an empty list if it is not a folder, pattern or list.

    For a folder, the result is its data files. For a pattern such as `run*.csv`, the result is the
    files that match. In both cases, the files are in the order of their names. A list has commas
    between the names of existing files.

    Raises InputError if a folder has no data files, if no file matches a pattern, or if a file
    occurs twice.
    """
    found = _found(os.fspath(source), Path(source))
    seen: dict[Path, Path] = {}
    for each in found:
        other = seen.setdefault(each.resolve(), each)
        if other is not each:  # the same row could be learned in one copy and tested in the other
            raise InputError(f"{each} is the same file as {other}; name each file once")
    return found


def _found(text: str, path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(each for each in path.iterdir() if _is_data(each))
        if not found:
            raise InputError(
                f"{path} is not a file, and as a folder it has no data files; they end in"
                f" {', '.join(SUFFIXES)}"
            )
        return found
    if path.exists():
        return []
    if glob.has_magic(text):
        found = [Path(name) for name in sorted(glob.glob(text, recursive=True))]
        if not found:
            raise InputError(f"no file matches {text!r}")
        return found
    listed = [Path(name) for name in text.split(",")]
    return listed if len(listed) > 1 and all(each.is_file() for each in listed) else []


def has_files(folder: Path) -> bool:
    """Tell whether a folder itself has data files, not only the folders in it."""
    return any(map(_is_data, folder.iterdir()))


def check_outside(path: Path, source: str | os.PathLike[str], recorded: bool = False) -> None:
    """Raise InputError if a new file at `path` would be among the data files that `source` names.

    The next command would read this file as data. `recorded` tells that data are read as
    recordings, which are also read from the folders in a folder.
    """
    text, folder = os.fspath(source), Path(source)
    if not _is_data(path):
        return
    if folder.is_dir():
        parents = path.resolve().parents
        inside = folder.resolve() in (parents if recorded else parents[:1])
    elif glob.has_magic(text) and not folder.exists():
        inside = fnmatch.fnmatch(os.path.abspath(path), os.path.abspath(text))
    else:
        return
    if inside:
        raise InputError(
            f"{path} would be one of the data files of {text} the next time; write it to another"
            " folder"
        )


def files_found(source: str | os.PathLike[str]) -> list[Path]:
    """Return the files as `files_of` does; an empty list if the source cannot be a path."""
    try:
        return files_of(source)
    except (OSError, ValueError):
        return []


def name_of(source: str | os.PathLike[str]) -> str:
    """Return the name of data without reading them: of a file, or of the folder of several files.

    Raises InputError as `files_of` does.
    """
    if Path(source).is_dir():
        return Path(os.path.abspath(source)).name or "data"
    files = files_found(source)
    return folder_of(files) if files else Path(source).stem


def folder_of(paths: Sequence[Path]) -> str:
    """Return the name of the folder that has all of these files, in it or below it."""
    parents = [os.path.dirname(os.path.abspath(path)) for path in paths]
    return Path(os.path.commonpath(parents)).name or "data"


def _is_data(path: Path) -> bool:
    """Tell whether a file of a folder is read; hidden files are not."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def load_several(
    name: str,
    paths: Sequence[Path],
    load: Callable[[Path], Dataset],
    max_memory: int,
    trained: bool = False,
) -> Dataset:
    """Load files and join them in their order; `name` is the source that names the files.

    Inputs are matched by name, or by position if no file names them. A class need not be in every
    file. Files of windows must all have the same layout. `trained` tells whether the data are for a
    trained model.

    Raises InputError if the inputs or targets of the files differ, if only some files name their
    inputs, have groups or have windows, if windows were cut differently, or if all files together
    take more than `max_memory` MB.
    """
    parts: list[Dataset] = []
    for path in paths:
        part = load(path)
        if parts:
            _check_windows(paths[0], parts[0], path, part)
            _check_alike(paths[0], parts[0], path, part, trained)
            part = part.with_features(parts[0].features)
        parts.append(part)
        check_memory(Path(name), sum(each.x.nbytes for each in parts), max_memory)
    parts, targets = _alike_outputs(parts)
    group, group_names = _groups(parts)
    first = parts[0]
    file, names = _files(paths, parts)
    dialects = [part.dialect for part in parts]
    return replace(
        first,
        name=folder_of(paths),
        x=np.concatenate([part.x for part in parts]),
        y=np.concatenate([part.y for part in parts]),
        targets=targets,
        group=group,
        group_names=group_names,
        file=file,
        file_names=names,
        tested=_tested(parts),
        time=first.time if all(part.time for part in parts) else "",
        origin=joined_origin(name, paths, first.origin, dialects),
        dialect=first.dialect if len({*dialects}) == 1 else "",
        doubts=first.doubts if all(part.doubts for part in parts) else (),
        starts=_joined(_starts(parts)),
        windows=_joined([part.windows for part in parts]),
    )


def _joined(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """Return all rows of the parts; None unless each part has some."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _starts(parts: Sequence[Dataset]) -> list[NDArray[np.int64] | None]:
    """Return the starts of the windows of each part, such that those of two parts are far apart."""
    found: list[NDArray[np.int64] | None] = []
    first = 0
    for part in parts:
        if part.layout is None or part.starts is None:
            found.append(None)
            continue
        starts = part.starts + first
        first = int(starts.max(initial=first)) + 2 * part.layout.length
        found.append(starts)
    return found


def _files(paths: Sequence[Path], parts: Sequence[Dataset]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the number of the file of each row, and the names of the files.

    In place of a file of windows that names its recordings, there are the recordings.
    """
    numbers: list[NDArray[Any]] = []
    names: list[str] = []
    for title, part in zip(titles(paths), parts, strict=True):
        own = np.zeros(len(part.y), np.int64) if part.layout is None else part.file
        inside = part.layout is not None and part.file is not None
        numbers.append(len(names) + (np.zeros(len(part.y), np.int64) if own is None else own))
        names += [f"{title}: {each}" for each in part.file_names] if inside else [title]
    return np.concatenate(numbers), tuple(names)


def _check_windows(first_path: Path, first: Dataset, path: Path, part: Dataset) -> None:
    """Raise InputError if only one of two files has windows, or if they were cut differently."""
    one, other = first.layout, part.layout
    if (one is None) != (other is None):
        raise InputError(f"only one of {first_path} and {path} has windows; join files of one kind")
    if one is None or other is None:
        return
    alike = (one.length, one.hop, one.axes, one.rate, first.front) == (
        other.length,
        other.hop,
        other.axes,
        other.rate,
        part.front,
    )
    if not alike:
        raise InputError(
            f"{first_path} has windows of {one.described}, hop {one.hop}, but {path} has windows of"
            f" {other.described}, hop {other.hop}; cut all recordings at once"
        )


def _alike_outputs(parts: list[Dataset]) -> tuple[list[Dataset], NDArray[np.float64] | None]:
    if parts[0].targets is None:
        labels = _names([part.labels for part in parts])
        return [part.with_classes(labels) for part in parts], None
    parts = [part.with_targets(parts[0].labels) for part in parts]
    return parts, np.concatenate([part.targets for part in parts if part.targets is not None])


def titles(paths: Sequence[Path]) -> list[str]:
    """Return the name of each file, with as much of its folder as makes the names different."""
    found: dict[Path, str] = {}
    depth = 1
    while len(found) < len(paths):
        names = {path: Path(*path.parts[-depth:]).as_posix() for path in paths if path not in found}
        counts = Counter(names.values())
        found |= {path: name for path, name in names.items() if counts[name] == 1}
        depth += 1
    return [found[path] for path in paths]


def check_named(
    first_path: Path, first: Sequence[str] | None, path: Path, names: Sequence[str] | None
) -> None:
    """Raise InputError if only one of two files names its inputs.

    The order of the inputs in the other file would be unknown. `first` and `names` are the names of
    the inputs, or None.
    """
    if (first is None) != (names is None):
        has, lacks = (path, first_path) if first is None else (first_path, path)
        raise InputError(
            f"{has} names its columns, but {lacks} does not, so the order of its columns is"
            " unknown; give all files names for their columns, or none"
        )


def _check_alike(
    first_path: Path, first: Dataset, path: Path, part: Dataset, trained: bool
) -> None:
    check_named(first_path, first.features, path, part.features)
    if first.features and part.features:
        for name in sorted({*first.features} ^ {*part.features}):
            has, lacks = (path, first_path) if name in part.features else (first_path, path)
            advice = "all files need the inputs of the model" if trained else "drop it"
            raise InputError(f"{has} has the input {name}, but {lacks} has not; {advice}")
    if part.x.shape[1] != first.x.shape[1]:
        raise InputError(
            f"{path} has {counted(part.x.shape[1], 'input')}, but {first_path} has"
            f" {first.x.shape[1]}; files that belong together have the same"
        )
    if (part.group is None) != (first.group is None):
        raise InputError(
            f"only one of {first_path} and {path} has groups; all files need them, or none"
        )


def _names(lists: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return all names in sorted order; if all are integers, sort them as numbers."""
    distinct = class_array(sorted({name for names in lists for name in names}))
    return tuple(str(name) for name in np.sort(distinct))


def _groups(parts: Sequence[Dataset]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Return the group of each row of all parts, and the names of the groups if any are text."""
    given = [(part, part.group) for part in parts if part.group is not None]
    if not given:
        return None, ()
    if not any(part.group_names for part in parts):
        return np.concatenate([group for _, group in given]), ()
    texts = [
        np.array(part.group_names)[group] if part.group_names else group.astype(np.str_)
        for part, group in given
    ]
    names, numbers = np.unique(np.concatenate(texts), return_inverse=True)
    return numbers.astype(np.int64), tuple(str(name) for name in names)


def _tested(parts: Sequence[Dataset]) -> NDArray[np.bool_] | None:
    if all(part.tested is None for part in parts):
        return None
    none = [np.zeros(len(part.y), dtype=np.bool_) for part in parts]
    masks = [
        empty if part.tested is None else part.tested
        for part, empty in zip(parts, none, strict=True)
    ]
    return np.concatenate(masks)


def joined_origin(name: str, paths: Sequence[Path], origin: str, dialects: Sequence[str]) -> str:
    """Return one line that names the files, and says how the first file is read.

    `origin` is the line about the first file. `dialects` has the dialect of each file; if they
    differ, the line also names the unusual dialects.
    """
    files = titles(paths)
    how = origin.removeprefix(f"{paths[0]}: ")
    parts = [f"{counted(len(files), 'file')} ({listed(files)})"]
    if len({*dialects}) > 1:
        how = how.removeprefix(dialects[0]).removeprefix("; ")
        for dialect in sorted({*dialects} - {""}):
            such = [file for file, each in zip(files, dialects, strict=True) if each == dialect]
            parts.append(f"{dialect} ({listed(such)})")
    return f"{name}: {'; '.join([*parts, how] if how else parts)}"
