"""A firmware with weights in flash decides like the trainer, and does not change the weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from firmware_gen.memory.residence import flash_bytes, frozen, place_in_state
from ska_edge.network.spare_names import bytes_of
from ska_edge.wire.protocol import MESSAGES, PUSH_MAX, Status
from tests.agreement.test_big_endian import CORES, FLAGS
from tests.conftest import without
from tests.firmware_gen.runtime.piped_firmware import (
    PLANS,
    SANITIZERS,
    Firmware,
    make,
    named,
    pulled,
    statuses,
)

ALLOWED = {"HELLO", "INFER", "CHALLENGE"}
"""A firmware that only classifies refuses all other requests as FROZEN."""


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("core", [None, *CORES])
def test_state_and_decisions_are_the_trainers(core: str | None, plan: str, tmp_path: Path) -> None:
    compiler, emulator = CORES.get(str(core), "gcc"), f"qemu-{core}"
    if core is not None and (shutil.which(compiler) is None or shutil.which(emulator) is None):
        without(f"{compiler} or {emulator} is not installed")
    flags, runner = (SANITIZERS, ()) if core is None else (FLAGS, (emulator,))
    firmware = make(
        PLANS[plan], tmp_path, compiler, flags=flags, emulator=runner, inference_only=True
    )
    rows = range(5)
    requests = [firmware.request(1 + row, "INFER", x=firmware.x(row)) for row in rows]
    replies = firmware.run(firmware.hello(), *requests)
    host = firmware.host()
    (welcome,) = [values for _, values in named(replies, "WELCOME")]
    assert (welcome["crc"], welcome["state_bytes"]) == (host.state.crc, len(host.state.to_bytes()))
    assert (welcome["capabilities"], welcome["saves"]) == (0, 0)
    assert [values for _, values in named(replies, "RESULT")] == [host.infer(row) for row in rows]


def test_every_request_about_the_state_is_refused(tmp_path: Path) -> None:
    firmware = make(PLANS["local"], tmp_path, "gcc", storing=True, inference_only=True)
    state = firmware.flashed
    digest = bytes.fromhex(firmware.plan.digest)
    values = {
        "SAMPLE": {"number": 0, "label": 0, "want": 0, "x": firmware.x(0)},
        "SET_RATE": {"halvings": 1},
        "PULL": {"offset": 0},
        "OFFER": {"digest": digest, "crc": state.crc},
        "PUSH": {"offset": 0, "data": state.to_bytes()[:PUSH_MAX]},
        "SET_TOKEN": {"token": 1, "crc": state.crc},
        "FOLLOW": {"want": 0},
        "ADD_CLASS": {"name": bytes_of("wave").tolist(), "token": 0},
        "FORGET_CLASS": {"label": firmware.plan.named, "token": 0},
    }
    names = [
        message.name
        for message in MESSAGES
        if message.direction == "request"
        and message.name not in (*ALLOWED, "RAW", "FEATURES", "WINDOW", "LABEL", "READ_RAW")
    ]
    requests = [firmware.request(1 + i, n, **values.get(n, {})) for i, n in enumerate(names)]
    replies = firmware.run(firmware.hello(), *requests)
    assert [code for _, code, _ in statuses(replies)] == [Status.FROZEN] * len(names)
    assert set(values) < set(names)


@pytest.fixture(scope="module")
def readout(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return make(PLANS["readout"], tmp_path_factory.mktemp("readout"), "gcc", storing=True)


def push(firmware: Firmware, data: bytes, crc: int) -> list[bytes]:
    digest = bytes.fromhex(firmware.plan.digest)
    return [
        firmware.request(1, "OFFER", digest=digest, crc=crc),
        *(
            firmware.request(2 + i, "PUSH", offset=at, data=data[at : at + PUSH_MAX])
            for i, at in enumerate(range(0, len(data), PUSH_MAX))
        ),
    ]


def test_a_state_is_pushed_to_ram_only(readout: Firmware, tmp_path: Path) -> None:
    host, kept = readout.host(), tmp_path / "kept"
    for row in range(3):
        host.learn(row)
    data = host.state.to_bytes()
    replies = readout.run(readout.hello(), *push(readout, data, host.state.crc), storage=kept)
    assert {code for _, code, _ in statuses(replies)} == {Status.OK}
    plan = readout.plan
    in_flash = data[place_in_state(plan) :][: flash_bytes(plan, frozen(plan))]
    learned = data[place_in_state(plan) + len(in_flash) :]
    assert in_flash not in kept.read_bytes()
    assert learned in kept.read_bytes()
    again = readout.run(readout.hello(), *readout.pulls(1), storage=kept)
    assert pulled(again) == data


@pytest.mark.parametrize("place", [0, -1])
def test_a_state_with_other_frozen_layers_is_refused(
    place: int, readout: Firmware, tmp_path: Path
) -> None:
    host, kept = readout.host(), tmp_path / "kept"
    before = host.state.to_bytes()
    index = range(frozen(readout.plan))[place]
    host.state.parameters[index] += 1
    data = host.state.to_bytes()
    offset = next(i for i, (a, b) in enumerate(zip(before, data, strict=True)) if a != b)
    requests = push(readout, data, host.state.crc)
    replies = readout.run(readout.hello(), *requests, storage=kept)
    assert (Status.FROZEN, offset) in [(code, detail) for _, code, detail in statuses(replies)]
    again = readout.run(readout.hello(), *readout.pulls(1), storage=kept)
    assert pulled(again) == before
