"""`replay` rebuilds the state of a device from its log, without the device."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import export, save
from ska_edge.model.open import open_model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters
from tests.logbook import Logbook


@pytest.fixture
def model() -> Model:
    plan = make_plan((4, 3, 3), replay=Replay(2, 1))
    parameters = np.random.default_rng(5).integers(-4000, 4000, plan.parameter_count)
    reference = initial_parameters(plan.sizes, "local", 1)
    model = Model(plan, State(plan, parameters), Scaling(np.arange(4.0), np.ones(4)), reference)
    model.save(Path("m.ska"))
    return model


@pytest.fixture
def book(model: Model) -> Logbook:
    found = Logbook(model)
    found.learn(12)
    found.end()
    return found


def test_replay_rebuilds_the_state(ska_edge, model: Model, book: Logbook) -> None:
    book.write(Path("steps.jsonl"))
    outcome = ska_edge("replay", "steps.jsonl", "m.ska", "-o", "r.ska", "--json")
    assert outcome.code == 0
    assert outcome.document() == {
        "samples": 12,
        "step": book.state.step,
        "halvings": 0,
        "crc": book.state.crc,
        "checked": True,
        "rows": 12,
        "cut": None,
        "digest": model.plan.digest,
        "output": "r.ska",
    }
    found = open_model(Path("r.ska"))
    assert found.state.to_bytes() == book.state.to_bytes()
    assert found.reference is None
    np.testing.assert_array_equal(found.scaling.mean, model.scaling.mean)
    plain = ska_edge("replay", "steps.jsonl", "m.ska")
    assert f"CRC {book.state.crc:08x}; the device's own CRC confirms it" in plain.out
    assert plain.err == ""


def test_replay_from_onnx_and_from_a_rebuilt_model(ska_edge, model: Model, book: Logbook) -> None:
    save(export(model, "integer"), Path("m.onnx"))
    book.write(Path("one.jsonl"))
    assert ska_edge("replay", "one.jsonl", "m.onnx", "-o", "r.ska").code == 0
    later = Logbook(model, book.state, seed=2)
    later.learn(4)
    later.write(Path("two.jsonl"))
    outcome = ska_edge("replay", "two.jsonl", "r.ska", "--json").document()
    assert (outcome["samples"], outcome["crc"]) == (16, later.state.crc)
    assert outcome["checked"] is False


def test_replay_at_a_step(ska_edge, book: Logbook) -> None:
    book.write(Path("steps.jsonl"))
    arguments = ("replay", "steps.jsonl", "m.ska")
    outcome = ska_edge(*arguments, "--at", "5", "-o", "r.ska")
    assert outcome.code == 0
    assert "3 samples, 5 updates" in outcome.out
    assert "no CRC of the device at this point" in outcome.out
    assert open_model(Path("r.ska")).state.to_bytes() == book.history[5]
    assert "goes from 0 to 23" in ska_edge(*arguments, "--at", "24").refusal(2)
    assert "step 4 is inside sample 3" in ska_edge(*arguments, "--at", "4").refusal(2)


def test_a_cut_last_line_is_a_warning(ska_edge, book: Logbook) -> None:
    content = book.write(Path("steps.jsonl")).read_bytes()
    Path("steps.jsonl").write_bytes(content[:-10])
    outcome = ska_edge("replay", "steps.jsonl", "m.ska", "--json")
    assert outcome.code == 0
    assert outcome.err.splitlines()[0] == (
        "warning: steps.jsonl, line 14: the last line was cut off, so it is left out"
    )
    document = outcome.document()
    assert (document["rows"], document["cut"], document["checked"]) == (12, 14, False)


def test_a_log_that_cannot_be_rebuilt_is_refused(ska_edge, model: Model, book: Logbook) -> None:
    arguments = ("replay", "steps.jsonl", "m.ska", "-o", "r.ska")
    assert "there is no log steps.jsonl" in ska_edge(*arguments).refusal(2)
    row = book.lines.pop(4)
    book.write(Path("steps.jsonl"))
    sentence = ska_edge(*arguments).refusal(2)
    assert "steps.jsonl, line 5: sample 4 was expected, but 5 found" in sentence
    book.lines.insert(4, {**row, "predicted": 3})
    book.write(Path("steps.jsonl"))
    assert "steps.jsonl, line 5: predicted is 3" in ska_edge(*arguments).refusal(1)
    assert "not a line of" in ska_edge("replay", "m.ska", "m.ska").refusal(2)
    other = Model(model.plan, State(model.plan), model.scaling)
    other.save(Path("other.ska"))
    assert "another state" in ska_edge("replay", "steps.jsonl", "other.ska").refusal(2)
    for name in ("steps.jsonl", "m.ska"):
        outcome = ska_edge("replay", "steps.jsonl", "m.ska", "-o", name)
        assert "is read by this command" in outcome.refusal(2)
    assert not Path("r.ska").exists()


def test_a_real_device_is_rebuilt_from_its_answers(
    ska_edge,
    model: Model,
    require_board: Callable[[str], Board],
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    require_board("host")
    port = launched(write_host_project(model, Path("fw")))
    rng = np.random.default_rng(8)
    lines = []
    with Link(port) as link:

        def mark() -> dict[str, int]:
            info = link.hello()
            return {name: getattr(info, name) for name in ("step", "samples", "crc", "halvings")}

        device = {"board": "host", "port": port, "digest": link.info.digest}
        lines.append({"device": device, **mark()})
        for number in range(40):
            if number == 20:
                link.halve_rate(1)
                lines.append({"rate": 1})
            x, label = rng.integers(-128, 128, 4).tolist(), int(rng.integers(3))
            result = link.learn(x, label)
            answer = {"step": result.step, "predicted": result.predicted}
            lines.append(
                {
                    "sample": result.samples,
                    "label": label,
                    "x": x,
                    **answer,
                    "decisions": result.decisions,
                }
            )
        lines.append({"end": mark()})
        pulled = link.pull(model.plan.state_bytes)
    Path("steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    outcome = ska_edge("replay", "steps.jsonl", "m.ska", "-o", "r.ska", "--json")
    assert outcome.document()["checked"] is True
    assert open_model(Path("r.ska")).state.to_bytes() == pulled
