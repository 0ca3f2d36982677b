"""Runs the original graph of a network from another program, to compare the import with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.model.foreign.network import ForeignNetwork
from ska_edge.model.foreign.signal import Reals

ERRORS_ONLY = 3  # onnxruntime prints only messages of at least this severity


def decided(network: ForeignNetwork, x: Reals) -> NDArray[np.int64]:
    """Return the class that onnxruntime computes for each row (n, d), as an index (n,).

    Raises InputError if onnxruntime cannot run the file, or its outputs name no class.
    """
    # Imported here, because its import is slow.
    import onnxruntime

    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        session = onnxruntime.InferenceSession(
            network.content, options, providers=["CPUExecutionProvider"]
        )
        lengths = [found.shape[0] for found in session.get_inputs()]
        at_once = lengths[0] if isinstance(lengths[0], int) else len(x)
        padded = np.concatenate([x, np.repeat(x[-1:], -len(x) % at_once, axis=0)])
        blocks = [
            _classes(network, session.run(None, _feed(session, padded[start : start + at_once])))
            for start in range(0, len(padded), at_once)
        ]
    except InputError:
        raise
    except Exception as error:  # onnxruntime's errors have no common base class
        raise InputError(
            f"{network.path} cannot be run by onnxruntime: export it again ({error})".replace(
                "\n", " "
            )
        ) from error
    return np.concatenate(blocks)[: len(x)]


def _feed(session: Any, x: Reals) -> dict[str, NDArray[Any]]:
    """Return the inputs of a run: a single table, or a column for each feature."""
    feed, first = {}, 0
    for found in session.get_inputs():
        shape = tuple(found.shape[1:])
        width = int(np.prod(shape))
        number = onnx.helper.tensor_dtype_to_np_dtype(_KINDS[found.type])
        feed[found.name] = x[:, first : first + width].reshape(-1, *shape).astype(number)
        first += width
    return feed


_KINDS = {
    "tensor(float)": onnx.TensorProto.FLOAT,
    "tensor(double)": onnx.TensorProto.DOUBLE,
    "tensor(float16)": onnx.TensorProto.FLOAT16,
}


def _classes(network: ForeignNetwork, outputs: list[Any]) -> NDArray[np.int64]:
    """Return the class of each row from the outputs: scores, or else labels."""
    for found in outputs:
        if isinstance(found, list) and found and isinstance(found[0], Mapping):
            found = np.array([list(row.values()) for row in found])
        if isinstance(found, np.ndarray) and found.dtype.kind == "f":
            scores = found.reshape(len(found), -1)
            if scores.shape[1] == 1:
                return (scores[:, 0] > 0.5).astype(np.int64)
            return np.asarray(scores.argmax(axis=1))
    known = network.labels or tuple(map(str, range(network.classes)))
    names = np.asarray(outputs[0]).ravel().tolist()
    return np.array([known.index(str(name)) for name in names], dtype=np.int64)
