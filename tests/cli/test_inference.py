"""A device with `--inference-only` classifies; what it cannot do is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan

REFUSAL = (
    "ska-edge: the firmware of the device at {port} only classifies: its weights are in flash;"
    " generate it without --inference-only"
)


@pytest.fixture
def port(require_board: Callable[[str], Board], iris: Model) -> Iterator[str]:
    require_board("host")
    project = iris.firmware("fw", board="host", inference_only=True)
    project.build()
    iris.save("iris.ska")
    with start(Path("fw")) as board:
        yield board.port


def test_the_device_classifies_like_the_host(ska_edge, port: str, iris: Model) -> None:
    outcome = ska_edge("predict", "iris.ska", "iris", "--port", port, "-o", "device.csv")
    assert outcome.code == 0
    assert f"host at {port} never learns, and classifies 150 rows" in outcome.err
    assert ska_edge("predict", "iris.ska", "iris", "-o", "host.csv").code == 0
    assert Path("device.csv").read_bytes() == Path("host.csv").read_bytes()


def test_verify_proves_the_decisions(ska_edge, port: str, iris: Model) -> None:
    outcome = ska_edge("verify", "iris.ska", "iris", "--port", port, "--samples", 20, "--json")
    assert outcome.code == 0
    found = outcome.document()
    assert (found["samples"], found["equal"]) == (20, True)
    assert "the CRC-32 of all 35 parameters, and every decision for 20 samples" in outcome.err


def test_verify_finds_another_weight(ska_edge, port: str, iris: Model) -> None:
    iris.state.parameters[3] += 1
    iris.save("other.ska")
    outcome = ska_edge("verify", "other.ska", "iris", "--port", port, "--samples", 20)
    start = "ska-edge: device and host differ at step 0, CRC-32 of all parameters: host "
    assert outcome.refusal(1).startswith(start)


def test_without_labels_no_decision_is_counted_as_right(
    ska_edge, require_board: Callable[[str], Board]
) -> None:
    require_board("host")
    options = ("--rule", "published", "--hidden", 4, "--steps", 2)
    assert ska_edge("train", "iris", "-o", "p.ska", *options).code == 0
    assert (
        ska_edge("firmware", "p.ska", "-o", "fw", "--inference-only", "--board", "host").code == 0
    )
    assert ska_edge("build", "fw").code == 0
    with start(Path("fw")) as board:
        command = ("verify", "p.ska", "iris", "--port", board.port, "--samples", 9, "--json")
        outcome = ska_edge(*command)
    assert (outcome.code, outcome.document()["correct"]) == (0, None)
    assert outcome.err.splitlines()[-1].endswith("and every decision for 9 samples")


NEEDS_A_STATE = ("monitor iris.ska iris", "monitor iris.ska", "pull iris.ska -o worn.ska")
NEEDS_A_STATE += ("push iris.ska", "save")


def test_commands_that_need_a_state_are_refused(ska_edge, port: str) -> None:
    for command in NEEDS_A_STATE:
        outcome = ska_edge(*command.split(), "--port", port)
        assert outcome.refusal(3) == REFUSAL.format(port=port)
    assert not Path("worn.ska").exists()


def test_build_and_inspect_have_the_ram_of_each_form(ska_edge, iris: Model) -> None:
    iris.save("iris.ska")
    for option, form in (((), "learning"), (("--inference-only",), "inference_only")):
        command = ("firmware", "iris.ska", "--board", "virtual-m4", "-o", "fw", *option)
        assert ska_edge(*command).code == 0
        found = ska_edge("build", "fw", "--json").document()
        assert found["forms"][form] == pytest.approx(found["ram"], rel=0.02)
    inspected = ska_edge("inspect", "iris.ska", "--json").document()
    assert inspected["ram"]["forms"] == found["forms"]
    sizes = ", ".join(f"{form.replace('_', ' ')} {n:,}" for form, n in found["forms"].items())
    assert f"bytes of RAM on virtual-m4, predicted: {sizes}" in ska_edge("inspect", "iris.ska").out


def test_monitor_says_what_the_device_is(ska_edge, port: str, iris: Model) -> None:
    outcome = ska_edge("monitor", "--port", port)
    assert outcome.out == f"host at {port}: plan {iris.plan.digest}, only classifies\n"


def test_run_ends_with_a_proof(ska_edge, require_board: Callable[[str], Board]) -> None:
    board = require_board("virtual-m4")
    options = ("--hidden", 4, "--epochs", 2, "--samples", 10, "--inference-only", "--json")
    outcome = ska_edge("run", "iris", "--board", board.name, *options)
    assert outcome.code == 0
    found = outcome.document()
    assert found["verify"]["equal"] is True
    assert found["build"]["ram"] < 220


@pytest.mark.parametrize("options", [(), ("--inference-only",)])
def test_run_needs_held_out_rows(ska_edge, options: tuple[str, ...]) -> None:
    command = ("run", "iris", "--board", "host", "--hidden", 4, "--epochs", 1)
    refusal = ska_edge(*command, "--test-fraction", "0", *options).refusal(2)
    assert "no row is held out, and `run` compares device and host on held-out rows: " in refusal


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--as arduino", "an export as arduino learns: leave --inference-only out"),
        ("--key key", "accepts no request that changes it; leave --key out"),
    ],
)
def test_contradictions_are_refused(ska_edge, iris: Model, options: str, sentence: str) -> None:
    iris.save("iris.ska")
    Path("key").write_text("ab" * 32)
    command = ["firmware", "iris.ska", "--inference-only", *options.split(), "-o", "fw"]
    assert sentence in ska_edge(*command).refusal(2)
    assert not Path("fw").exists()


def test_a_shared_library_is_refused(ska_edge, iris: Model) -> None:
    iris.firmware("fw", board="host", inference_only=True)
    sentence = ska_edge("build", "fw", "--as", "shared-library").refusal(2)
    assert "only classifies" in sentence


def test_weights_that_an_avr_cannot_read_are_refused(ska_edge, iris: Model) -> None:
    _untrained((300, 60, 3)).save("large.ska")
    command = ("firmware", "large.ska", "--board", "mega2560", "--inference-only", "-o", "fw")
    sentence = ska_edge(*command).refusal(2)
    assert "reads at most 32,767 bytes of weights" in sentence


def _untrained(sizes: tuple[int, ...]) -> Model:
    plan = make_plan(sizes)
    parameters = np.random.default_rng(1).integers(-99, 99, plan.parameter_count)
    return Model(plan, State(plan, parameters), Scaling(np.zeros(sizes[0]), np.ones(sizes[0])))


def test_a_large_network_fits_a_small_board_if_it_only_classifies(
    require_board: Callable[[str], Board],
) -> None:
    board, model = require_board("uno"), _untrained((64, 32, 10))
    write_project(model.plan, model.state.parameters, board.name, Path("learns"))
    assert not build(Path("learns")).fits
    write_project(
        model.plan, model.state.parameters, board.name, Path("infers"), inference_only=True
    )
    assert build(Path("infers")).fits
