"""A model and its file: the plan, the learned integers, the input scaling and the float twin.

`model.ska` is an npz without pickles; the same model gives the same bytes, and no bit of them can
change unseen: the archive's comment is the SHA-256 of all that stands before it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.files import npz_bytes, write_file
from ska_edge.model.scaling import Scaling, standardize
from ska_edge.network.range_tracker import Range
from ska_edge.network.state import State
from ska_edge.network.twin import parameters_for, tensors_of, twin
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.plan import Plan
from ska_edge.rules.neuron import RAW
from ska_edge.rules.reference import Parameters

MAGIC = "ska-edge model"
VERSION = 3
SEAL = 64  # bytes at the end of a file, hexadecimal digits


@dataclass
class Model:
    """A plan with its integers, and what a host needs beside them.

    Attributes:
        plan: the resolved integers.
        state: the learned integers.
        scaling: from features to the plan's input.
        reference: the float twin's parameters, or None when only integers were trained.
        ranges: what the integers took while it learned.
        notes: plain data about how it was trained (seed, epochs, accuracies), for people.
    """

    plan: Plan
    state: State
    scaling: Scaling
    reference: Parameters | None = None
    ranges: list[Range] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def quantize(self, features: NDArray[np.float64]) -> NDArray[np.int64]:
        """Features (n, d) as the integers of the plan's input.

        Whole features take the way that they take on a device, where the plan knows one.
        """
        format, raw = self.plan.layers[0].input, self.plan.raw
        if raw is None or (features != np.floor(features)).any():
            return format.quantize(self.scaling.apply(features))
        return standardize(raw, RAW.quantize(features), format)

    def save(self, path: str | os.PathLike[str], *, private: bool = False) -> None:
        """Write the model; the file appears whole or not at all.

        `private`: for its owner alone, as a state that a device has learned can hold samples.
        """
        arrays: dict[str, NDArray[Any]] = {
            "state": np.frombuffer(self.state.to_bytes(), dtype=np.uint8),
            "mean": self.scaling.mean.astype("<f8"),
            "scale": self.scaling.scale.astype("<f8"),
            "limit": np.array([self.scaling.limit], dtype="<f8"),
        }
        if self.reference is not None:
            for place, values in tensors_of(self.reference).items():
                arrays[_reference_name(*place)] = values.astype("<f8")
        header = {
            "magic": MAGIC,
            "version": VERSION,
            "plan": self.plan.to_json(),
            "step": self.state.step,
            "ranges": [found.as_dict() for found in self.ranges],
            "notes": self.notes,
        }
        text = json.dumps(header, sort_keys=True).encode()
        arrays["header"] = np.frombuffer(text, dtype=np.uint8)
        content = npz_bytes(arrays, bytes(SEAL))[:-SEAL]
        write_file(Path(path), content + _seal(content), private=private)


def model_from_archive(path: Path, content: bytes) -> Model:
    """The model in the bytes of a model file; `path` is for the sentence of an InputError."""
    arrays = _read_arrays(path, content)
    try:
        header = json.loads(arrays.pop("header").tobytes())
        magic, version = header["magic"], header["version"]
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not a ska-edge model") from error
    if magic != MAGIC:
        raise InputError(f"{path} is not a ska-edge model")
    if version not in (2, VERSION):
        raise InputError(f"{path} has model version {version}, this program reads 2 and {VERSION}")
    try:
        if not _intact(version, content, header, arrays):
            raise InputError(f"{path} is damaged: its contents do not match their digest")
        plan = plan_from_json(header["plan"])
        model = Model(
            plan=plan,
            state=_state_from(plan, arrays, int(header["step"])),
            scaling=Scaling(arrays["mean"], arrays["scale"], float(arrays["limit"][0])),
            reference=_reference_from(plan, arrays),
            ranges=[Range(**found) for found in header["ranges"]],
            notes=dict(header["notes"]),
        )
        if model.scaling.mean.shape != (plan.inputs,) or model.scaling.scale.shape != (
            plan.inputs,
        ):
            raise InputError(f"{path} is damaged: the scaling does not fit {plan.inputs} inputs")
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged: a part is missing") from error
    return model


def _read_arrays(path: Path, content: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile and numpy raise whatever a broken byte leads them to
        raise InputError(f"{path} is not a ska-edge model, or it is damaged") from error


def _seal(content: bytes) -> bytes:
    """What stands at the end of a file, for all bytes before it."""
    return hashlib.sha256(content).hexdigest().encode()


def _intact(
    version: int, content: bytes, header: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> bool:
    """Whether a file is as it was written; one of version 2 knows of its arrays alone."""
    if version == VERSION:
        return content[-SEAL:] == _seal(content[:-SEAL])
    return bool(header["content"] == _content_digest(arrays))


def _content_digest(arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _state_from(plan: Plan, arrays: dict[str, NDArray[Any]], step: int) -> State:
    """The state; a file of version 2 has parameters alone."""
    if "parameters" in arrays:
        return State(plan, arrays["parameters"], step)
    state = State.from_bytes(plan, arrays["state"].astype(np.uint8).tobytes())
    state.step = step
    return state


def _reference_name(layer: int, tensor: str) -> str:
    """What a tensor of the float twin is called in the file."""
    return f"reference_{tensor}_{layer}"


def _reference_from(plan: Plan, arrays: dict[str, NDArray[Any]]) -> Parameters | None:
    if _reference_name(0, "weight") not in arrays:
        return None
    places = [(tensor.layer, tensor.name) for tensor in plan.tensors()]
    parameters = parameters_for(plan, {place: arrays[_reference_name(*place)] for place in places})
    if parameters.sizes() != list(plan.sizes):
        raise ValueError("the float twin has other sizes than the plan")
    twin(plan, parameters, plan.rate.real)  # refuses shapes that do not fit each other
    return parameters
