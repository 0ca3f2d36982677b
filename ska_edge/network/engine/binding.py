"""Calls a compiled library (firmware_gen/library/ska_library.h), and holds its networks."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plan.state_field import StateField

COUNT_MASK = 0xFFFF_FFFF  # a device counts steps and samples in 32 bits

_POINTER, _U32 = ctypes.c_void_p, ctypes.c_uint32
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "bytes": (_U32, []),
    "learn": (_U32, [_POINTER, _POINTER, _POINTER, _U32, _POINTER, _POINTER, _POINTER]),
    "forward": (None, [_POINTER, _POINTER, _U32, _POINTER, _POINTER, _POINTER]),
    "infer": (None, [_POINTER, _POINTER, _U32, _POINTER]),
    "shifts": (None, [_POINTER, _POINTER]),
    "metrics": (None, [_POINTER, ctypes.c_uint8, _POINTER]),
}


class Library:
    """A loaded library; ctypes releases the interpreter's lock during every call.

    Raises OSError or AttributeError for a file that is not the library of this plan.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        self.plan = plan
        self._functions: dict[str, Any] = {}
        loaded = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(
                loaded, "ska_metrics" if name == "metrics" else f"ska_library_{name}"
            )
            function.restype, function.argtypes = result, arguments
            self._functions[name] = function
        if self.call("bytes") < plan.state_bytes:
            raise OSError("it is the library of another network")

    def call(self, name: str, *arguments: NDArray[Any] | int | None) -> Any:
        """Call a function; arrays are passed by their addresses, and must be contiguous."""
        passed = [each.ctypes.data if isinstance(each, np.ndarray) else each for each in arguments]
        return self._functions[name](*passed)


class Network:
    """A network for the functions of a library; it has its own memory.

    Attributes:
        memory: the struct ska_t.
    """

    def __init__(self, library: Library) -> None:
        plan = library.plan
        words = -(-library.call("bytes") // 8)
        self.memory = np.zeros(words, dtype=np.int64).view(np.uint8)  # 8-byte aligned
        self._fields: list[tuple[StateField, NDArray[Any]]] = []
        place = 0
        for field in plan.state_fields():
            raw = self.memory[place : place + field.size]
            kind = np.dtype(field.kind).newbyteorder("=")
            self._fields.append((field, raw.view(kind).reshape(field.shape)))
            place += field.size

    def load(self, state: State) -> None:
        """Copy a state into the network, but set its step to 1: at 0, C gives no metrics."""
        for field, view in self._fields:
            view[...] = 1 if field.name == "step" else state.field(field)

    def store(self, state: State) -> None:
        """Copy the network back to `state`, which must be the state that was loaded last."""
        for field, view in self._fields:
            if field.name == "step":
                state.step += (int(view) - 1) & COUNT_MASK
            elif field.name == "samples":
                state.samples += (int(view) - state.samples) & COUNT_MASK
            else:
                state.set_field(field, view)
