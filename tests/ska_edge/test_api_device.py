"""`ska_edge.connect` lets Python query, teach, read, write and verify a device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ska_edge
from tests.trainer_device import TrainerDevice

ROWS = 30
X = np.random.default_rng(0).normal(size=(ROWS, 3)) + np.eye(3)[np.arange(ROWS) % 3] * 9
Y = np.array(["cat", "dog", "eel"])[np.arange(ROWS) % 3]


@pytest.fixture(scope="module")
def trained() -> ska_edge.Model:
    return ska_edge.train((X, Y), hidden=4, epochs=1).model


@pytest.fixture
def model(trained: ska_edge.Model, tmp_path: Path) -> ska_edge.Model:
    """Return a copy of the trained model for each test."""
    trained.save(tmp_path / "m.ska")
    return ska_edge.load(tmp_path / "m.ska")


@pytest.fixture
def board(trained: ska_edge.Model) -> Iterator[TrainerDevice]:
    with TrainerDevice(trained.state.flashed()) as found:
        yield found


def test_a_device_is_its_port_board_and_plan(model: ska_edge.Model, board: TrainerDevice) -> None:
    with ska_edge.connect(board.port, model) as device:
        shown = f"Device({board.port}, {device.info().board}, {model.plan.digest})"
        assert repr(device) == shown
    assert repr(device) == shown


def test_a_device_decides_as_its_model_and_learns_nothing(
    board: TrainerDevice, model: ska_edge.Model
) -> None:
    told: list[tuple[int, int]] = []
    with ska_edge.connect(board.port, model) as device:
        assert (device.infer(X, lambda *n: told.append(n)) == model.decisions(X)).all()
        assert device.predict(X).tolist() == model.predict(X).tolist()
        assert (device.predict_proba(X) == model.predict_proba(X)).all()
        assert device.info().samples == 0
    assert told == [(row, ROWS) for row in range(1, ROWS + 1)]


def test_a_device_learns_as_its_model_and_gives_back_what_it_learned(
    board: TrainerDevice, model: ska_edge.Model, tmp_path: Path
) -> None:
    with ska_edge.connect(board.port, str(tmp_path / "m.ska")) as device:
        before = device.learn(X, Y)
        worn = device.pull()
        assert device.info().samples == ROWS
    assert before.tolist() == model.learn(X, Y).tolist()
    assert worn.state.parameters.tolist() == model.state.parameters.tolist()
    assert worn.state.samples == ROWS
    assert worn.reference is None
    assert worn.predict(X).tolist() == model.predict(X).tolist()


def test_a_device_continues_from_a_pushed_state(
    board: TrainerDevice, model: ska_edge.Model
) -> None:
    with ska_edge.connect(board.port, model) as device:
        device.learn(X, Y)
        fresh = device.push()
        assert (fresh.samples, fresh.crc) == (0, model.state.crc)
        model.learn(X, Y)
        assert device.push(model).samples == ROWS
        device.reset()
        assert device.info().samples == 0
        assert device.save().saves == 3


def test_without_a_model_only_some_requests_work(board: TrainerDevice) -> None:
    with ska_edge.connect(board.port) as device:
        assert (device.info().inputs, device.info().classes) == (3, 3)
        device.save()
        device.reset()
        for ask in (lambda: device.predict(X), device.pull, device.push):
            with pytest.raises(ska_edge.InputError, match=r"give connect\(port, model\)"):
                ask()


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda d: d.predict(X[:, :2]), "x has 2 features, but the model has 3 inputs"),
        (lambda d: d.learn(X, Y[1:]), "x has 30 rows and y has 29 labels"),
        (lambda d: d.learn(X, ["cow"] * ROWS), r"y\[0\] is 'cow', a class that"),
        (lambda d: d.learn(X), "the rule local learns from labels"),
        (lambda d: d.verify((X[:, :2], Y)), "arrays has 2 features, but the model has 3 inputs"),
        (lambda d: d.verify((X, Y), samples=31), "samples is 31, but arrays has 30 rows"),
        (lambda d: d.verify((X, Y), samples=0), "samples is 0, but arrays has 30 rows"),
    ],
)
def test_a_wrong_argument_is_refused_and_nothing_is_learned(
    board: TrainerDevice, model: ska_edge.Model, ask: Any, sentence: str
) -> None:
    with ska_edge.connect(board.port, model) as device:
        with pytest.raises(ska_edge.InputError, match=f"^{sentence}"):
            ask(device)
        assert device.info().samples == 0


def test_a_device_with_another_plan_is_refused(board: TrainerDevice) -> None:
    other = ska_edge.train((X, Y), hidden=5, epochs=1).model
    with pytest.raises(ska_edge.DeviceError, match=r"runs the plan .* build and flash"):
        ska_edge.connect(board.port, other)
    with ska_edge.connect(board.port) as device, pytest.raises(ska_edge.DeviceError):
        device.push(other)


def test_a_device_that_contradicts_its_plan_is_refused(
    board: TrainerDevice, model: ska_edge.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = board.welcome
    monkeypatch.setattr(board, "welcome", lambda: {**said(), "classes": 2})
    with pytest.raises(ska_edge.DeviceError, match="has 2 classes, but its plan has 3"):
        ska_edge.connect(board.port, model)


def test_a_port_that_is_not_there_is_refused(model: ska_edge.Model, tmp_path: Path) -> None:
    with pytest.raises(ska_edge.DeviceError):
        ska_edge.connect(str(tmp_path / "none"), model)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"port": None}, "port is None; give its path"),
        ({"port": 5}, "port is 5; give its path"),
        ({"baud": "fast"}, "baud is 'fast'; give bits per second, 1200 to 921600"),
        ({"baud": 0}, "baud is 0; give bits per second"),
        ({"timeout": "a"}, "timeout is 'a'; give seconds, more than 0"),
        ({"timeout": -1}, "timeout is -1; give seconds, more than 0"),
        ({"timeout": float("nan")}, "timeout is nan; give seconds"),
        ({"key": "abc"}, "key is not 32 bytes; give the bytes of the device's key"),
        ({"key": b"abc"}, "key is not 32 bytes"),
        ({"model": 5}, "a path is text or a Path, not 5"),
    ],
)
def test_an_argument_that_no_port_can_have_is_refused(
    board: TrainerDevice, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ska_edge.InputError, match=f"^{sentence}"):
        ska_edge.connect(**{"port": board.port, **arguments})


def test_a_proof_with_two_arrays_as_arguments_is_refused(
    board: TrainerDevice, model: ska_edge.Model
) -> None:
    with (
        ska_edge.connect(board.port, model) as device,
        pytest.raises(ska_edge.InputError, match=r"verify\(\(x, y\)\)"),
    ):
        device.verify(np.zeros((2, 4)), [0, 1])  # type: ignore[arg-type]


def test_a_proof_that_fails_names_the_integer(
    model: ska_edge.Model, trained: ska_edge.Model
) -> None:
    state = trained.state.flashed()
    state.parameters[5] += 1
    with (
        TrainerDevice(state) as board,
        ska_edge.connect(board.port, model) as device,
        pytest.raises(ska_edge.CheckError, match=r"differ at step 0, layer 0, weight\[1, 2\]"),
    ):
        device.verify((X, Y))


def test_firmware_on_a_board_is_proven(
    model: ska_edge.Model, tmp_path: Path, require_board: Any
) -> None:
    require_board("host")
    project = model.firmware(tmp_path / "firmware", board="host")
    project.build()
    with project.start() as running, ska_edge.connect(running.port, model) as device:
        assert (device.infer(X) == model.decisions(X)).all()
        report = device.verify((X, Y), samples=20)
        assert (report.samples, report.equal) == (20, True)
        device.learn(X[20:], Y[20:])
        model.learn(X, Y)
        assert device.pull().state.parameters.tolist() == model.state.parameters.tolist()


def test_a_device_predicts_and_learns_a_regression_in_the_unit_of_the_data() -> None:
    y = 500 + 100 * X[:, 0]
    data = ska_edge.load_data((X, y), task="regression")
    model = ska_edge.train(data, hidden=(), epochs=1).model
    with (
        TrainerDevice(model.state.flashed()) as board,
        ska_edge.connect(board.port, model) as device,
    ):
        assert device.verify((X, y)).samples == ROWS
        device.reset()
        assert device.predict(X).tolist() == model.predict(X).tolist()
        for ask, figure in ((device.confidence, "confidence"), (device.predict_proba, "prob")):
            with pytest.raises(ska_edge.InputError, match=f"values and no {figure}"):
                ask(X)
        assert device.learn(X, y).tolist() == model.learn(X, y).tolist()
        assert np.abs(device.predict(X) - y).mean() < np.std(y)
