"""`teach` adds a class to a device and teaches it a few rows; all commands know the
class's name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.flash import start
from ska_edge.api.device import connect
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.teach import slower, times_slower
from ska_edge.plan.decay import Decay
from ska_edge.plan.resolve import Draft
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.cli.conftest import Run
from tests.trainer_device import TrainerDevice

NEW = "virginica"


def iris() -> tuple[Dataset, Dataset]:
    """Return the rows of two classes, and the rows of the third."""
    pytest.importorskip("sklearn")
    data = load("iris")
    new = data.y == data.labels.index(NEW)
    assert data.labels[2] == NEW
    known = data.take(~new)
    return Dataset("two", known.x, known.y, data.labels[:2], known.features), data.take(new)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a model of two classes of iris, with two spare classes."""
    path = tmp_path_factory.mktemp("two") / "two.ska"
    options = Options(hidden=(8,), epochs=5, decay=0, spare_classes=2, arithmetic="fixed")
    train(iris()[0], options).model.save(path)
    return path


@pytest.fixture
def model(two: Path) -> Model:
    return open_model(two)


@pytest.fixture
def device(model: Model) -> Iterator[TrainerDevice]:
    """Start a device with the model; its replay buffer has 10 samples of each class."""
    with TrainerDevice(model.state.flashed(10)) as found:
        yield found


@pytest.fixture
def rows() -> Path:
    path = Path("rows.npz")
    np.savez(path, x=iris()[1].x[:5])
    return path


def test_a_new_class_is_taught_with_five_rows(
    ska_edge: Run, two: Path, model: Model, device: TrainerDevice, rows: Path
) -> None:
    told = ska_edge("teach", two, NEW, "--port", device.port, "--data", rows, "--log", "t.jsonl")
    assert told.code == 0, told.err
    assert f"has the new class '{NEW}', label 2" in told.out
    assert device.network.samples == 50
    assert device.network.labels == ("setosa", "versicolor", NEW, "(spare 2)")
    assert ska_edge("replay", "t.jsonl", two, "-o", "rebuilt.ska").code == 0
    assert open_model("rebuilt.ska").state.to_bytes() == device.network.to_bytes()

    assert ska_edge("pull", two, "--port", device.port, "-o", "worn.ska").code == 0
    worn = open_model("worn.ska")
    assert worn.labels == ("setosa", "versicolor", NEW)
    known, new = iris()
    assert (worn.predict(new.x) == NEW).mean() >= 0.8
    assert worn.evaluate(known).accuracy >= 0.9
    assert set(worn.evaluate("iris").recall) == set(worn.labels)
    document = ska_edge("inspect", "worn.ska", "--json").document()
    assert (document["labels"], document["spare_classes"]) == ([*worn.labels], 1)
    assert "virginica and 1 spare class;" in ska_edge("inspect", "worn.ska").out
    said = ska_edge("predict", "worn.ska", rows, "--json").document()["predictions"]
    assert {line["class"] for line in said} == {NEW}

    assert ska_edge("export", "worn.ska", "-o", "worn.onnx").code == 0
    assert open_model("worn.onnx").labels == worn.labels
    with connect(device.port, two) as found:
        assert (found.predict(new.x[:9]) == worn.predict(new.x[:9])).all()
        assert found.predict_proba(new.x[:9]).shape == (9, 3)


def test_a_board_is_taught_and_proves_what_it_learned(
    ska_edge: Run, require_board: Callable[[str], Board], two: Path, rows: Path
) -> None:
    """The judged rows of the new class are not taught."""
    require_board("virtual-m4")
    known, new = iris()
    judged = new.take(np.arange(5, len(new.y)))
    assert (open_model(two).predict(judged.x) == NEW).mean() == 0
    written = ska_edge("firmware", two, "--board", "virtual-m4", "--prefill", 10, "-o", "p")
    assert written.code == 0 and ska_edge("build", "p").code == 0
    with start(Path("p")) as running:
        at = ("--port", running.port)
        assert ska_edge("teach", two, NEW, *at, "--data", rows, "--log", "t.jsonl").code == 0
        assert ska_edge("pull", two, *at, "-o", "worn.ska").code == 0
        assert ska_edge("replay", "t.jsonl", two, "-o", "rebuilt.ska").code == 0
        worn = open_model("worn.ska")
        assert open_model("rebuilt.ska").state.to_bytes() == worn.state.to_bytes()
        assert (worn.predict(judged.x) == NEW).mean() >= 0.8
        assert worn.evaluate(known).accuracy >= 0.9
        proved = ska_edge("verify", two, "iris", *at)
        assert proved.code == 0 and "device and host are equal" in proved.out


def test_the_rate_is_halved_while_teaching(
    ska_edge: Run, two: Path, device: TrainerDevice, rows: Path
) -> None:
    arguments = ("teach", two, NEW, "--port", device.port, "--data", rows)
    assert ska_edge(*arguments, "--halve-rate", "3", "--log", "slow.jsonl").code == 0
    assert (device.network.halvings, device.network.samples) == (3, 50)
    assert ska_edge("replay", "slow.jsonl", two, "-o", "slow.ska").code == 0
    assert open_model("slow.ska").state.crc == device.network.crc
    refused = ska_edge(*arguments, "--halve-rate", "99").refusal(2)
    assert "--halve-rate is 99, but" in refused


