"""Whatever happened, a log gives the device's state bit for bit; a faulty log is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ska_edge.errors import CheckError, InputError, SkaError
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.log.file import LogFile
from ska_edge.monitor.replay import Rebuilt, _Replay, rebuild
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from tests.logbook import Logbook
from tests.random_states import plans


def model_of(plan: Plan) -> Model:
    limit = 2 ** (plan.formats.weight_bits - 3)
    parameters = np.random.default_rng(1).integers(-limit, limit, plan.parameter_count)
    scaling = Scaling(np.zeros(plan.inputs), np.ones(plan.inputs))
    return Model(plan, State(plan, parameters, 321), scaling)  # a model after a training


@pytest.fixture
def model() -> Model:
    return model_of(make_plan((3, 4, 2)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps.jsonl"


def rebuilt(book: Logbook, model: Model, path: Path, at: int | None = None) -> Rebuilt:
    return rebuild(book.write(path), model, at)


def assert_whole(book: Logbook, model: Model, path: Path, *, checked: bool) -> None:
    """Check that the log gives exactly the state of the device."""
    before = model.state.to_bytes()
    found = rebuilt(book, model, path)
    assert found.state.to_bytes() == book.state.to_bytes()
    assert (found.checked, found.cut) == (checked, None)
    assert model.state.to_bytes() == before


# --- complete logs --------------------------------------------------------------------------------


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.integers(0, 5)),
        st.tuples(st.just("lose"), st.integers(1, 3)),
        st.tuples(st.just("interrupt"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["save", "save unseen", "fall back", "fall back, go on"])),
        st.tuples(st.sampled_from(["warn", "end", "start", "halve"])),
    ),
    max_size=12,
)


def act(book: Logbook, name: str, count: int = 0) -> None:
    if name == "learn":
        book.learn(count)
    elif name == "lose":
        book.learn(count, lost=True)
    elif name == "interrupt":
        book.interrupt(count)
    elif name.startswith("save"):
        book.save(logged=name == "save")
    elif name.startswith("fall back"):
        book.fall_back(session=name.endswith("go on"))
    elif name == "halve":
        book.rate(min(book.state.halvings + 1, book.state.plan.rate_halvings_max))
    else:
        getattr(book, name)()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans(), ACTIONS, st.integers(0, 2**32 - 1))
def test_whatever_happens_the_log_gives_the_devices_state(
    path: Path, plan: Plan, actions: list[tuple[Any, ...]], seed: int
) -> None:
    model = model_of(plan)
    book = Logbook(model, seed=seed)
    for action in actions:
        act(book, *action)
    assert rebuilt(book, model, path).state.to_bytes() == book.state.to_bytes()
    book.end()
    assert_whole(book, model, path, checked=True)


def test_a_log_without_an_end_is_rebuilt_unchecked(model: Model, path: Path) -> None:
    book = Logbook(model)
    assert_whole(book, model, path, checked=True)  # the start line has a CRC that is checked
    book.learn(5)
    assert_whole(book, model, path, checked=False)
    book.interrupt(2)
    assert_whole(book, model, path, checked=True)
    book.rate(1)
    assert_whole(book, model, path, checked=False)
    book.end()
    assert_whole(book, model, path, checked=True)


def test_a_log_may_start_from_a_pulled_model(path: Path) -> None:
    flashed = model_of(make_plan((3, 4, 2), replay=Replay(2, 1)))
    before = Logbook(flashed)
    before.learn(7)
    pulled = Model(flashed.plan, before.state, flashed.scaling)
    book = Logbook(flashed, pulled.state, seed=1)
    book.learn(5)
    book.end()
    assert_whole(book, pulled, path, checked=True)
    with pytest.raises(
        InputError, match="line 1: the log starts at 7 samples, but the model has 0"
    ):
        rebuilt(book, flashed, path)
    again = Logbook(pulled)  # this device was flashed with the weights of the pulled model
    again.learn(3)
    assert_whole(again, pulled, path, checked=False)


def test_a_log_may_start_from_a_model_that_was_pushed(model: Model, path: Path) -> None:
    book = Logbook(model, model.state)
    assert book.state.step == 321
    book.learn(2)
    assert_whole(book, model, path, checked=False)


def test_a_device_may_return_to_the_flashed_state(model: Model, path: Path) -> None:
    book = Logbook(model, model.state)  # a model of 321 steps was pushed; the log begins with it
    book.learn(3)
    book.fall_back(session=True)
    assert book.state.step == 0
    book.learn(2)
    book.end()
    assert_whole(book, model, path, checked=True)


def test_rows_without_lines_do_not_matter_after_a_rollback(model: Model, path: Path) -> None:
    book = Logbook(model)
    book.learn(3)
    book.interrupt(2)
    del book.lines[-2:]  # the monitor ended before it wrote them
    book.fall_back(session=True)
    book.learn(9)
    book.end()
    assert_whole(book, model, path, checked=True)


def test_the_rate_may_have_been_halved_before_the_log(model: Model, path: Path) -> None:
    book = Logbook(model)
    book.rate(2)
    book.lines.clear()
    book.start()
    book.learn(3)
    assert_whole(book, model, path, checked=False)


def test_counters_may_wrap(path: Path) -> None:
    model = model_of(make_plan((3, 4, 2)))
    model.state.samples, model.state.step = 2**32 - 2, 2**32 - 3
    book = Logbook(model, model.state)
    book.learn(5)
    for line in book.lines[1:]:
        line["sample"] %= 2**32
        line["step"] %= 2**32
    book.end()
    book.lines[-1]["end"]["samples"] %= 2**32
    book.lines[-1]["end"]["step"] %= 2**32
    found = rebuilt(book, model, path)
    assert found.state.to_bytes() == book.state.to_bytes()
    assert found.checked


def test_a_last_line_that_was_cut_is_left_out(model: Model, path: Path) -> None:
    book = Logbook(model)
    book.learn(4)
    before = book.state.to_bytes()
    whole = len(book.write(path).read_bytes())
    book.learn(1)
    content = book.write(path).read_bytes()
    path.write_bytes(content[: whole + 30])
    found = rebuild(path, model)
    assert (found.cut, found.rows) == (6, 4)
    assert found.state.to_bytes() == before


def test_only_states_for_later_rollbacks_are_kept(model: Model, path: Path) -> None:
    book = Logbook(model)
    for _ in range(20):
        book.learn(5)
        book.save()
    book.learn(3)
    book.fall_back()
    book.learn(2)
    book.fall_back()
    book.learn(2)
    replay = _Replay(book.write(path), model, None)
    replay.look_ahead()
    most = 0
    for number, line in LogFile(path).entries():
        replay.take(number, line)
        most = max(most, len(replay._kept))
    assert most == 1
    assert not replay._kept
    assert replay.rebuilt().state.to_bytes() == book.state.to_bytes()


def test_progress_counts_bytes(model: Model, path: Path) -> None:
    book, seen = Logbook(model), []
    book.learn(200)
    rebuild(book.write(path), model, progress=lambda done, total: seen.append((done, total)))
    size = path.stat().st_size
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)
    assert len(seen) >= 3


# --- a step in the middle -------------------------------------------------------------------------


def test_at_gives_the_state_after_any_step(model: Model, path: Path) -> None:
    book = Logbook(model)
    book.learn(9)
    book.end()
    for step in range(10):
        found = rebuilt(book, model, path, step)
        assert found.state.to_bytes() == book.history[step]
        assert found.checked == (step in (0, 9))
    with pytest.raises(InputError, match=r"there is no step 10 in .*: it goes from 0 to 9"):
        rebuilt(book, model, path, 10)


def test_at_gives_the_latest_state_of_a_step(model: Model, path: Path) -> None:
    book = Logbook(model)
    book.learn(4)
    book.save()
    book.learn(4)
    book.fall_back()
    book.learn(6)
    book.fall_back(session=True)
    book.learn(3)
    for step in range(8):  # the history has the latest state of each step
        assert rebuilt(book, model, path, step).state.to_bytes() == book.history[step]
    with pytest.raises(InputError, match="it goes from 0 to 7"):
        rebuilt(book, model, path, 8)


def test_at_a_step_within_a_sample_is_refused(path: Path) -> None:
    model = model_of(make_plan((3, 4, 2), replay=Replay(2, 3)))
    book = Logbook(model)
    book.learn(3)
    assert book.state.step == 1 + 4 + 4
    assert rebuilt(book, model, path, 5).state.to_bytes() == book.history[5]
    with pytest.raises(InputError, match=r"line 3: step 4 is inside sample 2.*ask for 1 or 5"):
        rebuilt(book, model, path, 4)


def test_at_gives_the_last_state_before_a_line_that_is_wrong(model: Model, path: Path) -> None:
    book = Logbook(model)
    book.learn(9)
    book.lines[7]["decisions"][0] += 1
    assert rebuilt(book, model, path, 6).state.to_bytes() == book.history[6]
    with pytest.raises(CheckError, match="line 8"):
        rebuilt(book, model, path, 7)


# --- incomplete and changed logs ------------------------------------------------------------------


def refusal(book: Logbook, model: Model, path: Path, kind: type[SkaError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        rebuilt(book, model, path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def book(model: Model) -> Logbook:
    """Return a log of 10 rows; row n is in line n + 1."""
    found = Logbook(model)
    found.learn(10)
    return found


def test_a_gap_is_refused_with_its_line(book: Logbook, model: Model, path: Path) -> None:
    lost = book.lines.pop(4)
    sentence = refusal(book, model, path)
    assert "line 5: sample 4 was expected, but 5 found" in sentence
    book.lines[4:4] = [lost, lost]
    assert "line 6: sample 5 was expected, but 4 found" in refusal(book, model, path)


def test_a_gap_before_the_end_is_refused(book: Logbook, model: Model, path: Path) -> None:
    book.end()
    book.lines.pop(-2)
    assert "line 11: sample 9 was expected, but 10 found" in refusal(book, model, path)


def test_a_gap_at_an_interruption_is_refused(book: Logbook, model: Model, path: Path) -> None:
    book.interrupt(2)
    book.end()
    del book.lines[-2]
    assert "line 14: sample 11 was expected, but 12 found" in refusal(book, model, path)
    book.lines = book.lines[:12]
    book.lines[-1]["samples"] = 10 + 255  # at most 255 rows can be in flight at the end of a log
    assert rebuilt(book, model, path).state.samples == 10
    book.lines[-1]["samples"] += 1  # more than can be in flight
    assert "line 12: sample 10 was expected, but 266 found" in refusal(book, model, path)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("step", 4, "step is 4 in the log and 3 on the host"),
        ("predicted", 7, "predicted is 7 in the log and"),
        ("decisions", [1, 2], r"decisions[0] is 1 in the log and"),
        ("decisions", [1], "the number of decisions is 1 in the log and 2 on the host"),
    ],
)
def test_a_different_answer_fails_the_check(
    book: Logbook, model: Model, path: Path, key: str, value: object, what: str
) -> None:
    book.lines[3][key] = value
    sentence = refusal(book, model, path, CheckError)
    assert f"line 4: {what}" in sentence
    assert "the device is faulty, or the log was changed" in sentence


@pytest.mark.parametrize("key", ["x", "label"])
def test_a_changed_sample_fails_the_check_of_a_later_line(
    book: Logbook, model: Model, path: Path, key: str
) -> None:
    book.end()
    row = book.lines[5]
    row[key] = 1 - row["label"] if key == "label" else [-row["x"][0] - 1, *row["x"][1:]]
    refusal(book, model, path, CheckError)


@pytest.mark.parametrize("key", ["crc", "step"])
def test_a_different_step_or_crc_fails_the_check(
    book: Logbook, model: Model, path: Path, key: str
) -> None:
    book.end()
    book.lines[-1]["end"][key] ^= 1
    assert f"line 12: {key} is" in refusal(book, model, path, CheckError)
    book.lines.pop()
    book.interrupt()
    book.lines[-1][key] ^= 1
    assert f"line 12: {key} is" in refusal(book, model, path, CheckError)


def test_a_fault_after_an_interruption_fails_the_check(
    book: Logbook, model: Model, path: Path
) -> None:
    book.interrupt(2)
    book.lines[11]["crc"] ^= 1
    assert "line 12: crc is" in refusal(book, model, path, CheckError)
    book.lines[11]["crc"] ^= 1
    book.lines[11]["halvings"] = 3
    assert "line 12: halvings is 3" in refusal(book, model, path, CheckError)


def test_a_rollback_to_an_unknown_state_is_refused(book: Logbook, model: Model, path: Path) -> None:
    book.fall_back()
    book.learn(2)
    book.lines[11]["crc"] ^= 1
    sentence = refusal(book, model, path)
    assert "line 12: the device went on with 0 samples and CRC" in sentence
    book.lines[11]["crc"] ^= 1
    assert_whole(book, model, path, checked=False)


def test_a_session_that_starts_with_an_unknown_state_is_refused(
    book: Logbook, model: Model, path: Path
) -> None:
    book.learn(3)
    del book.lines[-3:]
    book.start()
    assert "line 12: the device went on with 13 samples" in refusal(book, model, path)


def test_another_model_or_plan_is_refused(book: Logbook, model: Model, path: Path) -> None:
    other = Model(model.plan, State(model.plan), model.scaling)
    assert "the model has another state with 0 samples" in refusal(book, other, path)
    plan = make_plan((3, 5, 2))
    stranger = Model(plan, State(plan), model.scaling)
    assert f"runs the plan {model.plan.digest}, but the model is {plan.digest}" in refusal(
        book, stranger, path
    )
    book.fall_back(session=True)
    book.lines[-1]["device"]["digest"] = plan.digest
    assert "line 12: the device runs the plan" in refusal(book, model, path)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("label", 2, "the label 2 is none of 2 classes"),
        ("x", [1, 2], "2 inputs, but the plan has 3"),
        ("x", [1, 2, 128], "an input exceeds"),
        ("x", [1, 2, -(10**30)], "an input exceeds"),
    ],
)
def test_a_sample_that_no_device_takes_is_refused(
    book: Logbook, model: Model, path: Path, key: str, value: object, reason: str
) -> None:
    book.lines[3][key] = value
    assert f"line 4: {reason}" in refusal(book, model, path)


def test_a_rate_that_no_device_takes_is_refused(book: Logbook, model: Model, path: Path) -> None:
    book.lines.insert(3, {"rate": 200})
    assert "line 4: this plan's rate can be halved at most" in refusal(book, model, path)


def test_a_file_that_is_not_a_log_is_refused(model: Model, path: Path) -> None:
    book = Logbook(model)
    book.learn(1)
    book.lines.pop(0)
    assert "line 1: a monitor's log starts with its device" in refusal(book, model, path)
    book.lines.clear()
    assert "it is empty, or no monitor's log" in refusal(book, model, path)
