"""`verify` finds and names one wrong bit of a device, in a weight, a counter or the rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.cli.main import main
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.verify import verify
from ska_edge.network.difference import Difference
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.metric_sums import METRICS

PLAN = make_plan((12, 8, 6, 4))
SAMPLES = 40
BOARDS = ("host", "virtual-m4")


def a_model() -> Model:
    rng = np.random.default_rng(3)
    state = State(PLAN, rng.integers(-3000, 3000, PLAN.parameter_count))
    return Model(PLAN, state, Scaling(np.zeros(PLAN.inputs), np.ones(PLAN.inputs)))


def difference(board: Board, project: Path, file: str, old: str, new: str) -> Difference | None:
    """Change one place in a firmware's sources; return the difference that verify finds."""
    model = a_model()
    write_project(model.plan, model.state.parameters, board.name, project)
    source = project / "src" / file
    changed, count = re.subn(old, new, source.read_text(), count=1)
    assert count == 1
    source.write_text(changed)
    build(project)
    rng = np.random.default_rng(4)
    inputs = rng.integers(-128, 128, (SAMPLES, PLAN.inputs))
    with start(project) as running, Link(running.port) as link:
        found = verify(link, model, inputs, rng.integers(0, PLAN.classes, SAMPLES))
    return found.first_difference


@pytest.mark.parametrize("name", BOARDS)
def test_the_unchanged_firmware_is_equal(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    assert (
        difference(require_board(name), tmp_path / "p", "ska.c", "ska->step", "ska->step") is None
    )


@pytest.mark.parametrize("step", [1, 2, 17])
@pytest.mark.parametrize("bit", [0, 9])
@pytest.mark.parametrize("name", BOARDS)
def test_a_bit_that_flips_in_a_weight_is_named(
    name: str, bit: int, step: int, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    """The flipped bit is in weight [2, 3] of the second layer, as an example of any weight."""
    tensor = next(t for t in PLAN.tensors() if (t.layer, t.name) == (1, "weight"))
    index = tensor.offset + 2 * tensor.shape[1] + 3
    old = r"( +)ska->step\+\+;\n(?=}\n)"  # at the end of a step
    new = rf"\1ska->step++;\n\1if (ska->step == {step}u) ska->parameters[{index}] ^= {1 << bit};\n"
    found = difference(require_board(name), tmp_path / "p", "ska_sample.h", old, new)
    assert found is not None
    place = (found.step, found.layer, found.tensor, found.index)
    assert place == (step, 1, "weight", (2, 3))
    assert found.host ^ found.device == 1 << bit
    assert found.format == tensor.format.name
    assert found.host_value == found.host * 2.0**-tensor.format.frac
    assert f"host {found.host}, device {found.device}" in found.sentence()


@pytest.mark.parametrize("name", BOARDS)
def test_a_flipped_bit_of_a_flashed_weight_is_named(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    old, new = r"(SKA_CONST = \{\n(?:.*\n){1}    )(-?\d+)", r"\1(\2 ^ 1)"
    found = difference(require_board(name), tmp_path / "p", "ska_weights.h", old, new)
    assert found is not None
    place = (found.step, found.layer, found.tensor, found.index)
    assert place == (0, 0, "weight", (0, 0))
    assert abs(found.host - found.device) == 1


@pytest.mark.parametrize("name", BOARDS)
def test_a_flipped_bit_of_a_counter_is_named(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    old = r"( +)ska->step\+\+;\n(?=}\n)"  # at the end of a step
    new = r"\1ska->step++;\n\1if (ska->step == 6u) ska->samples ^= 8u;\n"
    found = difference(require_board(name), tmp_path / "p", "ska_sample.h", old, new)
    assert found is not None
    assert (found.step, found.tensor, found.host ^ found.device) == (6, "samples", 8)


TENSORS = ("weight", "bias", "readout_weight", "readout_bias")
RULE_FAULTS = {  # a constant with one wrong bit: file, old text, new text, tensors that differ
    "a shift": ("ska_rule.h", r"(ska_round_shift_i32\(product, 1)0\)", r"\g<1>1)", TENSORS),
    # These faults are too small to change a rounded weight, but they change metrics or decisions.
    "the target": ("ska_plan.h", r"(#define SKA_TARGET 3276)7", r"\g<1>6", METRICS),
    "the table": ("ska_tables.h", r"\b16384\b", "16385", ("decision",)),
}


@pytest.mark.parametrize("fault", RULE_FAULTS)
@pytest.mark.parametrize("name", BOARDS)
def test_a_flipped_bit_of_the_rule_is_named(
    name: str, fault: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    *change, tensors = RULE_FAULTS[fault]
    found = difference(require_board(name), tmp_path / "p", *change)
    assert found is not None
    assert found.step >= 1
    assert found.tensor in tensors
    assert found.host != found.device


def test_the_command_names_the_difference_and_fails(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board("host")
    model = a_model()
    path, project, data = tmp_path / "m.ska", tmp_path / "p", tmp_path / "d.npz"
    model.save(path)
    rng = np.random.default_rng(4)
    np.savez(data, x=rng.normal(0, 0.3, (SAMPLES, PLAN.inputs)), y=np.arange(SAMPLES) % 4)
    write_project(model.plan, model.state.parameters, "host", project)
    rule = project / "src" / "ska_rule.h"
    rule.write_text(rule.read_text().replace("(product, 10)", "(product, 11)"))
    build(project)
    with start(project) as running:
        arguments = ["verify", str(path), str(data), "--port", running.port, "--json"]
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    (sentence,) = [line for line in result.stderr.splitlines() if line.startswith("ska-edge: ")]
    assert re.search(
        r"differ at step 1, layer \d, (readout_)?(weight|bias)\[[\d, ]+\]: host -?\d+, device -?\d+"
        r" \(Q\d+\.\d+: -?[\d.]+, -?[\d.]+\)",
        sentence,
    ), sentence
    document = json.loads(result.stdout)
    assert document["equal"] is False
    assert document["samples"] == 1
    assert document["first_difference"]["step"] == 1
