"""Training end to end is accurate, repeatable and logged, and gives the published series."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import ska_edge
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.training.beginning import beginning
from ska_edge.training.defaults import default_rate
from ska_edge.training.options import Options
from ska_edge.training.settling import settled
from ska_edge.training.train import train

GOLDEN = Path(__file__).parents[1] / "golden" / "published_tiny.json"


@pytest.fixture(scope="module")
def iris() -> Dataset:
    pytest.importorskip("sklearn")
    return load("iris")


def test_digits_become_as_good_in_integers_as_in_float() -> None:
    pytest.importorskip("sklearn")
    trained = train(load("digits"), Options(hidden=(32,), epochs=5))
    fixed, real = trained.accuracy["fixed"]["test"], trained.accuracy["float"]["test"]
    assert fixed is not None
    assert real is not None
    assert fixed >= 0.95
    assert abs(fixed - real) <= 0.02
    assert (len(trained.train.y), len(trained.test.y)) == (1437, 360)
    assert trained.model.plan.parameter_count == 2410


def test_the_same_options_give_the_same_bytes(iris: Dataset, tmp_path: Path) -> None:
    for name in ("a.ska", "b.ska"):
        train(iris, Options(hidden=(4,), epochs=2)).model.save(tmp_path / name)
    train(iris, Options(hidden=(4,), epochs=2, seed=1)).model.save(tmp_path / "c.ska")
    assert (tmp_path / "a.ska").read_bytes() == (tmp_path / "b.ska").read_bytes()
    assert (tmp_path / "a.ska").read_bytes() != (tmp_path / "c.ska").read_bytes()


def golden(tmp_path: Path) -> tuple[dict[str, Any], Dataset, Options]:
    """Return the published figures, their data (features in 0..1) and the options for them."""
    figures = json.loads(GOLDEN.read_text(encoding="utf-8"))
    x = np.array(figures["X"])
    init = tmp_path / "init.npz"
    arrays = {f"W{i}": np.array(w) for i, w in enumerate(figures["W0"])}
    np.savez(init, **arrays)
    labels = ("0", "1", "2")
    dataset = Dataset("tiny", x, np.arange(len(x)) % 3, labels)
    hidden = tuple(len(w) for w in figures["W0"][:-1])
    return (
        figures,
        dataset,
        Options(
            rule="published",
            hidden=hidden,
            rate=figures["eta"],
            steps=figures["K"],
            init=init,
            log=tmp_path / "steps.jsonl",
        ),
    )


@pytest.mark.parametrize(("arithmetic", "tolerance"), [("float", 1e-9), ("fixed", 0.03)])
def test_the_published_series(tmp_path: Path, arithmetic: str, tolerance: float) -> None:
    figures, dataset, options = golden(tmp_path)
    options = Options(
        **{**{n: getattr(options, n) for n in Options.__slots__}, "arithmetic": arithmetic}
    )
    train(dataset, options)
    assert options.log is not None
    lines = [json.loads(line) for line in options.log.read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, figures["K"]))
    for ours, theirs in (
        ("entropy", "entropy"),
        ("w_norm", "frobenius_w"),
        ("tensor_net", "tensor_net"),
    ):
        for layer, series in enumerate(figures[theirs]):
            got = np.array([line["layers"][layer][ours] for line in lines])
            scale = np.abs(series).max()
            np.testing.assert_allclose(
                got, series, rtol=1e-9 if arithmetic == "float" else 0, atol=tolerance * scale
            )


def test_published_has_no_accuracy(tmp_path: Path) -> None:
    _, dataset, options = golden(tmp_path)
    assert train(dataset, options).accuracy["fixed"]["train"] is None


def test_the_log_of_a_rule_with_labels(iris: Dataset, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    train(iris, Options(hidden=(4,), epochs=1, log=log, arithmetic="fixed"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 121))
    assert set(lines[0]["layers"][0]) >= {"entropy", "cosine", "z_norm", "w_norm", "tensor_net"}


def test_progress_ends_at_its_total(iris: Dataset) -> None:
    options = {"both": 480, "fixed": 480, "float": 240}  # "fixed" first calibrates in float
    for arithmetic, whole in options.items():
        seen: list[tuple[int, int]] = []
        train(
            iris,
            Options(hidden=(4,), epochs=2, arithmetic=arithmetic),
            lambda *at, seen=seen: seen.append(at),
        )
        assert seen[-1] == (whole, whole)
        assert seen == sorted(seen) and {total for _, total in seen} == {whole}


def test_mini_batches_learn_too(iris: Dataset) -> None:
    trained = train(iris, Options(hidden=(8,), epochs=60, batch=4))
    fixed = trained.accuracy["fixed"]["test"]
    assert fixed is not None
    assert fixed >= 0.85


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"rule": "magic"}, "no rule"),
        ({"arithmetic": "complex"}, "no arithmetic"),
        ({"scale": "log"}, "no scaling"),
        ({"epochs": 0}, "epochs is at least 1"),
        ({"seed": -1}, "seed is at least 0"),
        ({"batch": 0}, "batch is at least 1"),
        ({"batch": 1000}, "larger than the 120 training rows"),
        ({"rule": "published", "steps": 1}, "steps is at least 2"),
        ({"init": Path("nowhere.npz")}, "there is no file"),
        ({"log": Path("no") / "folder.jsonl"}, "cannot write"),
    ],
)
def test_options_that_cannot_work(iris: Dataset, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        train(iris, Options(**{"hidden": (4,), **options}))


def test_initial_weights_must_fit(iris: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "init.npz"
    np.savez(path, W0=np.zeros((4, 4)))
    with pytest.raises(InputError, match="W1 of shape"):
        train(iris, Options(hidden=(4,), init=path))
    np.savez(path, W0=np.full((4, 4), np.nan), W1=np.zeros((3, 4)))
    with pytest.raises(InputError, match="not finite"):
        train(iris, Options(hidden=(4,), init=path))


def test_the_python_interface(iris: Dataset, tmp_path: Path) -> None:
    trained = ska_edge.train("iris", hidden=(4,), epochs=1)
    trained.model.save(tmp_path / "iris.ska")
    assert ska_edge.load(tmp_path / "iris.ska").plan == trained.model.plan


@pytest.mark.parametrize(
    ("inputs", "rate"), [(2, 0.125), (64, 0.125), (73, 0.125), (93, 0.0625), (784, 2**-7)]
)
def test_wide_inputs_get_a_smaller_rate(inputs: int, rate: float) -> None:
    assert default_rate(inputs) == rate


def test_relu_gets_a_smaller_rate() -> None:
    hidden: tuple[tuple[int, ...], ...] = ((5,), (5, 4), (5, 4, 3))
    rates = [settled(Options(activation="relu", hidden=each), 64, 10).rate for each in hidden]
    assert rates == [0.125 / 4, 0.125 / 8, 0.125 / 8]
    assert settled(Options(hidden=(5,), activation="relu", rate=0.5), 64, 10).rate == 0.5


def test_the_rate_is_halved_in_equal_parts_of_the_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    shifts = []

    def record(state: State, times: int) -> None:
        shifts.append(times)

    monkeypatch.setattr(State, "halve_rate", record)
    train(rows(), Options(hidden=(3,), epochs=6, decay=2))
    assert shifts == [0, 0, 1, 1, 2, 2]


def rows(x: np.ndarray | None = None, y: np.ndarray | None = None) -> Dataset:
    """Return two classes of ten rows each that the first feature separates."""
    labels = np.repeat([0, 1], 10) if y is None else y
    noise = np.random.default_rng(0).normal(0, 0.1, (len(labels), 2))
    features = noise + labels[:, None] if x is None else x
    return Dataset("rows", features, labels, ("a", "b"))


def test_the_order_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[int]] = {}
    data = rows(y=np.tile([0, 1], 10))
    learn_many = FixedTrainer.learn_many

    def record(trainer, inputs, labels):  # type: ignore[no-untyped-def]
        seen.setdefault(order, []).extend(labels.tolist())
        return learn_many(trainer, inputs, labels)

    monkeypatch.setattr(FixedTrainer, "learn_many", record)
    for order in ("iid", "as-is", "blocked"):
        options = Options(hidden=(3,), epochs=1, test_fraction=0.0, stream_order=order)
        train(data, options)
    assert seen["as-is"] == data.y.tolist()
    assert seen["blocked"] == sorted(data.y.tolist())
    assert seen["iid"] not in (seen["as-is"], seen["blocked"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (rows(x=np.full((20, 2), 3.0)), "all 2 features of 'rows' are constant"),
        (rows(y=np.array([0] * 9 + [1])), "a single sample of the class 'b'"),
    ],
)
def test_data_that_teach_nothing_are_refused(data: Dataset, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        train(data, Options(hidden=(3,), epochs=1))


def test_a_beginning_is_that_of_the_training_with_the_same_options(iris: Dataset) -> None:
    options = Options(hidden=(4,), epochs=2, decay=0)
    trained, begun = train(iris, options), beginning(iris, options, 240)
    assert begun.model.plan.digest == trained.model.plan.digest
    assert begun.inputs.shape == (240, 4)
    trainer = FixedTrainer(begun.model.state)
    for x, label in zip(begun.inputs, begun.labels.tolist(), strict=True):
        trainer.learn_one(x, label)
    assert (begun.model.state.parameters == trained.model.state.parameters).all()


def test_the_states_of_a_beginning_are_those_after_its_epochs(iris: Dataset) -> None:
    options = Options(hidden=(4,), epochs=2)
    trained, begun = train(iris, options), beginning(iris, options, 240)
    initial = begun.model.state.to_bytes()
    first, second = begun.states((1, 2))
    assert begun.model.state.to_bytes() == initial
    half = dataclasses.replace(begun, inputs=begun.inputs[:120], labels=begun.labels[:120])
    assert (first.parameters == half.learned(begun.model.state)).all()
    assert (second.parameters == trained.model.state.parameters).all()
    assert (first.step, first.samples) == (0, 0)  # a device starts like this, too


def test_a_beginning_has_its_limits(iris: Dataset) -> None:
    with pytest.raises(InputError, match="2 epochs of 'iris' are 240 samples, and 241 are needed"):
        beginning(iris, Options(hidden=(4,), epochs=2), 241)
    with pytest.raises(InputError, match="held batch"):
        beginning(iris, Options(hidden=(4,), rule="published"), 10)


@pytest.mark.parametrize("arithmetic", ["both", "fixed", "float"])
def test_an_untrained_model_has_the_formats_and_the_beginning_of_the_training(
    iris: Dataset, arithmetic: Literal["both", "fixed", "float"]
) -> None:
    options = Options(hidden=(4,), epochs=20, arithmetic=arithmetic, untrained=True)
    found, whole = train(iris, options).model, beginning(iris, options, 100).model
    assert found.plan == whole.plan
    assert found.plan != train(iris, dataclasses.replace(options, epochs=1)).model.plan
    assert (found.state.parameters == whole.state.parameters).all()
    assert found.state.step == 0
