"""Training continues from a model with few new samples, or with the readout alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.model.open import open_model
from ska_edge.training.options import Options
from ska_edge.training.train import far_domain, train


def blobs(turn: float = 0.0, spread: float = 0.5, seed: int = 1) -> Dataset:
    """Return four classes on a circle that is turned by an angle."""
    rng = np.random.default_rng(seed)
    y = np.tile(np.arange(4), 50)
    angle = y * np.pi / 2 + turn
    x = 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, spread, (200, 2))
    group = np.repeat(np.arange(4), 50)
    return Dataset("circle", x, y, ("e", "n", "w", "s"), group)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "start.ska"
    train(blobs(), Options(hidden=(12, 8), epochs=5)).model.save(path)
    return path


@pytest.mark.parametrize("rule", ["local", "feedback", "code"])
def test_a_few_samples_repair_a_turned_sensor(start: Path, rule: str) -> None:
    turned = blobs(turn=0.8, seed=2)
    trained = train(turned, Options(start=start, rule=rule, per_class=5, epochs=20))
    assert trained.before is not None
    before, after = trained.before["fixed"]["test"], trained.accuracy["fixed"]["test"]
    assert before is not None
    assert after is not None
    assert before < 0.75
    assert after > 0.9
    assert len(trained.train.y) == 20
    assert len(trained.test.y) == 180


def test_formats_and_scaling_stay_as_they_are(start: Path) -> None:
    base = open_model(start)
    model = train(blobs(0.3), Options(start=start, per_class=3, epochs=2, rate=0.25)).model
    assert [t.format for t in model.plan.tensors()] == [t.format for t in base.plan.tensors()]
    np.testing.assert_array_equal(model.scaling.mean, base.scaling.mean)
    assert model.plan.layers[0].input == base.plan.layers[0].input
    assert model.plan.rate.real == 0.25


def test_the_readout_alone_leaves_hidden_layers(start: Path) -> None:
    base = open_model(start)
    options = Options(start=start, per_class=5, epochs=3, readout_only=True)
    trained = train(blobs(0.5), options)
    for tensor in trained.model.plan.tensors():
        place = tensor.layer, tensor.name
        same = (trained.model.state.tensor(*place) == base.state.tensor(*place)).all()
        assert same == (tensor.layer < 2), place
    assert trained.model.reference is not None
    assert base.reference is not None
    np.testing.assert_array_equal(trained.model.reference.weights[0], base.reference.weights[0])


def test_one_group_learns_from_its_own_rows(start: Path) -> None:
    trained = train(blobs(), Options(start=start, group=2, per_class=3, epochs=1))
    assert len(trained.train.y) + len(trained.test.y) == 50


def test_a_domain_that_is_too_far_is_reported(start: Path) -> None:
    options = Options(start=start, per_class=5, epochs=1)
    far = train(blobs(turn=np.pi / 2), options)
    near = train(blobs(turn=0.2), options)
    assert "too far" in (far_domain(far) or "")
    assert far_domain(near) is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"hidden": (5,)}, "sizes and precision cannot change"),
        ({"precision": "w32a16"}, "sizes and precision cannot change"),
        ({"rule": "published"}, "continues with labels"),
        ({"init": Path("x.npz")}, "not both"),
        ({"per_class": 60}, "60"),
        ({"group": 9}, "no group 9"),
    ],
)
def test_an_impossible_continuation_is_refused(
    start: Path, options: dict[str, object], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        train(blobs(), Options(start=start, **options))  # type: ignore[arg-type]
