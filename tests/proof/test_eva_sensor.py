"""Frama-C Eva proves that the code of a device's own sensor has no overflow, access out of bounds
or lost bit, for any samples, labels and requests.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from tests.proof.test_eva import MACHINES, Verdict, eva, public_functions
from tests.proof.test_eva_front import sources

DRIVER = Path(__file__).parent / "eva_sensor.c"
FILES = ("ska_window.c", "ska_front.c", "ska_device.c", "ska_session.c", "ska_reply.c")
# Front ends, and whether the sensor runs by itself; otherwise, it gives a sample when it is asked.
# The first front end keeps no samples, and the second one keeps the newest samples.
SENSORS = {"statistics": True, "kernels": False}
VALUES = QFormat(16, 13)  # of a regression
# A place behind the ring is still inside the device. So a comment in the copy of the sources lets
# Eva check the place.
KEPT = "    return parts[place].values[axis];"
INSIDE = "    /*@ check place_inside: place < SKA_FRONT_PARTS && axis < SKA_FRONT_AXES; */\n"
PLANTS = {
    "a place behind the ring": (
        "kernels",
        "ska_reply.c",
        "next >= back ? next - back",
        "next > back ? next - back",
    ),
    "a request that is not read": (
        "statistics",
        "ska_window.c",
        "    if (!ska_message_label_unpack(frame->payload, frame->length, &given)) {",
        "    if (frame->length == 0u) {",
    ),
}


def prepared(folder: Path, kind: str, output: QFormat | None = None) -> Path:
    """Write the sources of a device with a sensor, with the check of places in the ring."""
    found = sources(folder, kind, True, output)
    if kind == "kernels":
        header = found / "ska_front_part.h"
        text = header.read_text()
        assert text.count(KEPT) == 1
        header.write_text(text.replace(KEPT, INSIDE + KEPT))
    return found


def analyzed(folder: Path, machine: str, kind: str) -> Verdict:
    arguments = f"-DSKA_PORTABLE -I. -DSENSOR_RUNS={int(SENSORS[kind])}"
    part = ("ska_front_part.c",) if kind == "statistics" else ()
    return eva(folder, machine, arguments, *FILES, *part, str(DRIVER))


@pytest.mark.parametrize(
    ("kind", "machine"),
    [*(("statistics", machine) for machine in MACHINES), ("kernels", "x86_16")],
)
def test_no_alarm_is_raised(kind: str, machine: str, tmp_path: Path) -> None:
    folder = prepared(tmp_path / "p", kind)
    verdict = analyzed(folder, machine, kind)
    assert verdict.alarms == 0, verdict.alarm_kinds
    assert verdict.checks == {"valid": 5 if kind == "statistics" else 7, "unknown": 0, "invalid": 0}
    window = (folder / "ska_window_request.h").read_text()
    names = {name for name in public_functions(window) if name.startswith("ska_window_")}
    if kind == "statistics":
        names.remove("ska_window_read")
    names |= {f"ska_device_{name}" for name in ("take", "gap", "label", "sense")}
    assert len(names) > 7
    assert names | {"ska_reply_window"} <= set(verdict.reached)


def test_no_alarm_is_raised_for_a_regression(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "p", "statistics", VALUES)
    verdict = analyzed(folder, "x86_16", "statistics")
    # Two bytes of a message become a target by a cast that depends on the compiler.
    assert verdict.alarms == 1, verdict.alarm_kinds
    assert "ska_bytes_get_u16(bytes" in verdict.alarm_kinds
    assert {"ska_device_label_values", "is_learned_with"} <= set(verdict.reached)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_defect_raises_an_alarm(name: str, tmp_path: Path) -> None:
    kind, file, old, new = PLANTS[name]
    folder = prepared(tmp_path / "p", kind)
    text = (folder / file).read_text()
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new))
    verdict = analyzed(folder, "x86_32", kind)
    assert verdict.alarms or verdict.checks["unknown"] or verdict.checks["invalid"]
