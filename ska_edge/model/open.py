"""Opens a model file or an ONNX file, distinguished by its content."""

from __future__ import annotations

import os
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.targets import REGRESSION
from ska_edge.errors import InputError
from ska_edge.files import path_of, refusal
from ska_edge.model.archive import model_from_archive
from ska_edge.model.model_file import Model

if TYPE_CHECKING:
    from onnx import ModelProto

    from ska_edge.model.foreign.network import ForeignNetwork

ZIP = b"PK"  # the first bytes of every zip archive
ONNX = b"\x08"  # the tag of an ONNX file's first field, the version of its format
LARGEST_FILE = 2**28  # bytes; any model for a microcontroller is much smaller
CHUNK = 2**20
MOST_CHUNKS = LARGEST_FILE // CHUNK + 1


def open_model(path: str | os.PathLike[str]) -> Model:
    """Open a model from a `.ska` file or an integer ONNX file, whatever its name.

    A model from ONNX has no float twin. Raises InputError, with the reason, for a file that cannot
    be read, for a file of another kind, for a damaged or edited file, and for numbers that the
    arithmetic does not support.
    """
    path = path_of(path)
    found = _opened(path)
    if isinstance(found, Model):
        return found
    raise InputError(
        f"{path} was not exported by ska-edge, so it has no integers of a device:"
        f" `ska-edge check-onnx {path} DATA -o model.ska` imports it"
    )


def task_of(task: str | None, base: Model | ForeignNetwork | None) -> str | None:
    """Return the task of a training that starts from `base`: `task`, if it is given.

    Otherwise it is regression if `base` is a model of a regression, and None if not.
    """
    if task is not None:
        return task
    return REGRESSION if isinstance(base, Model) and base.plan.regression else None


def cuts_windows(base: Model | ForeignNetwork | None) -> Inputs | None:
    """Return the inputs of `base` if they are windows of recordings, otherwise None.

    The data of a training that starts from `base` are cut into the same windows.
    """
    return base.takes if isinstance(base, Model) and base.layout is not None else None


def open_start(
    path: str | os.PathLike[str], wanted: str = "a ska-edge model"
) -> Model | ForeignNetwork:
    """Open what a training can start from: a model, or a network from another program.

    For a file of another kind, the error says that the file is not `wanted`. Raises InputError as
    `open_model` does for files of ska-edge, and for a network that cannot be imported.
    """
    path = path_of(path)
    found = _opened(path, wanted)
    if isinstance(found, Model):
        return found
    from ska_edge.model.foreign.graph import read_foreign

    return read_foreign(path, found)


def _opened(path: Path, wanted: str = "a ska-edge model") -> Model | ModelProto:
    """Return the model in a file, or the content of an ONNX file from another program."""
    named_onnx = path.suffix.lower() == ".onnx"  # matters only if the content says nothing
    content = _content(path, "ONNX" if named_onnx else "model")
    if content.startswith(ZIP):
        return model_from_archive(path, content, wanted)
    if not (content.startswith(ONNX) or named_onnx):
        raise InputError(f"{path} is not {wanted}, or it is damaged")
    # Imported here, because onnx is slow to import and a model file does not need it.
    from ska_edge.model.onnx.read import model_or_graph

    return model_or_graph(path, content)


def _content(path: Path, kind: str) -> bytes:
    try:
        with path.open("rb") as file:
            fits = os.fstat(file.fileno()).st_size <= LARGEST_FILE
            chunks = iter(partial(file.read, CHUNK), b"")
            content = b"".join(islice(chunks, MOST_CHUNKS if fits else 0))
    except FileNotFoundError as error:
        raise InputError(f"there is no {kind} file {path}") from error
    except OSError as error:
        raise refusal("read", path, error) from error
    except ValueError as error:  # a null byte in the name
        raise InputError(f"{str(path)!r} cannot be a path: {error}") from error
    if not fits or len(content) > LARGEST_FILE:  # the second test is for a pipe, which has no size
        raise InputError(f"{path} is no model: it has more than {LARGEST_FILE} bytes")
    return content
