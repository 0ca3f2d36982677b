"""Equal models have files with equal bytes; reading is exact; damaged files are refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.model.quantization import quantize_state
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters


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


def test_a_model_file_keeps_the_whole_model(tmp_path: Path) -> None:
    model = a_model()
    model.state.step = 7
    model.save(tmp_path / "m.ska")
    again = open_model(tmp_path / "m.ska")
    assert again.plan == model.plan
    assert again.state.step == 7
    assert again.notes == {"seed": 0}
    np.testing.assert_array_equal(again.state.parameters, model.state.parameters)
    np.testing.assert_array_equal(again.scaling.mean, model.scaling.mean)
    assert again.reference is not None
    assert model.reference is not None
    for ours, theirs in zip(model.reference.weights, again.reference.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(again.reference.readout_weights) == 1


def test_equal_models_have_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.ska", "b.ska"):
        a_model().save(tmp_path / name)
    a_model(seed=1).save(tmp_path / "c.ska")
    first = (tmp_path / "a.ska").read_bytes()
    assert first == (tmp_path / "b.ska").read_bytes()
    assert first != (tmp_path / "c.ska").read_bytes()


def a_small_model() -> Model:
    """Return a model with past samples; it is small because tests damage many copies of it."""
    plan = make_plan((2, 2), replay=Replay(2, 1))
    model = Model(plan, State(plan), Scaling(np.zeros(2), np.ones(2)))
    FixedTrainer(model.state).learn_one(np.array([5, -7]), 1)
    return model


def refused(path: Path, content: bytes) -> str:
    """Return the one sentence that refuses a file with this content."""
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_model(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    return sentence


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.ska"
    a_small_model().save(path)
    good = path.read_bytes()
    flips = [(position, bit) for position in range(0, len(good), 64) for bit in range(8)]
    flips += [(position, position % 8) for position in range(len(good))]
    for position, bit in flips:
        bad = bytearray(good)
        bad[position] ^= 1 << bit
        refused(path, bytes(bad))
    path.write_bytes(good)
    open_model(path)


def test_a_file_cut_at_every_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.ska"
    a_small_model().save(path)
    good = path.read_bytes()
    for length in range(len(good)):
        refused(path, good[:length])
    refused(path, good + b"\0")


def test_a_file_of_version_2_is_read(tmp_path: Path) -> None:
    model, path = a_model(), tmp_path / "m.ska"
    assert model.reference is not None
    arrays = {
        "parameters": model.state.parameters.astype("<i4"),
        "mean": model.scaling.mean,
        "scale": model.scaling.scale,
        "limit": np.array([model.scaling.limit]),
    }
    for (layer, tensor), values in tensors_of(model.reference).items():
        # Model files call the readout of a hidden layer a head.
        arrays[f"reference_{tensor.replace('readout', 'head')}_{layer}"] = values

    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    header = {
        "magic": "ska-edge model",
        "version": 2,
        "plan": model.plan.to_json(),
        "step": 7,
        "ranges": [],
        "notes": {"seed": 0},
        "content": digest.hexdigest(),
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, **arrays)
    found = open_model(path)
    assert found.plan == model.plan
    assert (found.state.step, found.state.samples, found.notes) == (7, 0, {"seed": 0})
    np.testing.assert_array_equal(found.state.parameters, model.state.parameters)
    assert found.reference is not None
    np.testing.assert_array_equal(found.reference.weights[0], model.reference.weights[0])
    with np.load(path) as archive:
        arrays = {**archive, "mean": arrays["mean"] + 1}
    with path.open("wb") as file:
        np.savez(file, **arrays)
    assert "do not match their digest" in refused(path, path.read_bytes())


def test_a_model_keeps_the_whole_state(tmp_path: Path) -> None:
    model = a_small_model()
    model.state.halve_rate(2)
    model.save(tmp_path / "m.ska")
    found = open_model(tmp_path / "m.ska").state
    assert found.to_bytes() == model.state.to_bytes()
    assert (found.samples, found.halvings, found.replay.held.tolist()) == (1, 2, [0, 1])
    model.state.step = 2**32 + 5  # more than a device can count
    model.save(tmp_path / "m.ska")
    assert open_model(tmp_path / "m.ska").state.step == 2**32 + 5


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ska"
    with pytest.raises(InputError, match="there is no model file"):
        open_model(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="not a ska-edge model"):
        open_model(path)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="not a ska-edge model"):
        open_model(tmp_path / "other.npz")
    with pytest.raises(InputError):
        open_model(tmp_path)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "m.ska"
    with pytest.raises(InputError, match="cannot write"):
        a_model().save(path)
    assert not path.exists()
