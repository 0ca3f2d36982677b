"""Model files: equal bytes for equal models, round trips, and refusals of anything damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.errors import InputError
from ska_edge.model_file import Model, load_model
from ska_edge.planning import make_plan
from ska_edge.quantize import Scaling, quantize_state
from ska_edge.reference import initial_parameters
from ska_edge.training import tensors_of


def a_model(seed: int = 0) -> Model:
    plan = make_plan((4, 3, 3, 2), labels=("no", "yes"))
    parameters = initial_parameters(plan.sizes, "local", seed)
    scaling = Scaling(np.arange(4.0), np.array([1.0, 2.0, 0.5, 3.0]))
    return Model(
        plan,
        quantize_state(plan, tensors_of(parameters)),
        scaling,
        parameters,
        notes={"seed": seed},
    )


def test_a_model_comes_back_whole(tmp_path: Path) -> None:
    model = a_model()
    model.state.step = 7
    model.save(tmp_path / "m.ska")
    again = load_model(tmp_path / "m.ska")
    assert again.plan == model.plan
    assert again.state.step == 7
    assert again.notes == {"seed": 0}
    np.testing.assert_array_equal(again.state.parameters, model.state.parameters)
    np.testing.assert_array_equal(again.scaling.mean, model.scaling.mean)
    assert again.reference is not None
    assert model.reference is not None
    for ours, theirs in zip(model.reference.weights, again.reference.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(again.reference.head_weights) == 1


def test_equal_models_have_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.ska", "b.ska"):
        a_model().save(tmp_path / name)
    a_model(seed=1).save(tmp_path / "c.ska")
    first = (tmp_path / "a.ska").read_bytes()
    assert first == (tmp_path / "b.ska").read_bytes()
    assert first != (tmp_path / "c.ska").read_bytes()


def same(path: Path, model: Model) -> bool:
    """Whether a file loads as this very model; False when it is refused."""
    try:
        found = load_model(path)
    except InputError:
        return False
    assert found.plan == model.plan
    np.testing.assert_array_equal(found.state.parameters, model.state.parameters)
    np.testing.assert_array_equal(found.scaling.mean, model.scaling.mean)
    np.testing.assert_array_equal(found.scaling.scale, model.scaling.scale)
    return True


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    model, path = a_model(), tmp_path / "m.ska"
    model.save(path)
    good = path.read_bytes()
    harmless = 0
    for position in range(0, len(good), 3):
        bad = bytearray(good)
        bad[position] ^= 1 << (position % 8)
        path.write_bytes(bad)
        harmless += same(path, model)
    # Padding, dates and the like inside the archive carry nothing.
    assert harmless < len(good) / 3 / 2


def test_a_cut_file_is_refused_at_every_length(tmp_path: Path) -> None:
    model, path = a_model(), tmp_path / "m.ska"
    model.save(path)
    good = path.read_bytes()
    for length in range(0, len(good), 11):
        path.write_bytes(good[:length])
        with pytest.raises(InputError):
            load_model(path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ska"
    with pytest.raises(InputError, match="there is no model file"):
        load_model(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="not a ska-edge model"):
        load_model(path)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="not a ska-edge model"):
        load_model(tmp_path / "other.npz")
    with pytest.raises(InputError):
        load_model(tmp_path)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "m.ska"
    with pytest.raises(InputError, match="cannot write"):
        a_model().save(path)
    assert not path.exists()
