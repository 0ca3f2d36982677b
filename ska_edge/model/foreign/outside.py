"""Reads the tensors that an exporter wrote to another file beside the ONNX file."""

from __future__ import annotations

import stat
from pathlib import Path

import onnx

from ska_edge.errors import InputError
from ska_edge.files import refusal

MOST_BYTES = 2**28  # all outside tensors together have at most this many bytes


def with_outside_tensors(path: Path, found: onnx.ModelProto) -> None:
    """Put tensors from files beside `path` into the graph.

    A file in another folder, a link and a device are not read. Raises InputError for those, for a
    file that is missing, cut or not readable, and for more than `MOST_BYTES`.
    """
    left = MOST_BYTES
    for tensor in found.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        name = entries.get("location", "")
        beside = path.parent / name
        if not name or Path(name).name != name or "\0" in name:
            raise InputError(
                f"{path}: the tensor {tensor.name!r} is in {name!r}, outside of the file's folder:"
                " save the network as one file"
            )
        start, length = _number(entries, "offset"), _number(entries, "length")
        left -= length
        if left < 0:
            raise InputError(
                f"{path} has more than {MOST_BYTES} bytes of tensors: too many to import"
            )
        tensor.raw_data = _part(path, beside, start, length)
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _number(entries: dict[str, str], name: str) -> int:
    text = entries.get(name, "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _part(path: Path, beside: Path, start: int, length: int) -> bytes:
    try:
        if not stat.S_ISREG(beside.lstat().st_mode):
            raise InputError(f"{beside} is not a file: save the network as one file")
        with beside.open("rb") as file:
            file.seek(start)
            content = file.read(length)
    except FileNotFoundError as error:
        raise InputError(
            f"{path} keeps tensors in {beside}, which is missing: copy that file, too, or save the"
            " network as one file"
        ) from error
    except OSError as error:
        raise refusal("read", beside, error) from error
    if len(content) != length:
        raise InputError(f"{beside} is cut: export the network again")
    return content
