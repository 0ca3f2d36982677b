"""`monitor` keeps a device from forgetting classes: it mixes the classes of its rows, or warns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.lesson import prepare
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.signs.exam import Exam
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.replay import Replay
from ska_edge.training.options import Options
from ska_edge.training.train import train
from ska_edge.wire.frame import Frame
from ska_edge.wire.protocol import BY_NAME, Status
from tests.cli.conftest import Run
from tests.trainer_device import TrainerDevice

ROWS = "rows.npz"
Device = Callable[[Model], TrainerDevice]


@pytest.fixture
def device() -> Iterator[Device]:
    with ExitStack() as stack:
        yield lambda model: stack.enter_context(TrainerDevice(model.state.flashed()))


def trained(**options: Any) -> Model:
    """Train a model on 30 % of iris; write the model, and the other rows class after class."""
    pytest.importorskip("sklearn")
    made = train(
        load("iris"),
        Options(hidden=(8,), epochs=2, seed=1, arithmetic="fixed", test_fraction=0.7, **options),
    )
    made.model.save(Path("m.ska"))
    rows = made.test
    order = np.argsort(rows.y, kind="stable")
    np.savez(ROWS, x=rows.x[order], y=np.array(rows.labels)[rows.y[order]])
    return made.model


def known(model: Model, device: TrainerDevice) -> float:
    rows = model.matched(load(ROWS))
    answers = FixedTrainer(device.network).infer(model.quantize(rows.x)).argmax(axis=1)
    return float((answers == rows.y).mean())


def test_a_device_that_learns_class_after_class_forgets_and_is_reported(
    ska_edge: Run, device: Device
) -> None:
    model = trained()
    board = device(model)
    before = known(model, board)
    learn = ("monitor", "m.ska", ROWS, "--port", board.port, "--log", "steps.jsonl", "--json")
    outcome = ska_edge(*learn, "--order", "as-is", "--hold-out", 20)
    assert outcome.code == 0, outcome.err
    document = outcome.document()
    assert document["correct"] >= 0.9 * document["samples"]  # high, although the device forgets
    assert known(model, board) < min(before, 0.75)
    order = "class order: 85 rows come class after class, in 3 blocks; "
    fall = "falling recall: of 7 held-out rows of the class 'versicolor', "
    for sign in (order, fall):
        assert f"warning: {sign}" in outcome.err
        assert "train a model with a replay buffer (--stored)" in outcome.err
    assert [warning["sign"] for warning in document["warnings"]][:2] == [
        "class order",
        "falling recall",
    ]
    held_out = document["held_out"]
    assert held_out["rows"] == sum(each["rows"] for each in held_out["classes"].values()) == 20
    assert held_out["right"] < held_out["right_at_first"]
    assert f"{held_out['right']} of 20 held-out rows right" in outcome.err
    logged = [json.loads(line) for line in Path("steps.jsonl").read_text().splitlines()]
    assert sum("warning" in line for line in logged) >= 2
    assert [line["samples"] for line in logged if "held_out" in line] == [0, 50, 85]


def test_mixed_rows_and_a_replay_buffer_keep_what_it_knows(ska_edge: Run, device: Device) -> None:
    model = trained(stored=5, relearned=2)
    board = device(model)
    learn = ("monitor", "m.ska", ROWS, "--port", board.port, "--log", "steps.jsonl", "--json")
    outcome = ska_edge(*learn)
    assert outcome.code == 0, outcome.err
    assert known(model, board) >= 0.94
    for sign in ("class order", "falling recall", "inputs out of range"):
        assert sign not in outcome.err
    assert "rows shuffled by seed 0, 10 held out" in outcome.err
    assert rebuild(Path("steps.jsonl"), model).state.to_bytes() == board.network.to_bytes()


@pytest.mark.parametrize(
    ("options", "order", "advice"),
    [
        (
            {},
            "as-is",
            "so mix rows of all classes, or train a model with a replay buffer (--stored)",
        ),
        (
            {},
            "shuffled",
            "with a replay buffer (--stored), or learn with a smaller rate (--halve-rate)",
        ),
        ({"stored": 5}, "shuffled", "fell; learn with a smaller rate (--halve-rate)"),
    ],
)
def test_the_advice_against_forgetting_suits_order_and_plan(
    ska_edge: Run,
    device: Device,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, int],
    order: str,
    advice: str,
) -> None:
    board = device(trained(**options))
    monkeypatch.setattr(Exam, "fallen", lambda _: iter(["it fell"]))
    learn = ("monitor", "m.ska", ROWS, "--port", board.port, "--order", order, "--hold-out", 20)
    outcome = ska_edge(*learn, "--log", "steps.jsonl")
    [text, *_] = [line for line in outcome.err.splitlines() if "falling recall: it fell" in line]
    assert text.endswith(advice)
    assert ("mix rows" in text) == (order == "as-is")


@pytest.mark.parametrize("options", [{}, {"running_normalization": True}])
def test_a_sensor_that_drifts_is_reported(
    ska_edge: Run, device: Device, options: dict[str, bool]
) -> None:
    model = trained(**options)
    rows = np.load(ROWS)
    np.savez(ROWS, x=rows["x"] * 6, y=rows["y"])
    board = device(model)
    learn = ("monitor", "m.ska", ROWS, "--port", board.port, "--samples", 30, "--json")
    outcome = ska_edge(*learn)
    assert outcome.code == 0, outcome.err
    warnings = {each["sign"]: each["text"] for each in outcome.document()["warnings"]}
    text = warnings["inputs out of range"]
    assert " of the inputs are at a limit of their format; if the sensor drifts, " in text
    assert ("--running-normalization" in text) == (not options)
    assert outcome.err.count("warning: inputs out of range: in the last ") == 1


def test_a_stopped_lesson_continues_with_its_next_row(ska_edge: Run, device: Device) -> None:
    """The device refuses row 40 and later row 70; each time, a new command continues the log."""
    model = trained()
    board, log = device(model), Path("steps.jsonl")
    learn = ("monitor", "m.ska", ROWS, "--port", board.port, "--log", log)
    answer = board.respond
    for count in (40, 70):

        def respond(frame: Frame, count: int = count) -> bytes:
            if frame.code == BY_NAME["SAMPLE"].code and board.network.samples >= count:
                return board.refuse(frame, Status.LENGTH)
            return answer(frame)

        board.respond = respond
        assert ska_edge(*learn).code == 3
        assert board.network.samples == count
        board.respond = answer
    outcome = ska_edge(*learn)
    assert "rows shuffled by seed 0 from row 71 on" in outcome.out
    rows = model.matched(load(ROWS))
    lesson = prepare(
        model.quantize(rows.x), rows.y, samples=None, order="shuffled", seed=0, hold_out=None
    )
    left = len(lesson.labels) - 70
    assert f"{left}/{left} samples" in outcome.out  # the samples of this session
    found = [json.loads(line) for line in log.read_text().splitlines()]
    learned = [(line["x"], line["label"]) for line in found if "sample" in line]
    assert learned == list(zip(lesson.inputs.tolist(), lesson.labels.tolist(), strict=True))
    assert rebuild(log, model).state.to_bytes() == board.network.to_bytes()
    # The lesson is complete, so the same command begins it again; a lesson of other rows begins
    # with its first row, too.
    for again in ((), ("--samples", 5), ("--seed", 1, "--samples", 5)):
        assert " from row " not in ska_edge(*learn, *again).out


def test_a_refused_save_leaves_a_complete_log(ska_edge: Run, device: Device) -> None:
    model = trained()
    board, log = device(model), Path("steps.jsonl")
    answer = board.respond

    def respond(frame: Frame) -> bytes:
        if frame.code == BY_NAME["SAVE"].code:
            return board.refuse(frame, Status.STORAGE)
        return answer(frame)

    board.respond = respond
    learn = ("monitor", "m.ska", ROWS, "--port", board.port, "--log", log, "--save-every", 10)
    outcome = ska_edge(*learn)
    assert outcome.code == 3
    assert "Traceback" not in outcome.err
    end = json.loads(log.read_text().splitlines()[-1])["end"]
    assert (end["samples"], end["crc"]) == (10, board.network.crc)
    assert open_model(Path("m.ska")).state.samples == 0


# --- train --for ----------------------------------------------------------------------------------


def test_a_model_for_a_board_gets_a_replay_buffer(ska_edge: Run) -> None:
    train_iris = ("train", "iris", "-o", "m.ska", "--hidden", 4, "--epochs", 1)
    plain = ska_edge(*train_iris, "--json").document()
    assert plain["replay_buffer"] is None
    assert open_model(Path("m.ska")).plan.replay.per_class == 0
    outcome = ska_edge(*train_iris, "--for", "virtual-m4", "--json")
    buffer = {
        "board": "virtual-m4",
        "stored": 5,
        "relearned": 2,
        "bytes": 72,
        "buffer": "reservoir",
    }
    assert outcome.document()["replay_buffer"] == buffer
    assert "2 of them learned again with each new sample; 72 of 131072 bytes of RAM" in outcome.err
    assert open_model(Path("m.ska")).plan.replay == Replay(5, 2)
    one = ska_edge(*train_iris, "-o", "one.ska", "--for", "virtual-m4", "--stored", 1)
    assert "replay buffer for virtual-m4: 1 sample per class, reservoir, 1 of them" in one.out
    for options, replay in (
        (("--stored", 0), Replay()),
        (("--stored", 3), Replay(3, 1)),
        (("--relearned", 1), Replay(5, 1)),
        (("--relearned", 3), Replay(5, 3)),
        (("--buffer", "fifo"), Replay(5, 2, "fifo")),
        (("--from", "m.ska"), Replay(5, 2)),
    ):
        assert ska_edge(*train_iris, "-o", "x.ska", "--for", "virtual-m4", *options).code == 0
        assert open_model(Path("x.ska")).plan.replay == replay


def test_a_board_without_room_is_named(ska_edge: Run) -> None:
    pytest.importorskip("sklearn")
    train = ("train", "digits", "-o", "m.ska", "--epochs", 1, "--for", "uno", "--json", "--hidden")
    for options, sign, text in (
        ([8], "no replay buffer", "uno has no room for a replay buffer beside this network"),
        ([32, "--stored", 0], "too large", "this network does not fit uno: the firmware needs"),
        ([8, "--stored", 9], "too large", "this network and its replay buffer do not fit uno"),
        ([32], "too large", "needs 5496 bytes of RAM without the stack, and the board has 2048"),
    ):
        outcome = ska_edge(*train, *options)
        assert outcome.code == 0
        last = outcome.document()["warnings"][-1]
        assert last["sign"] == sign and text in last["text"]
        assert f"warning: {last['text']}" in outcome.err.splitlines()
        assert outcome.err.count("warning: ") == len(outcome.document()["warnings"])
    assert open_model(Path("m.ska")).plan.replay == Replay()
    assert "no board 'nope'" in ska_edge("train", "iris", "-o", "x", "--for", "nope").refusal(2)
