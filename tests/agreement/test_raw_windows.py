"""`verify` pushes raw samples into a device, and every feature and input equals the host's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.memory.footprint import parts, ram
from firmware_gen.project import write_project
from ska_edge.data.dataset import Dataset
from ska_edge.device.link import Link
from ska_edge.errors import CheckError, DeviceError
from ska_edge.frontend.frontends import feature_names
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.raw_windows import compare_windows
from ska_edge.monitor.verify import Report, verify
from ska_edge.network.state import State
from tests.agreement.test_front import AXES, FRONTS, expected_of, plan_with, samples_of, windows_of
from tests.lossy_wire import LossyWire

RECORDINGS = ("walk.csv", "run.csv")
# Each board has one of the front ends, and each front end is on some board.
BOARDS = {
    "host": "more",
    "virtual-m4": "half",
    "qemu-m0": "half",
    "qemu-m3": "apart",
    "qemu-m4": "plain",
    "qemu-m7": "next",
    "qemu-m33": "kernels",
    "qemu-rv32": "echo",
    "sim-atmega328p": "half",
}


def model_of(name: str) -> Model:
    plan = plan_with(FRONTS[name])
    scaling = Scaling(np.zeros(plan.inputs), np.ones(plan.inputs))
    parameters = np.random.default_rng(5).integers(-3000, 3000, plan.parameter_count)
    return Model(plan, State(plan, parameters), scaling)


def recorded(model: Model, count: int = 150) -> tuple[Dataset, np.ndarray]:
    """Return the windows of two recordings of `count` samples each, and the inputs they become."""
    front = model.plan.front
    assert front is not None
    samples = samples_of(front, 2 * count)
    both = [samples[:count], samples[count:]]
    features, inputs = (
        np.concatenate(each)
        for each in zip(*(expected_of(model.plan, half) for half in both), strict=True)
    )
    windows = [windows_of(front, half) for half in both]
    starts = [np.arange(len(each)) * front.hop for each in windows]
    names = AXES[: front.axes]
    data = Dataset(
        "rec",
        features.astype(np.float64),
        np.arange(len(features)) % 2,
        ("a", "b"),
        features=feature_names(front, names),
        file=np.repeat([0, 1], [len(each) for each in windows]),
        file_names=RECORDINGS,
        starts=np.concatenate([starts[0], starts[1] + 3 * count]),
        front=front,
        windows=np.concatenate(windows),
    )
    return data, inputs


def write(model: Model, board: Board, folder: Path, *, inference_only: bool = False) -> None:
    parameters = model.state.parameters
    write_project(model.plan, parameters, board.name, folder, inference_only=inference_only)


def proven(model: Model, folder: Path, count: int = 150) -> Report:
    data, inputs = recorded(model, count)
    with start(folder) as running, Link(running.port) as link:
        return verify(link, model, inputs, data.y, raw=data)


def expect_front_size(model: Model, board: Board, folder: Path) -> None:
    """Make a build fail unless the front end has the predicted size."""
    (front,) = (part for part in parts(model.plan, board) if part.name == "front end")
    (folder / "src" / "front_size.c").write_text(
        '#include "ska_front.h"\n'
        f"typedef char fits[sizeof(ska_front_t) == {front.size} ? 1 : -1];\n"
    )


@pytest.mark.parametrize("name", ["virtual-m4", "sim-atmega328p"])
def test_the_size_of_an_image_is_predicted(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board, model = require_board(name), model_of("image")
    write(model, board, tmp_path / "p")
    expect_front_size(model, board, tmp_path / "p")
    build(tmp_path / "p")


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_has_the_features_of_the_host(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board, model, project = require_board(name), model_of(BOARDS[name]), tmp_path / "p"
    write(model, board, project)
    if board.memory is not None:
        expect_front_size(model, board, project)
    report = build(project)
    if board.memory is not None:
        sections = 0 if board.kernel == "avr" else 4  # their alignment is not predicted
        assert 0 <= report.ram - ram(model.plan, board) <= sections
    found = proven(model, project)
    found.require_equal()
    assert found.windows == found.samples > 20


def test_a_firmware_that_only_classifies_computes_features(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model = model_of("half")
    write(model, require_board("virtual-m4"), tmp_path / "p", inference_only=True)
    build(tmp_path / "p")
    found = proven(model, tmp_path / "p")
    assert found.equal and not found.learns and found.windows == found.samples


def test_frames_that_are_lost_and_doubled_push_no_sample_twice(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model = model_of("more")
    write(model, require_board("host"), tmp_path / "p")
    build(tmp_path / "p")
    data, inputs = recorded(model)
    with (
        start(tmp_path / "p") as running,
        LossyWire(running.port, 0.03, 1) as wire,
        Link(wire.port, timeout=0.05, tries=20) as link,
    ):
        assert compare_windows(link, model.plan, data, inputs, lambda *_: None) is None
    assert wire.counts["drop"] > 5 and wire.counts["double"] > 5


def test_a_wrong_feature_is_named_with_its_recording_and_window(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model = model_of("half")
    write(model, require_board("host"), tmp_path / "p")
    source = tmp_path / "p" / "src" / "ska_front_part.c"
    text = source.read_text()
    wrong = text.replace("= ska_rule_front_extreme(axis.most)", "= axis.most")
    assert wrong != text
    source.write_text(wrong)
    build(tmp_path / "p")
    found = proven(model, tmp_path / "p")
    data, _ = recorded(model)
    values = data.x.reshape(len(data.x), 5, -1)[0, 3]  # the largest values of the first window
    axis = int(np.flatnonzero(values)[0])
    with pytest.raises(CheckError) as raised:
        found.require_equal()
    assert str(raised.value) == (
        "device and host differ at recording walk.csv, window 0, feature"
        f" 'most {(*AXES, '|ax ay az|')[axis]}': host {int(values[axis])}, device"
        f" {int(values[axis]) // 16} (Q27.4)"
    )
    assert found.samples == 0


def test_a_device_that_completes_other_windows_is_found(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model = model_of("half")
    write(model, require_board("host"), tmp_path / "p")
    source = tmp_path / "p" / "src" / "ska_front.c"
    text = source.read_text()
    wrong = text.replace("SKA_FRONT_HOP / SKA_FRONT_PART", "SKA_FRONT_PARTS")
    assert wrong != text
    source.write_text(wrong)
    build(tmp_path / "p")
    difference = proven(model, tmp_path / "p").first_difference
    assert difference is not None
    assert difference.sentence() == "recording walk.csv, window 1, complete: host 1, device 0"


def test_requests_that_do_not_fit_are_refused(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model = model_of("half")
    write(model, require_board("host"), tmp_path / "p")
    build(tmp_path / "p")
    sample, window = bytes(2 * len(AXES)), 20
    with start(tmp_path / "p") as running, Link(running.port) as link:
        refusals = (
            ("FEATURES", {"offset": 0}, "no window", 0),
            ("RAW", {"reset": 0, "data": sample[1:]}, "wrong length", len(sample)),
        )
        for name, values, reason, detail in refusals:
            with pytest.raises(DeviceError, match=f"{reason}.* detail {detail}"):
                link.request(name, values)
        pushed = [link.push_samples(sample, reset=False) for _ in range(window)]
        assert pushed == [False] * (window - 1) + [True]
        link.read_window(model.plan.inputs, 1)
        with pytest.raises(DeviceError, match=f"detail {5 * model.plan.inputs}"):
            link.request("FEATURES", {"offset": 5 * model.plan.inputs})
        assert not link.push_samples(sample, reset=True)  # this sample begins a new window
        with pytest.raises(DeviceError, match="no window is complete"):
            link.read_window(model.plan.inputs, 1)


def test_a_firmware_without_a_front_end_is_refused(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model = model_of("half")
    write(model, require_board("host"), tmp_path / "p")
    reply = tmp_path / "p" / "src" / "ska_reply.c"
    old = "#define CAPABILITIES_FRONT SKA_CAPABILITY_FRONT"
    assert old in reply.read_text()
    reply.write_text(reply.read_text().replace(old, "#define CAPABILITIES_FRONT 0u"))
    build(tmp_path / "p")
    with pytest.raises(DeviceError, match="takes no raw samples"):
        proven(model, tmp_path / "p")