@pytest.mark.parametrize(
    ("inputs", "rate", "times"), [(64, 1 / 16, 0), (64, 1 / 8, 1), (90, 1 / 8, 2), (4, 1 / 8, 0)]
)
def test_how_often_the_rate_is_halved(inputs: int, rate: float, times: int) -> None:
    assert times_slower(Draft((inputs, 3, 2), rate=rate).resolve()) == times


@pytest.mark.parametrize(
    ("samples", "halvings", "found"), [(9, 0, 3), (10, 0, 2), (20, 0, 1), (20, 1, None), (99, 0, 1)]
)
def test_a_rate_that_has_fallen_is_halved_less(samples: int, halvings: int, found: Any) -> None:
    plan = Draft((64, 3, 2), rate=1 / 2, decay=Decay(2, 10)).resolve()
    info = cast(Any, SimpleNamespace(samples=samples, halvings=halvings))
    assert slower(plan, info) == found


def test_a_large_rate_is_halved_for_the_rows_and_then_restored(
    ska_edge: Run, two: Path, model: Model, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rate * inputs is 1/2, and 1/8 after two halvings."""
    monkeypatch.setattr("ska_edge.monitor.teach.LARGEST_PRODUCT", 1 / 8)
    with TrainerDevice(model.state.flashed(10)) as device:
        arguments = ("teach", two, NEW, "--port", device.port, "--data", rows)
        assert ska_edge(*arguments, "--log", "fast.jsonl").code == 0
        lines = [json.loads(line) for line in Path("fast.jsonl").read_text().splitlines()]
        assert [line["rate"] for line in lines if "rate" in line] == [2, 0]
        assert (device.network.halvings, device.network.samples) == (0, 50)
        assert ska_edge("replay", "fast.jsonl", two, "-o", "again.ska").code == 0
        taught = device.network.crc
        assert open_model("again.ska").state.crc == taught
        device.network.halve_rate(5)  # slow enough; it stays as it is
        assert ska_edge(*arguments, "--log", "slow.jsonl").code == 0
        assert '"rate": ' not in Path("slow.jsonl").read_text()
        assert device.network.halvings == 5
    with TrainerDevice(model.state.flashed(10)) as device, connect(device.port, two) as found:
        found.teach(NEW, iris()[1].x[:5])
        assert (device.network.crc, device.network.halvings) == (taught, 0)


def test_a_class_without_rows_is_only_added(
    ska_edge: Run, two: Path, device: TrainerDevice
) -> None:
    told = ska_edge("teach", two, "wave", "--port", device.port)
    assert told.code == 0
    assert "teach it rows with --data" in told.out
    assert device.network.samples == 0
    again = ska_edge("teach", two, "wave", "--port", device.port, "--json").document()
    assert (again["label"], again["new"], again["classes"][2:]) == (2, False, ["wave"])


def test_a_class_is_forgotten(ska_edge: Run, two: Path, device: TrainerDevice, rows: Path) -> None:
    ska_edge("teach", two, NEW, "--port", device.port, "--data", rows)
    told = ska_edge("teach", two, NEW, "--port", device.port, "--forget", "--json").document()
    assert (told["label"], told["classes"]) == (None, ["setosa", "versicolor"])
    assert not device.network.tensor(1, "weight")[2].any()
    refused = ska_edge("teach", two, NEW, "--port", device.port, "--forget").refusal(2)
    assert "is not an added class; none was" in refused
    refused = ska_edge("teach", two, "setosa", "--port", device.port, "--forget").refusal(2)
    assert "'setosa' is not an added class" in refused


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a name of 17 bytes", "at most 16"),
        ("", "cannot be used; give printable characters"),
        ("unknown", "is the name that samples of no known class get; choose another name"),
        ("fist", "the model has used its 2 spare classes"),
    ],
)
def test_a_class_that_cannot_be_added(
    name: str, sentence: str, ska_edge: Run, two: Path, device: TrainerDevice
) -> None:
    if name == "fist":
        for each in ("wave", "clap"):
            ska_edge("teach", two, each, "--port", device.port)
    before = device.network.to_bytes()
    assert sentence in ska_edge("teach", two, name, "--port", device.port).refusal(2)
    assert device.network.to_bytes() == before


def test_labels_choose_the_rows_of_the_class(
    ska_edge: Run, two: Path, device: TrainerDevice
) -> None:
    data = load("iris")
    np.savez("all.npz", x=data.x[::10], y=np.array(data.labels)[data.y[::10]])
    told = ska_edge("teach", two, NEW, "--port", device.port, "--data", "all.npz", "--json")
    assert told.document()["rows"] == 5
    refused = ska_edge("teach", two, "wave", "--port", device.port, "--data", "all.npz").refusal(2)
    assert "none of its rows is of the class 'wave'" in refused


def test_a_model_without_spare_classes_says_how_to_train_one(ska_edge: Run) -> None:
    made = train(iris()[0], Options(hidden=(4,), epochs=1, arithmetic="fixed")).model
    made.save("plain.ska")
    assert not made.state.replay.held.any()
    with TrainerDevice(made.state) as plain:
        refused = ska_edge("teach", "plain.ska", "wave", "--port", plain.port).refusal(2)
        assert "has no spare class for it" in refused
    refused = ska_edge("firmware", "plain.ska", "--prefill", "3", "-o", "p").refusal(2)
    assert "--prefill is 3, but the model stores no samples" in refused
    assert "--spare-classes" in refused


def test_spare_classes_hardly_change_the_training(model: Model) -> None:
    """The replay buffer is filled after the training, with rows of every class."""
    plain = train(iris()[0], Options(hidden=(8,), epochs=5, decay=0, arithmetic="fixed")).model
    weights = model.state.tensor(0, "weight")
    # With 4 outputs instead of 2, the errors have one fractional bit less.
    assert (model.plan.formats.error.frac, plain.plan.formats.error.frac) == (13, 14)
    assert np.abs(weights - plain.state.tensor(0, "weight")).max() <= 16
    assert model.state.replay.held.tolist() == [10, 10, 0, 0]
    assert model.plan.replay.per_sample == 10


def test_spare_classes_learn_sample_by_sample(ska_edge: Run) -> None:
    refused = ska_edge("train", "iris", "-o", "no.ska", "--spare-classes", 2, "--batch", 8)
    assert "--spare-classes needs a device that learns sample by sample" in refused.refusal(2)
    assert "leave --batch out" in refused.err


def test_rates_are_tried_for_a_model_with_spare_classes() -> None:
    trained = train(iris()[0], Options(hidden=(4,), epochs=2, rate="auto", spare_classes=1))
    assert len(trained.trials) > 1
    assert trained.model.reference is not None
    assert not trained.model.reference.weights[-1][2:].any()
    assert not trained.model.float_decisions(iris()[1].x)[:, 2:].any()


def test_a_training_continues_with_rows_of_a_new_class_alone(ska_edge: Run, two: Path) -> None:
    """The training also learns the stored samples of the other classes."""
    known, new = iris()
    labels = np.array(new.labels)[new.y]
    np.savez("new.npz", x=new.x[:12], y=labels[:12])
    told = ska_edge("train", "new.npz", "--from", two, "--test-fraction", "0.2", "-o", "three.ska")
    assert told.code == 0, told.err
    three = open_model("three.ska")
    assert three.labels == ("setosa", "versicolor", NEW)
    assert three.state.replay.held.tolist() == [10, 10, 10, 0]
    assert np.array_equal(three.state.replay.samples[:2], open_model(two).state.replay.samples[:2])
    assert (three.predict(new.x) == NEW).mean() >= 0.9
    assert three.evaluate(known).accuracy >= 0.9
    np.savez("four.npz", x=new.x, y=np.array(["a", "b", "c", "d", "e"] * 10))
    refused = ska_edge("train", "four.npz", "--from", two, "-o", "no.ska").refusal(2)
    assert "the model has used its 2 spare classes" in refused
    model = open_model(two)
    buffer = model.state.replay
    buffer.samples[1], buffer.seen[1] = 0, 0
    model.save("bare.ska")
    refused = ska_edge("train", "new.npz", "--from", "bare.ska", "-o", "no.ska").refusal(2)
    assert "no rows of the class 'versicolor'" in refused
    assert "would forget that class" in refused


def test_predict_names_the_classes_that_the_device_was_taught(
    ska_edge: Run, two: Path, device: TrainerDevice, rows: Path
) -> None:
    told = ska_edge("teach", two, NEW, "--port", device.port, "--data", rows)
    assert told.code == 0, told.err
    np.savez("labeled.npz", x=iris()[1].x[:5], y=[NEW] * 5)
    said = ska_edge("predict", two, "labeled.npz", "--port", device.port, "--json")
    assert said.code == 0, said.err
    document = said.document()
    assert [line["class"] for line in document["predictions"]] == [NEW] * 5
    assert (document["accuracy"], document["warnings"]) == (1, [])


def test_monitor_knows_the_classes_that_the_device_was_taught(
    ska_edge: Run, two: Path, model: Model, device: TrainerDevice
) -> None:
    ska_edge("teach", two, NEW, "--port", device.port)
    watched = ("--hold-out", 3, "--json", "--port")
    told = ska_edge("monitor", two, "iris", *watched, device.port)
    assert told.code == 0, told.err
    assert device.network.replay.seen[2] == 49
    assert told.document()["held_out"]["classes"][NEW]["rows"] == 1
    with TrainerDevice(model.state.flashed()) as other:
        refused = ska_edge("monitor", two, "iris", *watched, device.port, "--port", other.port)
        assert "know different classes; monitor each alone" in refused.refusal(2)
    with TrainerDevice(model.state.flashed()) as other:
        refused = ska_edge("monitor", two, "iris", *watched, other.port)
        assert f"the class '{NEW}', which the model does not know" in refused.refusal(2)
