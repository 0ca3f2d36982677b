"""Back from the integer form of ONNX to the model that was exported, with no bit changed."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.onnx_export import CONTENT, PREFIX, content_digest, export
from ska_edge.model.scaling import Scaling
from ska_edge.network.range_tracker import Range
from ska_edge.network.state import State
from ska_edge.plan.check import plan_from_json


def model_from_onnx(path: Path, content: bytes) -> Model:
    """The model whose integer form the bytes of an ONNX file are; `path` is for sentences.

    All of it comes back but the float twin, which is not in the file. Raises InputError when the
    file is none of ours, has the float form, is damaged, or was changed after the export: every
    tensor must be the one that the state gives.
    """
    try:
        found = onnx.ModelProto.FromString(content)
    except Exception as error:  # the errors of protobuf are its own, and have no types
        raise InputError(f"{path} is no ONNX file, or it is damaged: export it again") from error
    model = _model_from(path, _metadata(path, found))
    _compare_tensors(path, found, export(model, "integer"))
    return model


def _metadata(path: Path, found: onnx.ModelProto) -> dict[str, str]:
    """Our entries; InputError for a file that has none, or not those of a whole model."""
    metadata = {_text(entry.key): _text(entry.value) for entry in found.metadata_props}
    form = metadata.get(f"{PREFIX}form")
    if form is None:
        raise InputError(
            f"{path} was not exported by ska-edge: name a model, or what `ska-edge export` wrote"
        )
    if form == "float":
        raise InputError(
            f"{path} is the float form, which has no integers of a device:"
            " export the model with --form integer"
        )
    if CONTENT not in metadata:
        raise InputError(f"{path} has no state, only weights to infer with: export it again")
    if metadata[CONTENT] != content_digest(metadata):
        raise InputError(f"{path} is damaged: its metadata do not match their digest")
    return metadata


def _model_from(path: Path, metadata: dict[str, str]) -> Model:
    def entry(name: str) -> str:
        return metadata[f"{PREFIX}{name}"]

    try:
        plan = plan_from_json(json.loads(entry("plan")))
        state = State.from_bytes(plan, base64.b64decode(entry("state"), validate=True))
        state.step = int(entry("step"))
        mean, scale = (
            np.array([float(number) for number in entry(name).split()])
            for name in ("input_mean", "input_scale")
        )
        return Model(
            plan=plan,
            state=state,
            scaling=Scaling(mean, scale, float(entry("input_limit"))),
            ranges=[Range(**values) for values in json.loads(entry("ranges"))],
            notes=dict(json.loads(entry("notes"))),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged: a part of the model is missing") from error


def _compare_tensors(path: Path, found: onnx.ModelProto, expected: onnx.ModelProto) -> None:
    """InputError unless both have the same tensors."""
    theirs, ours = _tensors(path, found), _tensors(path, expected)
    for name in sorted(theirs.keys() | ours.keys()):
        same = (
            name in theirs
            and name in ours
            and theirs[name].dtype == ours[name].dtype
            and np.array_equal(theirs[name], ours[name])
        )
        if not same:
            raise InputError(
                f"{path} was changed after its export: the tensor {name} is not what the state in"
                " the file gives; export the model again"
            )


def _tensors(path: Path, found: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {}
    for tensor in found.graph.initializer:
        try:
            tensors[_text(tensor.name)] = numpy_helper.to_array(tensor)
        except Exception as error:  # onnx and numpy raise whatever a broken tensor leads them to
            raise InputError(
                f"{path} is damaged: the tensor {_text(tensor.name)} cannot be read; export the"
                " model again"
            ) from error
    return tensors


def _text(value: str | bytes) -> str:
    """A string of a file; protobuf leaves those that are no UTF-8 as bytes."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
