"""What the monitor makes of a device's telemetry, the device played by the host's trainer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.link import DeviceInfo, Link, Result
from ska_edge.monitor import Log, Record, stream
from ska_edge.plan import Plan
from ska_edge.planning import make_plan
from ska_edge.quantize import quantize_state
from ska_edge.reference import initial_parameters
from ska_edge.symptoms import ENOUGH, Symptom
from ska_edge.trainer import FixedTrainer
from ska_edge.twin import tensors_of

INFO = DeviceInfo(
    board="host",
    protocol=1,
    digest="0123456789abcdef",
    step=3,
    inputs=4,
    input_width=1,
    classes=3,
    layers=2,
    parameter_bytes=70,
    capabilities=0,
)
SIZES = (4, 5, 3)


class Played:
    """Answers like a `Link` to a device with the plan."""

    def __init__(self, plan: Plan) -> None:
        start = initial_parameters(plan.sizes, plan.rule, seed=3)
        self.trainer = FixedTrainer(quantize_state(plan, tensors_of(start)))

    def learn(self, x: Sequence[int], label: int) -> Result:
        decisions = self.trainer.learn_one(np.array(x), label)
        step = self.trainer.state.step
        metrics = tuple(self.trainer.metrics()) if step else ()
        return Result(step, int(decisions.argmax()), tuple(decisions.tolist()), metrics)


def samples(count: int, spread: int = 12) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of three clouds that are easy to tell apart, and their labels."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, count)
    centers = np.array([[60, 0, -40, 30], [-50, 50, 20, -20], [0, -70, 60, 10]])
    return centers[labels] + rng.integers(-spread, spread + 1, (count, 4)), labels


def records(plan: Plan, count: int) -> list[Record]:
    """What the monitor says about a device that learns so many samples."""
    inputs, labels = samples(count)
    return list(stream(cast(Link, Played(plan)), plan, inputs, labels))


def signs(record: Record) -> set[tuple[str, int]]:
    """Sign and layer of every symptom of a record."""
    return {(symptom.sign, symptom.layer) for symptom in record.symptoms}


def test_a_device_that_learns_well_shows_nothing() -> None:
    seen = records(make_plan(SIZES), 300)
    assert [record.result.step for record in seen] == list(range(1, 301))
    assert sum(record.result.predicted == record.label for record in seen[200:]) > 95
    assert all(record.symptoms == () for record in seen)


def test_a_device_whose_updates_vanish() -> None:
    seen = records(make_plan(SIZES, rate=2.0**-18), 40)
    assert all(record.symptoms == () for record in seen[: ENOUGH - 1])
    assert all(("vanishing updates", 1) in signs(record) for record in seen[ENOUGH - 1 :])


def test_decisions_of_the_output_layer_show_a_collapse() -> None:
    # Saturated from the start, and all one class: whatever comes in, the same is decided.
    plan = make_plan(SIZES, rule="published", rate=2.0, batch=5, steps=30)
    seen = records(plan, 60)
    assert ("collapse", 1) not in signs(seen[ENOUGH - 2])
    assert ("collapse", 1) in signs(seen[-1])
    gentle = make_plan((4, 16, 12), rule="published", rate=2.0**-10, batch=5, steps=3)
    assert ("collapse", 1) not in signs(records(gentle, 60)[-1])


def test_a_held_sample_is_no_update() -> None:
    plan = make_plan(SIZES, rule="published", rate=0.5, batch=8, steps=4)
    seen = records(plan, 17)
    assert [len(record.layers) for record in seen] == [0] * 7 + [2] * 10
    assert [record.result.step for record in seen] == [0] * 7 + [3] * 8 + [6] * 2


def read(path: Path) -> list[dict[str, object]]:
    """The lines of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_log_has_a_line_for_each_sample_and_each_new_warning(tmp_path: Path) -> None:
    flat, wide = Symptom("plateau", 0, "a", "b"), Symptom("saturation", 1, "c", "d")
    result = Result(7, 2, (1, 2, 3))
    with Log(tmp_path / "steps.jsonl", INFO) as log:
        for symptoms in ((), (flat,), (flat,), (wide, flat), ()):
            log.record(Record(result, 1, (), symptoms), np.array([4, 5]))
    first, *lines = read(tmp_path / "steps.jsonl")
    assert first == {"board": "host", "digest": INFO.digest, "step": 3}
    sample = {"step": 7, "label": 1, "predicted": 2, "decisions": [1, 2, 3], "layers": []}
    kinds = ["warning" if "warning" in line else "sample" for line in lines]
    assert kinds == ["sample", "sample", "warning", "sample", "sample", "warning", "sample"]
    assert all(line == {**sample, "x": [4, 5]} for line in lines if "warning" not in line)
    assert [line["warning"] for line in lines if "warning" in line] == [
        flat.as_dict(),
        wide.as_dict(),
    ]


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*none"):
        Log(tmp_path / "none" / "steps.jsonl", INFO)
