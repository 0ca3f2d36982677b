"""Frama-C Eva proves that a front end has no overflow, access out of bounds or lost bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.frontend.front import Echo, Filters, Front, KernelGroup, Kernels
from ska_edge.frontend.frontends import feature_count, front_for
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from tests.proof.test_eva import MACHINES, Verdict, eva, public_functions

DRIVER = Path(__file__).parent / "eva_front.c"
# The axes have a vector, and a window has two parts. Eva follows each iteration of a loop, so the
# window is short; the intervals of longer windows are proven when a plan is made.
FRONTS = {
    "statistics": front_for("statistics", 4, 2, ("ax", "ay", "az")),
    "spectrum": Front("spectrum", 32, 4, 2, bands=(1, 2, 8), frames=2),
    "kernels": Front(
        "kernels",
        *(10, 2, 3),
        kernels=Kernels(2, (KernelGroup(1, (0, 2), (0, 1, 8, 3, 4, 5), (-7, 18 * 3 * 2**15)),)),
    ),
    "levels": Front(
        "kernels",
        *(11, 2, 2),
        kernels=Kernels(2, (KernelGroup(1, (0, 1), (0, 1, 8, 3, 4, 5), (-7, 9)),), levels=4),
    ),
    "echo": Front("echo", 4, 2, 3, echo=Echo(4)),
    "patches": Front("patches", 5, 5, 6, filters=Filters(3, 3, 2, 2, (127, -128, 5) * 9)),
}
PLANTS = {
    "a part beyond the ring": (
        "< SKA_FRONT_PARTS ? front->next",
        "<= SKA_FRONT_PARTS ? front->next",
    ),
    "features that are not computed": ("    ska_front_features(front, features);\n", ""),
}


def sources(
    folder: Path, kind: str = "statistics", sensor: bool = False, output: QFormat | None = None
) -> Path:
    front = FRONTS[kind]
    inputs = feature_count(front)
    plan = make_plan(
        (inputs, 2),
        input_format=QFormat(8, 4),
        raw=RawInput((5, 70_000) * (inputs // 2), (-9, 2**40) * (inputs // 2), 11),
        front=front,
        output=output,
    )
    parameters = np.zeros(plan.parameter_count, dtype=np.int64)
    write_project(plan, parameters, "host", folder, sensor=sensor)
    return folder / "src"


def analyzed(folder: Path, machine: str) -> Verdict:
    return eva(folder, machine, "-I.", "ska.c", "ska_front.c", "ska_front_part.c", str(DRIVER))


@pytest.mark.parametrize("kind", FRONTS)
@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_overflows_or_leaves_its_object(machine: str, kind: str, tmp_path: Path) -> None:
    folder = sources(tmp_path / "p", kind)
    verdict = analyzed(folder, machine)
    assert verdict.alarms == 0, verdict.alarm_kinds
    assert verdict.checks == {"valid": 1, "unknown": 0, "invalid": 0}
    headers = (folder / "ska_front.h").read_text() + (folder / "ska_front_part.h").read_text()
    assert set(public_functions(headers)) <= set(verdict.reached)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_defect_is_found(name: str, tmp_path: Path) -> None:
    folder = sources(tmp_path / "p")
    old, new = PLANTS[name]
    text = (folder / "ska_front.c").read_text()
    assert text.count(old) == 1
    (folder / "ska_front.c").write_text(text.replace(old, new))
    assert analyzed(folder, "x86_32").alarms
