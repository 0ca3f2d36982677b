"""The firmware computes the trainer's bits on 32-bit and 64-bit big-endian cores, too.

The firmware is built for PowerPC and z/Architecture and runs under qemu's user mode emulation. Its
state has the same bytes as the trainer's, because the bytes of a state are little-endian on every
core.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.memory.residence import frozen
from ska_edge.wire.protocol import PUSH_MAX, Status, Want
from tests.conftest import without
from tests.firmware_gen.runtime.piped_firmware import (
    PLANS,
    Firmware,
    make,
    named,
    pulled,
    statuses,
)

CORES = {"ppc": "powerpc-linux-gnu-gcc", "s390x": "s390x-linux-gnu-gcc"}
FLAGS = ("-O2", "-static", "-Wall", "-Wextra", "-Werror")
SAMPLES = 14  # not a multiple of a batch above 1, so the last batch is partial
EVERYTHING = Want.CRC | Want.METRICS


@pytest.fixture(scope="module", params=[(core, plan) for core in CORES for plan in PLANS], ids=str)
def firmware(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    core, plan = request.param
    compiler, emulator = CORES[core], f"qemu-{core}"
    for tool in (compiler, emulator):
        if shutil.which(tool) is None:
            without(f"{tool} is not installed")
    folder = tmp_path_factory.mktemp(core)
    return make(PLANS[plan], folder, compiler, storing=True, flags=FLAGS, emulator=(emulator,))


def test_a_learned_state_has_the_bytes_and_the_checksum_of_the_trainer(firmware: Firmware) -> None:
    host = firmware.host()
    samples = [firmware.sample(1 + i, i, want=EVERYTHING) for i in range(SAMPLES)]
    pulls = firmware.pulls(1 + SAMPLES)
    replies = firmware.run(firmware.hello(), *samples, *pulls)
    metrics = iter(values for _, values in named(replies, "METRICS"))
    for row, (_, result) in enumerate(named(replies, "RESULT")):
        assert result == host.learn(row, EVERYTHING)
        sums = [next(metrics) for _ in firmware.plan.layers]
        # There are no metrics while a batch is being filled.
        assert host.state.held or sums == host.metrics()
    assert host.state.step > 0
    assert pulled(replies) == host.state.to_bytes()


def test_a_save_and_a_pushed_state_come_back_in_the_same_bytes(
    firmware: Firmware, tmp_path: Path
) -> None:
    host, kept = firmware.host(), tmp_path / "kept"
    samples = [firmware.sample(1 + i, i) for i in range(SAMPLES)]
    save = firmware.request(1 + SAMPLES, "SAVE")
    for row in range(SAMPLES):
        host.learn(row)
    replies = firmware.run(firmware.hello(), *samples, save, storage=kept)
    assert statuses(replies)[-1][1] == Status.OK
    again = firmware.run(firmware.hello(), *firmware.pulls(1), storage=kept)
    assert pulled(again) == host.state.to_bytes()
    assert named(again, "WELCOME")[0][1]["crc"] == host.state.crc

    rng = np.random.default_rng(5)
    limit = firmware.plan.formats.weight_bits - 1
    learned = host.state.parameters[frozen(firmware.plan) :]
    learned[:] = rng.integers(-(2**limit), 2**limit, len(learned))
    data, digest = host.state.to_bytes(), bytes.fromhex(firmware.plan.digest)
    offer = firmware.request(1, "OFFER", digest=digest, crc=host.state.crc)
    pieces = [
        firmware.request(2 + i, "PUSH", offset=at, data=data[at : at + PUSH_MAX])
        for i, at in enumerate(range(0, len(data), PUSH_MAX))
    ]
    seq = 2 + len(pieces)
    replies = firmware.run(firmware.hello(), offer, *pieces, *firmware.pulls(seq), storage=kept)
    assert {code for _, code, _ in statuses(replies)} == {Status.OK}
    assert pulled(replies) == data
