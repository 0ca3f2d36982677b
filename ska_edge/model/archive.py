"""Reads the bytes of a model file: version 3, and version 2 of earlier programs."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.model.assembly import Parts, assembled
from ska_edge.model.model_file import Model
from ska_edge.model.sealed import MAGIC, REFERENCE, SEAL, VERSION, reference_place, seal
from ska_edge.network.state import State
from ska_edge.npz import Archive
from ska_edge.plan.plan import Plan

READ = (2, VERSION)  # readable versions; version 2 has the parameters, but nothing else of a state
# The errors of Python and numpy for a part that has a wrong type or size.
MISFITS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def model_from_archive(path: Path, content: bytes, wanted: str = "a ska-edge model") -> Model:
    """Read the model from the bytes of a model file.

    Raises InputError for a damaged file, a file of another kind, or another version. The sentence
    names `path`; for a file of another kind, it says that the file is not `wanted`.
    """
    archive = _opened(path, content, wanted)
    try:
        header = json.loads(archive.read("header").tobytes())
        magic, version = header["magic"], header["version"]
    except Exception as error:  # a damaged byte can cause any error in zipfile and numpy
        raise InputError(f"{path} is not {wanted}") from error
    if magic != MAGIC:
        raise InputError(f"{path} is not {wanted}")
    if type(version) is not int or version not in READ:
        raise InputError(
            f"{path} has model version {version!r:.40}, but this program reads {READ[0]} and"
            f" {READ[1]}"
        )
    if version == VERSION and content[-SEAL:] != seal(content[:-SEAL]):
        raise InputError(f"{path} is damaged: its contents do not match their digest")
    try:
        arrays = {name: archive.read(name) for name in archive.names if name != "header"}
    except Exception as error:
        raise InputError(f"{path} is not {wanted}, or it is damaged") from error
    if version != VERSION and header.get("content") != _content_digest(arrays):
        raise InputError(f"{path} is damaged: its contents do not match their digest")
    try:
        return assembled(_parts(header, arrays))
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    except MISFITS as error:
        raise InputError(f"{path} is damaged: a part is missing") from error


def _opened(path: Path, content: bytes, wanted: str) -> Archive:
    try:
        archive = Archive(io.BytesIO(content))
        size = sum(archive.header(name).size for name in archive.names)
    except Exception as error:  # a damaged byte can cause any error here, too
        raise InputError(f"{path} is not {wanted}, or it is damaged") from error
    if size > len(content):
        raise InputError(f"{path} is not {wanted}: its arrays are compressed")
    return archive


def _parts(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Parts:
    reference = {
        reference_place(name): array for name, array in arrays.items() if name.startswith(REFERENCE)
    }
    return Parts(
        plan=header["plan"],
        state=lambda plan: _state(plan, arrays),
        step=header["step"],
        mean=arrays["mean"],
        scale=arrays["scale"],
        limit=float(_checked(arrays["limit"], "f8")[0]),
        ranges=header["ranges"],
        notes=header["notes"],
        reference=reference or None,
        target_mean=arrays.get("target_mean"),
        target_scale=arrays.get("target_scale"),
    )


def _state(plan: Plan, arrays: dict[str, NDArray[Any]]) -> State:
    if "parameters" in arrays:
        return State(plan, _checked(arrays["parameters"], "i4"))
    return State.from_bytes(plan, _checked(arrays["state"], "u1").tobytes())


def _checked(values: NDArray[Any], kind: str) -> NDArray[Any]:
    """Return the array; raise TypeError unless it has one dimension and this type."""
    if values.dtype.str[1:] != kind or values.ndim != 1:
        raise TypeError(f"{values.dtype} of shape {values.shape}")
    return values


def _content_digest(arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
