"""The monitor turns the answers of a device, here a simulated one, into lines and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from ska_edge.device.info import DeviceInfo, Result
from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Reconnection, Stream
from ska_edge.model.quantization import quantize_state
from ska_edge.monitor.log.line import CHECKPOINT
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.watcher import LOOK
from ska_edge.network.measures.diagnosis import ENOUGH
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.metric_sums import METRICS
from ska_edge.rules.reference import initial_parameters
from ska_edge.wire.protocol import BY_NAME, Status, Want
from tests.fake_device import DIGEST, FakeDevice

Line = dict[str, Any]
SIZES = (4, 5, 3)


class Played:
    """Replaces `Stream`: a trainer takes the device's place. The answers to the rows in `lost` are
    lost.
    """

    def __init__(self, plan: Plan, lost: frozenset[int] = frozenset()) -> None:
        start = initial_parameters(plan.sizes, plan.rule, seed=3)
        self.trainer = FixedTrainer(quantize_state(plan, tensors_of(start)))
        self.lost, self.stopped = lost, False
        self.link = SimpleNamespace(port="/dev/played", info=self.info())

    def info(self) -> DeviceInfo:
        state = self.trainer.state
        known = {"board": "played", "digest": DIGEST, "step": state.step, "samples": state.samples}
        rest = dict.fromkeys(DeviceInfo.__slots__, 0)
        return DeviceInfo(**cast(Any, {**rest, **known, "crc": state.crc}))

    def learn(
        self,
        inputs: NDArray[np.int64],
        labels: NDArray[np.int64],
        sending: Callable[[Sample], None],
        hold: Callable[[], bool],
    ) -> Iterator[Sample]:
        for row, label in enumerate(labels):
            x, after = tuple(inputs[row].tolist()), self.trainer.state.samples + 1
            sending(Sample(row, x, int(label), after))
            state = self.trainer.state
            before = state.step
            decisions = self.trainer.learn_one(inputs[row], int(label))
            updated = state.step != before
            # A device sends zeros for a sample that makes no update.
            nothing = (dict.fromkeys(METRICS, 0),) * len(state.plan.layers)
            metrics = tuple(self.trainer.metrics()) if updated else nothing
            result = Result(
                state.step,
                state.samples,
                int(decisions.argmax()),
                tuple(decisions.tolist()),
                metrics,
            )
            yield Sample(
                row,
                tuple(inputs[row].tolist()),
                int(label),
                state.samples,
                None if row in self.lost else result,
            )

    def claim(self) -> Iterator[Reconnection]:
        yield from ()

    def ask(self, request: object) -> Iterator[Reconnection]:
        self.link.info = self.info()
        return iter(())


def samples(count: int, spread: int = 12) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of three clouds that are easy to tell apart, and their labels."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, count)
    centers = np.array([[60, 0, -40, 30], [-50, 50, 20, -20], [0, -70, 60, 10]])
    return centers[labels] + rng.integers(-spread, spread + 1, (count, 4)), labels


def watched(
    plan: Plan, count: int, lost: frozenset[int] = frozenset()
) -> tuple[list[Line], Monitor, list[set[tuple[str, int]]]]:
    """Return the lines about `count` samples, and the symptoms after each row."""
    monitor = Monitor(cast(Stream, Played(plan, lost)), plan)
    lines: list[Line] = []
    signs = []
    for line in monitor.run(*samples(count)):
        if lines and "sample" in lines[-1]:
            signs.append({(each.sign, each.layer) for each in monitor.symptoms})
        lines.append(line.as_dict())
    return lines, monitor, signs


def rows(lines: list[Line]) -> list[Line]:
    return [line for line in lines if "sample" in line]


def warnings(lines: list[Line]) -> list[tuple[str, int]]:
    return [
        (line["warning"]["sign"], line["warning"]["layer"]) for line in lines if "warning" in line
    ]


def test_a_device_that_learns_well_shows_nothing() -> None:
    lines, monitor, _ = watched(make_plan(SIZES), 300)
    found = rows(lines)
    assert [row["step"] for row in found] == [row["sample"] for row in found] == [*range(1, 301)]
    assert sum(row["predicted"] == row["label"] for row in found[200:]) > 95
    assert monitor.correct == sum(row["predicted"] == row["label"] for row in found)
    assert (monitor.symptoms, warnings(lines)) == ((), [])


def test_a_device_whose_updates_vanish() -> None:
    lines, monitor, _ = watched(make_plan(SIZES, rate=2.0**-18), 4 * ENOUGH)
    assert ("vanishing updates", 1) in {(each.sign, each.layer) for each in monitor.symptoms}
    assert warnings(lines).count(("vanishing updates", 1)) == 1  # once, when the symptom is new
    (place,) = [i for i, line in enumerate(lines) if warnings([line]) == [("vanishing updates", 1)]]
    assert len(rows(lines[:place])) == ENOUGH


def test_the_last_rows_are_looked_at_too() -> None:
    count = ENOUGH + LOOK - 1
    lines, monitor, _ = watched(make_plan(SIZES, rate=2.0**-18), ENOUGH - 1)
    assert (monitor.symptoms, warnings(lines)) == ((), [])
    lines, monitor, _ = watched(make_plan(SIZES, rate=2.0**-18), count, frozenset([ENOUGH - 1]))
    assert ("vanishing updates", 1) in warnings(lines)


def test_decisions_of_the_output_layer_show_a_collapse() -> None:
    # All weights are saturated from the start, so every input gives the same class.
    plan = make_plan(SIZES, rule="published", rate=2.0, batch=5, steps=30)
    _, monitor, signs = watched(plan, 60)
    assert ("collapse", 1) not in signs[ENOUGH - 2]
    assert ("collapse", 1) in {(each.sign, each.layer) for each in monitor.symptoms}
    gentle = make_plan((4, 16, 12), rule="published", rate=2.0**-10, batch=5, steps=3)
    _, monitor, _ = watched(gentle, 60)
    assert ("collapse", 1) not in {(each.sign, each.layer) for each in monitor.symptoms}


def test_a_held_sample_is_not_an_update() -> None:
    plan = make_plan(SIZES, rule="published", rate=0.5, batch=8, steps=4)
    lines, monitor, _ = watched(plan, 17)
    found = rows(lines)
    assert [len(row["layers"]) for row in found] == ([0] * 7 + [2]) * 2 + [0]
    assert [row["step"] for row in found] == [0] * 7 + [3] * 8 + [6] * 2
    assert monitor.result is not None and monitor.result.samples == 16
    assert all(sums["w_square"] for sums in monitor.result.metrics)


def test_rows_without_answers_have_no_results() -> None:
    lost = frozenset([0, 7, 8, 30])
    lines, monitor, _ = watched(make_plan(SIZES), 40, lost)
    whole = rows(watched(make_plan(SIZES), 40)[0])
    for number, (row, answered) in enumerate(zip(rows(lines), whole, strict=True)):
        unknown = {"step": None, "predicted": None, "decisions": None, "layers": []}
        assert row == (answered | unknown if number in lost else answered)
    assert (monitor.learned, monitor.unanswered) == (40, 4)
    assert monitor.samples == 40


def test_a_run_without_a_single_answer_ends() -> None:
    lines, monitor, _ = watched(make_plan(SIZES), 40, frozenset(range(40)))
    assert (monitor.unanswered, monitor.correct, monitor.result) == (40, 0, None)
    assert "end" in lines[-1]


def test_a_session_begins_and_ends_with_the_state() -> None:
    plan = make_plan(SIZES)
    played = Played(plan)
    before = played.info()
    said = Monitor(cast(Stream, played), plan).run(*samples(5))
    first, *_, last = (line.as_dict() for line in said)
    assert first == {
        "device": {"board": "played", "port": "/dev/played", "digest": DIGEST},
        "step": 0,
        "samples": 0,
        "crc": before.crc,
        "halvings": 0,
    }
    assert last == {"end": {"step": 5, "samples": 5, "crc": played.trainer.state.crc}}
    assert before.crc != played.trainer.state.crc


def test_some_rows_have_the_number_of_halvings() -> None:
    """This makes the end of a log readable without its beginning."""
    lines, _, _ = watched(make_plan(SIZES), 2 * CHECKPOINT)
    told = {row["sample"]: row["halvings"] for row in rows(lines) if "halvings" in row}
    assert told == {CHECKPOINT: 0, 2 * CHECKPOINT: 0}


# --- saves and rates, on a device that counts -----------------------------------------------------

PLAN = make_plan(SIZES)
INPUT, LABELS = samples(30)


@pytest.fixture
def device() -> Iterator[FakeDevice]:
    device = FakeDevice()
    device.credit = 3
    yield device
    device.close()


@pytest.fixture
def stream(device: FakeDevice) -> Iterator[Stream]:
    connect = lambda: Link(device.port, timeout=20)  # noqa: E731
    stream = Stream(connect, DIGEST, patience=20, want=Want(0))  # a fake device has no metrics
    yield stream
    stream.close()


def kinds(lines: list[Line]) -> list[object]:
    """Return the kinds of the lines that are not rows, and the number of rows between them."""
    found: list[object] = []
    for line in lines:
        if "sample" not in line:
            found.append(next(iter(line)))
        elif found and isinstance(found[-1], int):
            found[-1] += 1
        else:
            found.append(1)
    return found


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, ["device", 30, "end"]),
        ({"save": True}, ["device", 30, "saved", "end"]),
        ({"save_every": 12}, ["device", 12, "saved", 12, "saved", 6, "end"]),
        ({"save_every": 12, "save": True}, ["device", 12, "saved", 12, "saved", 6, "saved", "end"]),
        ({"save_every": 15, "save": True}, ["device", 15, "saved", 15, "saved", "end"]),
        ({"save_every": 99}, ["device", 30, "end"]),
        ({"halvings": 2}, ["device", "rate", 30, "end"]),
    ],
)
def test_saves_and_rates_are_requested_at_the_right_rows(
    device: FakeDevice, stream: Stream, options: dict[str, Any], wanted: list[object]
) -> None:
    lines = [line.as_dict() for line in Monitor(stream, PLAN).run(INPUT, LABELS, **options)]
    assert kinds(lines) == wanted
    assert [line["saved"] for line in lines if "saved" in line] == [
        sum(part for part in wanted[:i] if isinstance(part, int))
        for i, part in enumerate(wanted)
        if part == "saved"
    ]
    assert device.saves == wanted.count("saved")
    asked = [name for name in device.names() if name not in ("SAMPLE", "HELLO")]
    assert asked.pop(0) == "SET_TOKEN"  # once, though the stream and the monitor need it
    assert asked == ["SET_RATE"] * wanted.count("rate") + ["SAVE"] * wanted.count("saved")
    assert len(device.learned) == 30


def test_a_save_that_is_too_early_is_repeated_and_no_row_is_lost(
    device: FakeDevice, stream: Stream
) -> None:
    left = [9_000, 3_240]
    device.respond = lambda frame: (
        device.refuse(frame, Status.EARLY, left.pop(0))
        if frame.code == BY_NAME["SAVE"].code and left
        else device.answer(frame)
    )
    lines = [line.as_dict() for line in Monitor(stream, PLAN).run(INPUT, LABELS, save_every=12)]
    assert kinds(lines) == ["device", 12, "saved", 12, "saved", 6, "end"]
    assert (device.saves, len(device.learned), left) == (2, 30, [])


@pytest.mark.parametrize("saved", [4, 10, 12])
def test_a_device_gets_its_rate_again_after_a_rollback(
    device: FakeDevice, stream: Stream, saved: int
) -> None:
    monitor = Monitor(stream, PLAN)
    lines = []
    for said in monitor.run(INPUT, LABELS, halvings=1):
        lines.append(line := said.as_dict())
        if line.get("sample") == 10 and not monitor.fell_back:
            device.restart(samples=saved)
    interrupted = next(i for i, line in enumerate(lines) if "interrupted" in line)
    assert lines[interrupted]["fell_back"] is True
    assert lines[interrupted]["samples"] == saved
    assert lines[interrupted + 1] == {"rate": 1}
    assert monitor.fell_back == 1
    counts = [row["sample"] for row in rows(lines)]
    missed = len(rows(lines[:interrupted]))
    assert counts == [*range(1, missed + 1), *range(saved + 1, saved + 1 + 30 - missed)]
    assert monitor.samples == device.samples


@pytest.mark.parametrize(
    ("behind", "wanted"),
    [
        ("device", ["device", "interrupted", "rate", 30, "saved", "end"]),
        ("rate", ["device", "rate", "interrupted", "rate", 30, "saved", "end"]),
        ("last row", ["device", "rate", 30, "interrupted", "rate", "saved", "end"]),
        ("saved", ["device", "rate", 30, "saved", "interrupted", "rate", "end"]),
    ],
)
def test_a_restart_between_rows_does_not_lose_the_rate(
    device: FakeDevice, stream: Stream, behind: str, wanted: list[object]
) -> None:
    """The device restarts with the same number of samples, so the number does not reveal the
    restart.
    """
    lines = []
    for said in Monitor(stream, PLAN).run(INPUT, LABELS, halvings=1, save=True):
        lines.append(line := said.as_dict())
        if behind in line or (behind == "last row" and line.get("sample") == 30):
            device.restart(samples=device.samples)
            behind = "never again"
    assert kinds(lines) == wanted
    assert all(line["fell_back"] for line in lines if "interrupted" in line)
    assert device.halvings == 1


def test_a_device_that_restarts_after_the_last_row_is_noticed(
    device: FakeDevice, stream: Stream
) -> None:
    lines = []
    for said in Monitor(stream, PLAN).run(INPUT, LABELS):
        lines.append(line := said.as_dict())
        if line.get("sample") == 30:
            device.restart(samples=20)
    assert kinds(lines) == ["device", 30, "interrupted", "end"]
    assert lines[-2]["fell_back"] is True
    assert lines[-1]["end"]["samples"] == 20
