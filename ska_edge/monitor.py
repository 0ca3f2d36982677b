"""Telemetry of a device that learns: as records, and as a JSONL log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.link import DeviceInfo, Link, Result
from ska_edge.metrics import LayerMetrics, layer_metrics
from ska_edge.plan import Plan


@dataclass(frozen=True, slots=True)
class Record:
    """One sample that a device learned.

    Attributes:
        result: what the device answered; `result.step` counts its updates.
        label: class index that was sent.
        layers: real metrics, a layer each; empty before the first update.
    """

    result: Result
    label: int
    layers: tuple[LayerMetrics, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "step": self.result.step,
            "label": self.label,
            "predicted": self.result.predicted,
            "decisions": list(self.result.decisions),
            "layers": [layer.as_dict() for layer in self.layers],
        }


def stream(
    link: Link, plan: Plan, inputs: NDArray[np.integer], labels: NDArray[np.integer]
) -> Iterator[Record]:
    """Let a device go on learning with quantized inputs (n, d) and labels (n,), a record each."""
    for row, label in zip(inputs, labels, strict=True):
        result = link.learn(row.tolist(), int(label))
        layers = tuple(layer_metrics(plan, i, sums) for i, sums in enumerate(result.metrics))
        yield Record(result, int(label), layers)


class Log:
    """A JSONL file: one line with the device, then a line a record (inputs included)."""

    def __init__(self, path: Path, info: DeviceInfo) -> None:
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        self._write({"board": info.board, "digest": info.digest, "step": info.step})

    def __enter__(self) -> Log:
        """The log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self._file.close()

    def record(self, record: Record, inputs: NDArray[np.integer]) -> None:
        """Append one sample and what became of it; it is on disk when this returns."""
        self._write({**record.as_dict(), "x": inputs.tolist()})

    def _write(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content) + "\n")
        self._file.flush()
