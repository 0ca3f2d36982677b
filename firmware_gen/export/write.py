"""Writes an export into a folder; replaces an earlier export there, and keeps edited files."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_gen.emit.names.prefix import DEFAULT, check_prefix, renamed
from firmware_gen.export.library import CONFIG, NAME, TEMPLATES, source_files
from firmware_gen.export.table import EXPORTS, Export
from firmware_gen.folder.edits import edited, leads_out, require_no_loss, sha256_of
from firmware_gen.folder.swap import finish, is_left_over, swap_files
from firmware_gen.project import check_learns
from ska_edge.errors import InputError
from ska_edge.files import refusal
from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan

DESCRIPTION = "ska-export.json"
SHARED = TEMPLATES / "library"
LICENSE = "LICENSE"
USE = "use.md"
"""The file with the part that the READMEs of several exports share."""


@dataclass(frozen=True, slots=True)
class Written:
    """An export in a folder.

    Attributes:
        folder: the folder.
        name: the name of the library.
        title: what the export is.
        digest: the digest of the plan.
        kept: the names of the edited files that were not overwritten.
    """

    folder: Path
    name: str
    title: str
    digest: str
    kept: tuple[str, ...] = ()


def write_export(
    kind: str,
    plan: Plan,
    parameters: NDArray[np.integer],
    folder: Path,
    inputs: Mapping[str, Any] | None = None,
    key: bytes | None = None,
    prefix: str = DEFAULT,
    memory: Memory | None = None,
) -> Written:
    """Write the export EXPORTS[kind]; the library gets the name of the folder.

    The same input gives the same files. If the folder has an earlier export, its files are
    replaced. If this program is interrupted, the next call finds either the old files or the new
    ones. Edited files are kept; `Written.kept` names them. The only generated C file that may be
    edited is ska_config.h. `write_project` describes `inputs`, `key` and `memory`, and its `name`
    is the `prefix` of this function.

    Raises:
        InputError: the plan cannot learn on a device, or is a regression; the prefix or the
            folder's name cannot be used; the folder holds something else, or an edited file that
            would be lost; it cannot be read or written.
    """
    check_learns(plan)
    if plan.regression:
        raise InputError(
            f"the export {kind} has examples for classes only, and the model is a regression; write"
            " a project for a board, and copy its src folder"
        )
    export, name = EXPORTS[kind], folder.resolve().name
    check_prefix(prefix, export.modules)
    earlier = _earlier(folder)
    features = (inputs or {}).get("features")
    sources = source_files(plan, parameters, name, export, key, features, prefix, memory)
    values = {
        "@USE@": renamed((SHARED / USE).read_text(encoding="utf-8"), prefix),
        "@SYMBOL@": f"{prefix.upper()}_{name.upper().replace('-', '_')}",
        "@DIGEST@": plan.digest,
        "@MODULE@": prefix,
        NAME: name,
    }
    files = _files(kind, export, values, sources, prefix)
    kept = _edits_to_keep(folder, earlier, files, set(sources) - {renamed(CONFIG, prefix)})
    description = {
        "export": kind,
        "name": prefix,
        "digest": plan.digest,
        "labels": plan.labels,
        "input": {"format": plan.layers[0].input.name, **(inputs or {})},
        "files": {file: sha256_of(files[file]) for file in sorted(files)},
    }
    written = {file: content for file, content in files.items() if file not in kept}
    written[DESCRIPTION] = (json.dumps(description, indent=1) + "\n").encode()
    swap_files(folder, written, set(earlier or ()) - set(files))
    return Written(folder, name, export.title, plan.digest, kept)


def _files(
    kind: str, export: Export, values: Mapping[str, str], sources: Mapping[str, str], prefix: str
) -> dict[str, bytes]:
    """Return the path and content of every file of an export, without its description.

    `values` has the text for each word such as @NAME@.
    """
    library = Path(export.library)
    texts: dict[Path, str] = {}
    for place, source in {str(library / LICENSE): LICENSE, **export.shared}.items():
        texts[Path(place)] = (SHARED / source).read_text(encoding="utf-8")
    folder = TEMPLATES / kind
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        texts[path.relative_to(folder)] = path.read_text(encoding="utf-8")
    texts = {
        Path(renamed(str(path), prefix)): renamed(text, prefix) for path, text in texts.items()
    }
    texts.update((library / "src" / file, text) for file, text in sources.items())
    filled = {}
    for path, text in texts.items():
        for word, value in values.items():
            text = text.replace(word, value)
        filled[path.as_posix().replace(NAME, values[NAME])] = text.encode()
    return filled


def _earlier(folder: Path) -> Mapping[str, str] | None:
    """Return the digests of the files of the export in a folder; None if there is nothing.

    Raises:
        InputError: the folder is a file, has other contents, has a damaged description, or cannot
            be read.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the export")
    finish(folder)
    path = folder / DESCRIPTION
    try:
        if not path.exists():
            if all(is_left_over(inside.name) for inside in folder.iterdir()):
                return None
            raise InputError(
                f"{folder} is not empty and holds no ska-edge export; give another folder"
            )
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        if any(leads_out(name) or not isinstance(files[name], str) for name in files):
            raise TypeError
    except OSError as error:
        raise refusal("read", path, error) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is damaged; give another folder") from error
    return dict(files)


def _edits_to_keep(
    folder: Path,
    earlier: Mapping[str, str] | None,
    files: Mapping[str, bytes],
    fixed: Collection[str],
) -> tuple[str, ...]:
    """Return the names of the edited files to keep: all but those with the names in `fixed`.

    Raises:
        InputError: generated C was edited, or a file that was not generated would be lost.
    """
    if earlier is None:
        return ()
    changed = edited(folder, earlier, files)
    kept = [
        name
        for name in changed
        if name in earlier and name in files and Path(name).name not in fixed
    ]
    require_no_loss(folder, [name for name in changed if name not in kept])
    return tuple(kept)
