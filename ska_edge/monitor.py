"""Telemetry of a device that learns: as records, with what is wrong by now, and as a JSONL log."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.device import DeviceInfo, Result
from ska_edge.errors import InputError
from ska_edge.link import Link
from ska_edge.metrics import LayerMetrics, layer_metrics
from ska_edge.plan import Plan
from ska_edge.symptoms import ENOUGH, Symptom, Watch

WINDOW = 500  # samples whose decisions are kept to see how much they differ


@dataclass(frozen=True, slots=True)
class Record:
    """One sample that a device learned.

    Attributes:
        result: what the device answered; `result.step` counts its updates.
        label: class index that was sent.
        layers: real metrics, a layer each; empty before the first update.
        symptoms: signs, seen in this sample and those before it, that the device does not learn
            well; the worst first.
    """

    result: Result
    label: int
    layers: tuple[LayerMetrics, ...]
    symptoms: tuple[Symptom, ...] = ()

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
    watch = Watch(plan)
    decided: deque[tuple[int, ...]] = deque(maxlen=WINDOW)
    for count, (row, label) in enumerate(zip(inputs, labels, strict=True), 1):
        result = link.learn(row.tolist(), int(label))
        layers = tuple(layer_metrics(plan, i, sums) for i, sums in enumerate(result.metrics))
        watch.add(result.step, layers)
        decided.append(result.decisions)
        if count >= ENOUGH:
            rows = slice(count - len(decided), count)
            output = len(plan.layers) - 1
            watch.decisions(output, np.array(decided), inputs[rows], labels[rows])
        yield Record(result, int(label), layers, tuple(watch.symptoms()))


class Log:
    """A JSONL file: one line with the device, then a line a record (inputs included).

    A sign that a device does not learn well gets a line {"warning": ...} after the record that
    shows it first.
    """

    def __init__(self, path: Path, info: DeviceInfo) -> None:
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        self._warned: set[tuple[str, int]] = set()
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
        for symptom in record.symptoms:
            if (symptom.sign, symptom.layer) not in self._warned:
                self._warned.add((symptom.sign, symptom.layer))
                self._write({"warning": symptom.as_dict()})

    def _write(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content) + "\n")
        self._file.flush()
