"""Write a monitor's log of a device that learns random samples and may roll back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ska_edge.model.model_file import Model
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer


class Logbook:
    """Lets a device learn, and writes the lines that a monitor would write.

    Args:
        model: the flashed model.
        state: the device's present state; by default the flashed one.

    Attributes:
        lines: the lines of the log, as objects.
        state: the device's state.
        history: for each step, the bytes of the latest state at this step.
    """

    def __init__(self, model: Model, state: State | None = None, seed: int = 0) -> None:
        self.lines: list[dict[str, Any]] = []
        self.state = (state or model.state.flashed()).copy()
        self.history: dict[int, bytes] = {}
        self._model = model
        self._saved: bytes | None = None
        self._rng = np.random.default_rng(seed)
        self.start()

    def _mark(self) -> dict[str, int]:
        state = self.state
        self.history[state.step] = state.to_bytes()
        return {
            "step": state.step,
            "samples": state.samples,
            "crc": state.crc,
            "halvings": state.halvings,
        }

    def start(self) -> None:
        device = {"board": "host", "port": "/dev/pts/1", "digest": self._model.plan.digest}
        self.lines.append({"device": device, **self._mark()})

    def learn(self, count: int, *, lost: bool = False) -> None:
        """Learn random rows; if `lost`, the monitor gets no answers, so the lines have
        no results.
        """
        plan = self._model.plan
        format = plan.layers[0].input
        for _ in range(count):
            x = self._rng.integers(format.minimum, format.maximum + 1, plan.inputs)
            label = int(self._rng.choice(np.flatnonzero(self.state.used)))
            decisions = FixedTrainer(self.state).learn_one(x, label)
            self._mark()
            row = {
                "sample": self.state.samples,
                "step": None if lost else self.state.step,
                "label": label,
                "x": x.tolist(),
                "predicted": None if lost else int(decisions.argmax()),
                "decisions": None if lost else decisions.tolist(),
                "layers": None if lost else [{"entropy": 0.5} for _ in plan.layers],
            }
            self.lines.append(row)

    def rate(self, halvings: int) -> None:
        self.state.halve_rate(halvings)
        self.lines.append({"rate": halvings})

    def save(self, *, logged: bool = True) -> None:
        self._saved = self.state.to_bytes()
        if logged:
            self.lines.append({"saved": self.state.samples})

    def warn(self) -> None:
        self.lines.append({"warning": {"sign": "collapse", "layer": 0, "text": 'the "device"'}})

    def interrupt(self, ahead: int = 0) -> None:
        """Lose contact, and restore it after the device has learned `ahead` more rows."""
        place = len(self.lines)
        self.learn(ahead, lost=True)
        self.lines.insert(place, {"interrupted": "gone", "fell_back": False, **self._mark()})

    def fall_back(self, *, session: bool = False) -> None:
        """Restart the device from its save, or from the flashed state; with `session`, the monitor
        starts again, too.
        """
        self.state = (
            State.from_bytes(self._model.plan, self._saved)
            if self._saved
            else self._model.state.flashed()
        )
        if session:
            self.start()
        else:
            self.lines.append({"interrupted": "gone", "fell_back": True, **self._mark()})

    def end(self) -> None:
        mark = self._mark()
        del mark["halvings"]
        self.lines.append({"end": mark})

    def write(self, path: Path) -> Path:
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        return path
