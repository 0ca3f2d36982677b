"""A replay confirms the long log to its end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.replay import rebuild
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan
from tests.bench import long_log


def test_a_replay_confirms_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_log, "FRESH", 50)
    plan = make_plan((4, 3, 3))
    start = State(plan, np.random.default_rng(0).integers(-4096, 4096, plan.parameter_count))
    scaling = Scaling(np.zeros(4), np.ones(4))
    model = Model(plan, start.copy(), scaling, notes={"data": "iris"})
    path = tmp_path / "long.jsonl"
    path.write_text(
        "".join(json.dumps(line.as_dict()) + "\n" for line in long_log.lines(model, 300))
    )
    found = rebuild(path, Model(plan, start, scaling))
    assert (found.rows, found.checked, found.cut) == (300, True, None)
    assert path.read_text().count('"halvings": 0') == 2  # in the first line and in row 256
