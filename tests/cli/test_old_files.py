"""Files of earlier versions open with the same result, or the refusal names their version."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from ska_edge.data.load import load
from ska_edge.model.open import open_model
from ska_edge.network.trainer import FixedTrainer

FILES = Path(__file__).resolve().parent.parent / "fixtures"
DATA = FILES / "data.csv"
# Results of commit a203ddb: the plan's digest, the CRC of the state, the CRC of the decisions.
OPENED = {
    "version_2.ska": ("0aa306dc56f58dd2", 1354083615, 2074436003),
    "version_3.ska": ("787f2bbcc126c13c", 2045526789, 3963824210),
    "version_3.onnx": ("787f2bbcc126c13c", 2045526789, 3963824210),
}
# Results of commit a203ddb after one more epoch of these data.
CONTINUED = {
    "version_2.ska": ("0aa306dc56f58dd2", 1048951003, 2707901697),
    "version_3.ska": ("787f2bbcc126c13c", 1092285410, 2801216819),
    "version_3.onnx": ("787f2bbcc126c13c", 1092285410, 2801216819),
}


def found_in(path: Path) -> tuple[str, int, int]:
    model = open_model(path)
    decisions = FixedTrainer(model.state).infer(model.quantize(load(str(DATA)).x))
    return model.plan.digest, model.state.crc, zlib.crc32(decisions.astype("<i4").tobytes())


@pytest.mark.parametrize("name", OPENED)
def test_old_models_decide_as_before(name: str) -> None:
    assert found_in(FILES / name) == OPENED[name]


@pytest.mark.parametrize("name", ["version_2.ska", "version_3.ska"])
def test_old_models_are_evaluated(ska_edge, name: str) -> None:
    found = ska_edge("eval", FILES / name, DATA, "--json").document()
    shares = {"train": 56 / 57, "test": 1.0}
    assert found["accuracy"] == {"float": shares, "fixed": shares}
    assert found["confusion"] == [[3, 0, 0], [0, 6, 0], [0, 0, 6]]


@pytest.mark.parametrize("name", CONTINUED)
def test_old_models_continue_to_learn(ska_edge, name: str) -> None:
    kept = 0 if name == "version_2.ska" else 2
    options = ("--epochs", 1, "--rate", 0.125, "--seed", 0, "--stored", kept)
    outcome = ska_edge("train", DATA, "--from", FILES / name, "-o", "c.ska", *options)
    assert outcome.code == 0, outcome
    assert found_in(Path("c.ska")) == CONTINUED[name]


@pytest.mark.parametrize("name", ["version_3.ska", "version_3.onnx"])
def test_an_old_log_gives_the_state_of_its_device(ska_edge, name: str) -> None:
    outcome = ska_edge("replay", FILES / "monitor.jsonl", FILES / name, "-o", "r.ska", "--json")
    found = outcome.document()
    assert (found["crc"], found["checked"], found["rows"]) == (861506544, True, 12)
    assert (found["samples"], found["step"], found["halvings"]) == (12, 23, 1)
    assert open_model(Path("r.ska")).state.crc == 861506544


@pytest.mark.parametrize("name", ["version_3.ska", "version_3.onnx"])
def test_the_head_of_an_old_file_is_a_readout(name: str) -> None:
    model = open_model(FILES / name)
    found = {(seen.layer, seen.quantity) for seen in model.ranges}
    assert found >= {(0, "readout_weight"), (0, "readout_bias")}
    assert not any("head" in quantity for _, quantity in found)
    assert model.reference is None or len(model.reference.readout_weights) == 1


def test_a_model_too_old_is_refused_with_its_version(ska_edge) -> None:
    sentence = ska_edge("inspect", FILES / "version_1.ska").refusal(2)
    assert "has model version 1, but this program reads 2 and 3" in sentence
