"""The content of a model file, not its name, determines how it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ska_edge
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import export, save
from ska_edge.model.open import LARGEST_FILE, open_model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan


def a_model() -> Model:
    plan = make_plan((2, 3, 2))
    state = State(plan, np.arange(plan.parameter_count))
    return Model(plan, state, Scaling(np.zeros(2), np.ones(2)))


@pytest.mark.parametrize("name", ["m.ska", "m.onnx", "m"])
def test_the_name_does_not_matter(tmp_path: Path, name: str) -> None:
    model, path = a_model(), tmp_path / name
    model.save(path)
    assert open_model(path).state.to_bytes() == model.state.to_bytes()
    save(export(model, "integer"), path)
    for found in (open_model(str(path)), ska_edge.load(path)):
        assert found.plan == model.plan
        assert found.state.to_bytes() == model.state.to_bytes()


@pytest.mark.parametrize("content", [b"", b"hello", b"PK", b"\x08\x08", bytes(100), b"\x08" * 100])
@pytest.mark.parametrize("name", ["x.ska", "x.onnx"])
def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_too_large_for_any_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ska"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)  # a sparse file, which takes no disk space
    with pytest.raises(InputError, match="is no model: it has more than"):
        open_model(path)


def test_a_name_that_is_not_a_path_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be a path"):
        open_model("m\0.ska")
