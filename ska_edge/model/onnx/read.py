"""Restores a model, bit for bit, from its ONNX file in the integer form."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ska_edge.errors import InputError
from ska_edge.model.assembly import Parts, assembled
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import CONTENT, PREFIX, content_digest, exported_as
from ska_edge.model.onnx.input import FEATURES, INTEGERS, taken
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan


def model_or_graph(path: Path, content: bytes) -> Model | onnx.ModelProto:
    """Read the bytes of an ONNX file: a model of ska-edge, or the file of another program.

    Raises InputError as `_restored` does, and for bytes that are not an ONNX file.
    """
    try:
        found: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except Exception as error:  # protobuf's errors have no common base class
        raise InputError(f"{path} is no ONNX file, or it is damaged: export it again") from error
    if any(_text(entry.key) == f"{PREFIX}form" for entry in found.metadata_props):
        return _restored(path, found)
    return found


def _restored(path: Path, found: onnx.ModelProto) -> Model:
    """Restore a model from its integer form; `path` is for error sentences.

    The file has everything except the float twin. Raises InputError if the file has the float form,
    is damaged, or was changed after the export. Every tensor and every node must be what an export
    of the state in the file gives.
    """
    metadata = _metadata(path, found)
    model = _model_from(path, metadata)
    expected = exported_as(model, "integer", _taken(model, metadata))
    _compare_tensors(path, found, expected)
    _compare_graphs(path, found, expected)
    return model


def _taken(model: Model, metadata: Mapping[str, str]) -> str:
    """Return what the graph takes; an earlier version did not say that it takes integers."""
    takes = metadata.get(f"{PREFIX}input", INTEGERS)
    possible = {FEATURES, INTEGERS, taken(model.plan, float_input=False)}
    return takes if takes in possible else INTEGERS


def _metadata(path: Path, found: onnx.ModelProto) -> dict[str, str]:
    metadata = {_text(entry.key): _text(entry.value) for entry in found.metadata_props}
    if metadata[f"{PREFIX}form"] == "float":
        raise InputError(
            f"{path} is the float form, which has no integers of a device:"
            " export the model in the integer form (--form integer)"
        )
    if CONTENT not in metadata:
        raise InputError(f"{path} has no state, only weights to infer with: export it again")
    if metadata[CONTENT] != content_digest(metadata):
        raise InputError(f"{path} is damaged: its metadata do not match their digest")
    return metadata


def _model_from(path: Path, metadata: dict[str, str]) -> Model:
    def entry(name: str) -> str:
        return metadata[f"{PREFIX}{name}"]

    def numbers(name: str) -> NDArray[np.float64] | None:
        text = metadata.get(f"{PREFIX}{name}")
        return None if text is None else np.array([float(each) for each in text.split()])

    def state(plan: Plan) -> State:
        return State.from_bytes(plan, base64.b64decode(entry("state"), validate=True))

    try:
        mean, scale = (
            np.array([float(number) for number in entry(name).split()])
            for name in ("input_mean", "input_scale")
        )
        return assembled(
            Parts(
                plan=json.loads(entry("plan")),
                state=state,
                step=int(entry("step")),
                mean=mean,
                scale=scale,
                limit=float(entry("input_limit")),
                ranges=json.loads(entry("ranges")),
                notes=json.loads(entry("notes")),
                target_mean=numbers("target_mean"),
                target_scale=numbers("target_scale"),
            )
        )
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged: a part of the model is missing") from error


def _compare_tensors(path: Path, found: onnx.ModelProto, expected: onnx.ModelProto) -> None:
    theirs, ours = _tensors(path, found), _tensors(path, expected)
    for name in sorted(theirs.keys() | ours.keys()):
        same = (
            name in theirs
            and name in ours
            and theirs[name].dtype == ours[name].dtype
            and np.array_equal(theirs[name], ours[name])
        )
        if not same:
            raise InputError(_changed(path, f"the tensor {name}"))


def _tensors(path: Path, found: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {}
    for tensor in found.graph.initializer:
        if tensor.data_location != onnx.TensorProto.DEFAULT or _text(tensor.name) in tensors:
            raise InputError(_changed(path, f"the tensor {_text(tensor.name)}"))
        try:
            tensors[_text(tensor.name)] = numpy_helper.to_array(tensor)
        except Exception as error:  # a damaged tensor can cause any error in onnx and numpy
            raise InputError(
                f"{path} is damaged: the tensor {_text(tensor.name)} cannot be read; export the"
                " model again"
            ) from error
    return tensors


def _compare_graphs(path: Path, found: onnx.ModelProto, expected: onnx.ModelProto) -> None:
    """Raise InputError unless both files have the same inputs, outputs, operators and versions.

    The names of edges must be the same. Parts that only describe the graph may differ: texts, names
    of nodes, intermediate shapes.
    """
    theirs, ours = _computation(found), _computation(expected)
    for what in ("input", "output", "node"):
        pairs = zip_longest(getattr(theirs.graph, what), getattr(ours.graph, what))
        for number, (their, our) in enumerate(pairs):
            if their != our:
                raise InputError(_changed(path, f"the {what} {number} of the graph"))
    if theirs.opset_import != ours.opset_import or theirs.ir_version != ours.ir_version:
        raise InputError(_changed(path, "the version of its operators"))
    if theirs != ours:
        raise InputError(_changed(path, "a part outside of the graph"))


def _computation(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy with only the computation, without the tensors."""
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    copied.DiscardUnknownFields()
    _clear(copied, "doc_string", "producer_name", "producer_version", "domain", "model_version")
    _clear(copied, "metadata_props")
    _clear(copied.graph, "doc_string", "name", "value_info", "initializer", "metadata_props")
    for node in copied.graph.node:
        _clear(node, "doc_string", "name", "metadata_props")
    for edge in (*copied.graph.input, *copied.graph.output):
        _clear(edge, "doc_string", "metadata_props")
    return copied


def _clear(message: Any, *names: str) -> None:
    """Clear the fields with these names that this version of onnx has."""
    for name in names:
        if name in message.DESCRIPTOR.fields_by_name:
            message.ClearField(name)


def _changed(path: Path, what: str) -> str:
    return (
        f"{path} was changed after its export: {what} is not what the state in the file gives;"
        " export the model again"
    )


def _text(value: str | bytes) -> str:
    """Return a string of a file as text; protobuf returns bytes for a string that is not UTF-8."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
