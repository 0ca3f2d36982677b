"""A seal is not a signature: an edited and resealed model file is checked like any other."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.errors import InputError
from ska_edge.files import npz_bytes
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.model.scaling import Scaling
from ska_edge.model.sealed import SEAL, seal
from ska_edge.network.measures.range_tracker import Range
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters

HOSTILE: tuple[Any, ...] = (
    *(0, -1, 1, 64, 2**31, 2**63, 10**12, 10**400, 1e12, 0.5, float("nan"), float("inf"), True),
    *(None, "x", "", "7", [], [[[]]], {}, [1] * 1000),
)
HOSTILE_ARRAYS = (
    *(np.zeros(0), np.zeros((2, 2)), np.full(3, np.nan), np.full(3, np.inf), np.full(3, -1.0)),
    *(np.zeros(3), np.zeros(3, dtype=np.int64), np.ones(3) * 1j, np.array(["a", "b", "c"])),
    *(np.array(1.0), np.full(3, 1e300), np.zeros(7, dtype=np.uint8), np.ones((4, 3)) * 1e308),
)


def a_model() -> Model:
    plan = make_plan((3, 4, 2), labels=("calm", "gust"))
    parameters = np.random.default_rng(1).integers(-3000, 3000, plan.parameter_count)
    return Model(
        plan,
        State(plan, parameters),
        Scaling(np.arange(3.0), np.ones(3), 1.0),
        initial_parameters(plan.sizes, "local", 1),
        [Range(1, "weight", 16, 12, 3000, 1, 8)],
        notes={
            "seed": 1,
            "epochs": 2,
            "test_fraction": 0.2,
            "group": None,
            "per_class": None,
            "split": "random",
        },
    )


@pytest.fixture
def arrays(tmp_path: Path) -> dict[str, Any]:
    a_model().save(tmp_path / "m.ska")
    with np.load(tmp_path / "m.ska") as archive:
        return dict(archive)


def sealed_again(path: Path, arrays: dict[str, Any], header: Any = None) -> Path:
    """Write a correctly sealed file with these arrays and, if given, another header."""
    if header is not None:
        text = json.dumps(header).encode()
        arrays = {**arrays, "header": np.frombuffer(text, dtype=np.uint8)}
    content = npz_bytes(arrays, bytes(SEAL))[:-SEAL]
    path.write_bytes(content + seal(content))
    return path


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    for key in data if isinstance(data, dict) else range(len(data) if type(data) is list else 0):
        if at or key != "plan":  # test_check.py covers the plan
            yield from places(data[key], (*at, key))


def use(model: Model) -> None:
    """Use what commands use of a model: its ranges, its decisions, and the bytes of its state."""
    for found in model.ranges:
        assert found.format.name
        assert found.real >= 0
        assert found.headroom >= 0
        assert 0 <= found.saturated / found.values <= 1
    x = np.random.default_rng(2).normal(size=(5, 3))
    assert FixedTrainer(model.state).infer(model.quantize(x)).shape == (5, 2)
    if model.reference is not None:
        assert np.isfinite(model.float_decisions(x)).all()
    assert model.state.to_bytes()


def opened(path: Path) -> bool:
    """Tell whether a file opens. Check that it can then be used, or is refused in one sentence."""
    try:
        model = open_model(path)
    except InputError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        return False
    use(model)
    return True


def test_an_edited_header_is_refused_or_can_be_used(tmp_path: Path, arrays: dict[str, Any]) -> None:
    good, results = json.loads(arrays["header"].tobytes()), []
    assert opened(sealed_again(tmp_path / "e.ska", arrays, good))
    for at in places(good):
        for value in HOSTILE:
            header = json.loads(json.dumps(good))
            inner = header
            for key in at[:-1]:
                inner = inner[key]
            inner[at[-1]] = value
            results.append(opened(sealed_again(tmp_path / "e.ska", arrays, header)))
    assert results.count(False) > 100
    assert results.count(True) > 20


def test_an_unknown_split_is_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    header = json.loads(arrays["header"].tobytes())
    header["notes"]["split"] = "sorted"
    with pytest.raises(InputError, match="the note 'split' is out of range"):
        open_model(sealed_again(tmp_path / "e.ska", arrays, header))


def test_edited_arrays_are_refused_or_can_be_used(tmp_path: Path, arrays: dict[str, Any]) -> None:
    refused = 0
    for name in arrays:
        for values in HOSTILE_ARRAYS:
            refused += not opened(sealed_again(tmp_path / "e.ska", {**arrays, name: values}))
        fewer = {key: values for key, values in arrays.items() if key != name}
        assert not opened(sealed_again(tmp_path / "e.ska", fewer))
    assert refused > 100


def test_deep_nesting_is_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    arrays["header"] = np.frombuffer(b"[" * 100_000, dtype=np.uint8)
    assert not opened(sealed_again(tmp_path / "e.ska", arrays))


def test_the_seal_is_checked_before_the_weights_are_unpacked(
    tmp_path: Path, arrays: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed_again(tmp_path / "e.ska", arrays)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    read: list[str] = []
    monkeypatch.setattr(
        "ska_edge.npz.Archive.read", lambda _, name: (read.append(name), arrays[name])[1]
    )
    with pytest.raises(InputError, match="do not match their digest"):
        open_model(path)
    assert read == ["header"]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, arrays: dict[str, Any]) -> None:
    file = io.BytesIO()
    arrays["state"] = np.zeros(50_000_000, dtype=np.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            member = io.BytesIO()
            np.save(member, values)
            archive.writestr(f"{name}.npy", member.getvalue())
        archive.comment = bytes(SEAL)
    content = file.getvalue()[:-SEAL]
    path = tmp_path / "e.ska"
    path.write_bytes(content + seal(content))
    assert len(content) < 100_000
    tracemalloc.start()
    try:
        assert not opened(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
