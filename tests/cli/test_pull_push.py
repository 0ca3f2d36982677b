"""`pull` writes a device's state into a model, `push` sends it back, and `save` makes the device
save it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters
from ska_edge.wire.protocol import Capability
from tests.fake_device import EVERYTHING
from tests.trainer_device import TrainerDevice


@pytest.fixture
def model(tmp_path: Path) -> Model:
    plan = make_plan((4, 3, 3), labels=("a", "b", "c"), replay=Replay(2, 1))
    parameters = np.random.default_rng(5).integers(-4000, 4000, plan.parameter_count)
    reference = initial_parameters(plan.sizes, "local", 1)

    scaling = Scaling(np.arange(4.0), np.ones(4))
    model = Model(plan, State(plan, parameters, 700), scaling, reference, notes={"seed": 1})
    model.save(Path("m.ska"))
    return model


def learn(state: State, count: int) -> None:
    rng = np.random.default_rng(6)
    for _ in range(count):
        FixedTrainer(state).learn_one(rng.integers(-100, 100, 4), int(rng.integers(3)))


@pytest.fixture
def device(model: Model) -> Iterator[TrainerDevice]:
    with TrainerDevice(model.state.flashed()) as found:
        learn(found.network, 9)
        found.network.halve_rate(1)
        yield found


def test_pull_writes_the_whole_state(ska_edge, model: Model, device: TrainerDevice) -> None:
    outcome = ska_edge("pull", "m.ska", "-o", "p.ska", "--port", device.port, "--json")
    assert outcome.code == 0
    assert outcome.document() == {
        "board": "fake",
        "port": device.port,
        "digest": model.plan.digest,
        "samples": 9,
        "step": device.network.step,
        "halvings": 1,
        "crc": device.network.crc,
        "output": "p.ska",
    }
    found = open_model(Path("p.ska"))
    assert found.state.to_bytes() == device.network.to_bytes()
    assert found.plan == model.plan
    assert found.notes == model.notes
    np.testing.assert_array_equal(found.scaling.mean, model.scaling.mean)
    assert found.reference is None  # the float parameters did not learn the device's samples
    assert Path("p.ska").stat().st_mode & 0o777 == 0o600  # past samples may be private


def test_from_device_to_model_to_onnx_to_device(ska_edge, device: TrainerDevice) -> None:
    learned = device.network.to_bytes()
    port = ("--port", device.port)
    assert ska_edge("pull", "m.ska", "-o", "p.ska", *port).code == 0
    assert ska_edge("export", "p.ska", "-o", "p.onnx").code == 0
    learn(device.network, 5)
    assert device.network.to_bytes() != learned
    outcome = ska_edge("push", "p.onnx", *port, "--json")
    assert outcome.code == 0
    assert (outcome.document()["samples"], outcome.document()["saves"]) == (9, 1)
    assert device.network.to_bytes() == learned
    assert device.saved == learned
    assert open_model(Path("p.onnx")).state.to_bytes() == learned


def test_push_gives_the_state_of_a_model(ska_edge, model: Model, device: TrainerDevice) -> None:
    outcome = ska_edge("push", "m.ska", "--port", device.port, "--json")
    assert outcome.code == 0
    assert device.network.to_bytes() == model.state.to_bytes()
    assert outcome.document() == {
        "board": "fake",
        "port": device.port,
        "digest": model.plan.digest,
        "samples": 0,
        "step": 700,
        "halvings": 0,
        "crc": model.state.crc,
        "saves": 1,
    }


def test_push_fresh_gives_the_weights_alone(ska_edge, device: TrainerDevice) -> None:
    assert ska_edge("pull", "m.ska", "-o", "p.ska", "--port", device.port).code == 0
    pulled = open_model(Path("p.ska")).state
    outcome = ska_edge("push", "p.ska", "--fresh", "--port", device.port)
    assert outcome.code == 0
    assert "continues from 0 samples and 0 updates" in outcome.out
    assert device.network.to_bytes() == pulled.flashed().to_bytes()
    assert (device.network.parameters == pulled.parameters).all()


def test_save_keeps_the_state(ska_edge, device: TrainerDevice) -> None:
    outcome = ska_edge("save", "--port", device.port, "--json")
    assert outcome.code == 0
    assert device.saved == device.network.to_bytes()
    assert outcome.document() == {
        "board": "fake",
        "port": device.port,
        "digest": device.network.plan.digest,
        "samples": 9,
        "step": device.network.step,
        "crc": device.network.crc,
        "saves": 1,
    }


@pytest.mark.parametrize("name", ["host", "virtual-m4"])
@pytest.mark.parametrize("rule", ["local", "published"])
def test_a_board_gets_its_bits_back_from_onnx(
    ska_edge,
    name: str,
    rule: str,
    require_board: Callable[[str], Board],
    launched: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_board(name)
    monkeypatch.setenv("SKA_STORAGE", str(Path("saves").absolute()))
    options = {"replay": Replay(2, 1)} if rule == "local" else {"batch": 4, "steps": 3}
    plan = make_plan((4, 3, 3), rule=rule, **options)
    parameters = np.random.default_rng(5).integers(-4000, 4000, plan.parameter_count)
    Model(plan, State(plan, parameters), Scaling(np.zeros(4), np.ones(4))).save(Path("m.ska"))
    assert ska_edge("firmware", "m.ska", "--board", name, "-o", "fw").code == 0
    assert ska_edge("build", "fw").code == 0
    port = launched(Path("fw"))

    def learn(count: int) -> bytes:
        rng = np.random.default_rng(count)
        with Link(port) as link:
            for _ in range(count):
                link.learn(rng.integers(-128, 128, 4).tolist(), int(rng.integers(3)))
            return link.pull(plan.state_bytes)

    with Link(port) as link:
        link.halve_rate(1)
    learned = learn(10)  # two of them wait in a batch of 4
    assert ska_edge("pull", "m.ska", "-o", "p.ska", "--port", port).code == 0
    assert ska_edge("export", "p.ska", "-o", "p.onnx").code == 0
    assert learn(7) != learned
    assert ska_edge("push", "p.onnx", "--port", port, "--json").document()["samples"] == 10
    assert learn(0) == learned
    on_host = open_model(Path("p.ska")).state.copy()
    trainer, rng = FixedTrainer(on_host), np.random.default_rng(7)
    for _ in range(7):
        trainer.learn_one(rng.integers(-128, 128, 4), int(rng.integers(3)))
    assert learn(7) == on_host.to_bytes()
    assert ska_edge("save", "--port", port, "--json").document()["saves"] == 2
    port = launched(Path("fw"))  # the file with the saves outlives the process
    assert learn(0) == on_host.to_bytes()


@pytest.mark.parametrize("name", ["host", "virtual-m4"])
def test_saves_survive_a_stop_but_not_another_image(
    ska_edge, name: str, iris_file: Path, require_board: Callable[[str], Board]
) -> None:
    require_board(name)
    assert ska_edge("firmware", iris_file, "--board", name, "-o", "fw").code == 0
    assert ska_edge("build", "fw").code == 0

    def samples() -> int:
        started = ska_edge("flash", "fw", "--json").document()
        with Link(started["port"]) as link:
            return link.info.samples

    try:
        assert samples() == 0
        taught = ska_edge("monitor", iris_file, "iris", "--samples", 5, "--save")
        assert "step 5, saved at sample 5" in taught.out
        assert ska_edge("flash", "fw", "--stop").code == 0
        assert samples() == 5
        assert ska_edge("monitor", iris_file, "iris", "--samples", 2, "--json").code == 0
        assert samples() == 5
        header = Path("fw/src/ska_plan.h")
        changed = re.sub("(#define SKA_RATE_SHIFT) .*", r"\1 9", header.read_text())
        header.write_text(changed)
        assert ska_edge("build", "fw").code == 0
        assert samples() == 0
    finally:
        ska_edge("flash", "fw", "--stop")


# --- what is refused ------------------------------------------------------------------------------


def test_another_plan_is_refused_on_both_sides(ska_edge, device: TrainerDevice) -> None:
    plan = make_plan((4, 5, 3))
    Model(plan, State(plan), Scaling(np.zeros(4), np.ones(4))).save(Path("other.ska"))
    before = device.network.to_bytes()
    for arguments in (("pull", "other.ska", "-o", "p.ska"), ("push", "other.ska")):
        sentence = ska_edge(*arguments, "--port", device.port).refusal(3)
        assert f"runs the plan {device.network.plan.digest}, not {plan.digest}" in sentence
    assert not Path("p.ska").exists()
    assert device.network.to_bytes() == before
    assert {"PULL", "OFFER", "PUSH"}.isdisjoint(device.names())


def test_a_device_without_storage_takes_nothing(ska_edge, model: Model) -> None:
    without = EVERYTHING - int(Capability.SAVE | Capability.PUSH)
    with TrainerDevice(model.state.flashed(), without) as device:
        sentence = ska_edge("push", "m.ska", "--port", device.port).refusal(3)
        assert "cannot take a state" in sentence
        assert "cannot keep its state" in ska_edge("save", "--port", device.port).refusal(3)
        assert device.names() == ["HELLO", "HELLO"]


def test_a_state_that_no_device_can_have_is_refused(
    ska_edge, device: TrainerDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = device.network.plan.state_bytes
    monkeypatch.setattr(Link, "pull", lambda *_: b"\xff" * size)
    outcome = ska_edge("pull", "m.ska", "-o", "p.ska", "--port", device.port)
    assert "a state that no device of this plan can have" in outcome.refusal(3)
    assert not Path("p.ska").exists()


def test_a_device_with_another_state_than_the_pushed_one_is_an_error(
    ska_edge, device: TrainerDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Link.push

    def push(link: Link, data: bytes, digest: str) -> None:
        given(link, data, digest)
        device.network.parameters[0] ^= 1

    monkeypatch.setattr(Link, "push", push)
    sentence = ska_edge("push", "m.ska", "--port", device.port).refusal(3)
    assert "has another state than it was given" in sentence


def test_ports_and_files_that_are_not_there(ska_edge, model: Model) -> None:
    gone = ("--port", "/dev/none")
    for arguments in (("pull", "m.ska", "-o", "p.ska"), ("push", "m.ska"), ("save",)):
        assert "/dev/none" in ska_edge(*arguments, *gone).refusal(3)
    for arguments in (("pull", "none.ska", "-o", "p.ska"), ("push", "none.ska")):
        assert "there is no model file none.ska" in ska_edge(*arguments, *gone).refusal(2)
    assert "there is no ONNX file none.onnx" in ska_edge("push", "none.onnx", *gone).refusal(2)
    assert "is read by this" in ska_edge("pull", "m.ska", "-o", "m.ska", *gone).refusal(2)
    assert "no folder nowhere" in ska_edge("pull", "m.ska", "-o", "nowhere/p.ska").refusal(2)


# --- what else is done with a pulled model --------------------------------------------------------


@pytest.fixture
def pulled(model: Model) -> Model:
    state = model.state.flashed()
    learn(state, 9)
    state.halve_rate(1)
    found = Model(model.plan, state, model.scaling, notes=model.notes)
    found.save(Path("p.ska"))
    return found


@pytest.fixture
def rows() -> Path:
    path = Path("rows.csv")
    lines = [f"{n},{n % 3},{-n % 5},{n % 7},{'abc'[n % 3]}" for n in range(30)]
    path.write_text("p,q,r,s,label\n" + "\n".join(lines) + "\n")
    return path


def test_inspect_shows_the_state_of_the_device(ska_edge, pulled: Model) -> None:
    document = ska_edge("inspect", "p.ska", "--json").document()
    assert document["state"] == {
        "step": pulled.state.step,
        "samples": 9,
        "halvings": 1,
        "rate": pulled.plan.rate.real / 2,
        "held": 0,
        "replay_buffer": {
            "held": pulled.state.replay.held.tolist(),
            "of_each": 2,
            "kind": "reservoir",
        },
    }
    text = ska_edge("inspect", "p.ska").out
    taken = pulled.state.replay.held.sum()
    assert f"9 samples on a device, {pulled.state.step} updates, rate halved 1 time" in text
    assert f"{taken} of 6 places for past samples taken" in text


def test_inspect_shows_the_number_of_held_samples(ska_edge) -> None:
    plan = make_plan((2, 2), rule="published", batch=4, steps=2)
    model = Model(plan, State(plan), Scaling(np.zeros(2), np.ones(2)))
    FixedTrainer(model.state).learn_one(np.array([1, 2]), 0)
    model.save(Path("held.ska"))
    assert "1 of 4 samples held for the next updates" in ska_edge("inspect", "held.ska").out
    state = ska_edge("inspect", "held.ska", "--json").document()["state"]
    assert (state["held"], state["replay_buffer"]) == (1, None)


def test_eval_names_the_samples_learned_on_the_device(
    ska_edge, model: Model, pulled: Model, rows: Path
) -> None:
    assert "9 more samples on a device" in ska_edge("eval", "p.ska", rows).out
    assert "on a device" not in ska_edge("eval", "m.ska", rows).out


def test_export_of_a_pulled_model_has_its_weights(ska_edge, pulled: Model) -> None:
    assert ska_edge("export", "p.ska", "-o", "p.onnx", "--json").document()["mismatches"] == 0
    assert open_model(Path("p.onnx")).state.to_bytes() == pulled.state.to_bytes()


def test_train_continues_from_an_onnx_file_as_from_its_model(
    ska_edge, pulled: Model, rows: Path
) -> None:
    assert ska_edge("export", "p.ska", "-o", "p.onnx").code == 0
    options = ("--epochs", "1", "--arithmetic", "fixed")
    for source in ("p.ska", "p.onnx"):
        outcome = ska_edge("train", rows, "--from", source, "-o", f"{source}.out", *options)
        assert outcome.code == 0, outcome
    assert Path("p.ska.out").read_bytes() == Path("p.onnx.out").read_bytes()
    Path("bad.onnx").write_bytes(b"no model")
    outcome = ska_edge("train", rows, "--from", "bad.onnx", "-o", "x.ska")
    assert "bad.onnx is no ONNX file" in outcome.refusal(2)


def test_firmware_and_verify_start_from_the_pulled_weights_with_counters_0(
    ska_edge,
    pulled: Model,
    rows: Path,
    require_board: Callable[[str], Board],
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    require_board("host")
    outcome = ska_edge("verify", "p.ska", rows, "--board", "host", "--samples", "5", "--json")
    assert outcome.code == 0
    assert outcome.document()["equal"] is True
    port = launched(write_host_project(pulled, Path("fw")))
    with Link(port) as link:
        assert link.pull(pulled.plan.state_bytes) == pulled.state.flashed().to_bytes()
