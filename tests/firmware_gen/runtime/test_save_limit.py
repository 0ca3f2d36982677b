"""A device limits the saves that its line requests, whatever the line sends."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_gen.board.board import load_board, read_board
from ska_edge.errors import InputError
from ska_edge.wire.protocol import PUSH_MAX, Status
from tests.firmware_gen.runtime.piped_firmware import (
    PLANS,
    SANITIZERS,
    Firmware,
    make,
    named,
    statuses,
)

BUDGET = 5
SECOND = 11_520  # bytes; each save beyond the budget costs one second of the line
FLOOD = 19_999


@pytest.fixture(scope="module")
def firmware(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> Firmware:
    flags = (*SANITIZERS, f"-DSKA_SAVE_BUDGET={BUDGET}u", "-DSKA_SAVE_INTERVAL=1u")
    folder = tmp_path_factory.mktemp("limited")
    return make(PLANS["local"], folder, require_toolchain("gcc"), storing=True, flags=flags)


def saves(firmware: Firmware, *requests: bytes, storage: Path | None = None) -> int:
    replies = firmware.run(*requests, firmware.hello(200), storage=storage)
    count: int = named(replies, "WELCOME")[-1][1]["saves"]
    return count


def alternating(firmware: Firmware, count: int) -> list[bytes]:
    """Return a HELLO, then `count` pairs of requests that change the state and save it."""
    f, requests = firmware, [firmware.hello()]
    for i in range(count):
        requests.append(f.request(1 + 2 * i, "SET_RATE", halvings=1 - i % 2))
        requests.append(f.request(2 + 2 * i, "SAVE"))
    return requests


def test_a_flood_of_saves_makes_as_many_as_the_line_pays_for(firmware: Firmware) -> None:
    requests = alternating(firmware, FLOOD)
    replies = firmware.run(*requests, firmware.hello(200))
    codes = [code for seq, code, _ in statuses(replies) if seq % 2 == 0]
    assert len(codes) == FLOOD
    assert set(codes) == {Status.OK, Status.EARLY}
    paid = len(b"".join(requests)) // SECOND
    assert 1 < paid < FLOOD // 100
    welcome = named(replies, "WELCOME")[-1][1]
    assert welcome["saves"] == BUDGET + paid
    assert welcome["error"] == Status.OK  # a save that must wait is not an error


def test_a_flood_of_one_state_is_one_save(firmware: Firmware) -> None:
    f = firmware
    floods = [f.request(1 + i, "SAVE") for i in range(1000)]
    replies = f.run(f.hello(), *floods, f.sample(1001, 0), f.request(1002, "SAVE"), f.hello(200))
    assert {code for _, code, _ in statuses(replies)} == {Status.OK}
    assert named(replies, "WELCOME")[-1][1]["saves"] == 2


def test_offers_are_paid_for_too(firmware: Firmware) -> None:
    """An OFFER counts as a save, because it can erase a slot even if the state never arrives."""
    f, digest = firmware, bytes.fromhex(firmware.plan.digest[:16])
    offers = [f.request(1 + i, "OFFER", digest=digest, crc=i) for i in range(100)]
    again = 2 * f.request(101, "OFFER", digest=digest, crc=4)
    codes = [code for _, code, _ in statuses(f.run(f.hello(), *offers, again))]
    assert codes == [Status.OK] * BUDGET + [Status.EARLY] * (100 - BUDGET + 2)


def test_the_detail_is_the_number_of_bytes_to_receive(firmware: Firmware) -> None:
    """Zero bytes count toward a save like all others. They open no session and are not counted as
    damage.
    """
    f, opening = firmware, alternating(firmware, BUDGET + 1)
    left = statuses(f.run(*opening))[-1]
    assert left[:2] == (2 * BUDGET + 2, Status.EARLY)
    assert left[2] == SECOND - len(b"".join(opening))
    again = f.request(2 * BUDGET + 3, "SAVE")
    for idle, code in (
        (left[2] - len(again) - 1, Status.EARLY),
        (left[2] - len(again), Status.OK),
    ):
        replies = f.run(*opening, bytes(idle), again, f.hello(200))
        assert statuses(replies)[-1][:2] == (2 * BUDGET + 3, code)
        assert named(replies, "WELCOME")[-1][1]["dropped"] == 0


def test_a_push_that_was_begun_in_time_ends(firmware: Firmware) -> None:
    f, data = firmware, bytes(firmware.plan.state_bytes)
    opening = alternating(f, BUDGET - 1)
    first = 2 * BUDGET - 1
    digest = bytes.fromhex(f.plan.digest[:16])
    pushed = [f.request(first, "OFFER", digest=digest, crc=zlib.crc32(data))]
    for i, at in enumerate(range(0, len(data), PUSH_MAX), 1):
        piece = data[at : at + PUSH_MAX]
        pushed.append(f.request(first + i, "PUSH", offset=at, data=piece))
    assert saves(f, *opening, *pushed) == BUDGET


def test_a_restart_gives_nothing_back(firmware: Firmware, tmp_path: Path) -> None:
    """After each start the device learns a sample and saves. A RESET does not renew the budget."""
    f, file = firmware, tmp_path / "storage"
    for row in range(BUDGET):
        requests = [f.hello(), f.sample(1, row), f.request(2, "SAVE")]
        assert statuses(f.run(*requests, storage=file)) == [(2, Status.OK, 0)]
    requests = [f.hello(), f.sample(1, BUDGET), f.request(2, "SAVE"), f.request(3, "RESET")]
    replies = f.run(*requests, f.sample(4, 0), f.request(5, "SAVE"), storage=file)
    assert [code for _, code, _ in statuses(replies)] == [Status.EARLY, Status.OK, Status.EARLY]
    assert saves(f, storage=file) == BUDGET


def test_a_worn_memory_says_so(tmp_path: Path, require_toolchain: Callable[[str], str]) -> None:
    flags = (*SANITIZERS, "-DSKA_STORAGE_WEAR=3u")
    f = make(PLANS["local"], tmp_path, require_toolchain("gcc"), storing=True, flags=flags)
    storage = load_board("host").storage
    assert storage is not None
    assert storage.saves_per_erase(f.plan.state_bytes) > 1
    count = replace(storage, wear=3).endurance(f.plan.state_bytes)
    replies = f.run(*alternating(f, count + 5))
    codes = [(code, detail) for seq, code, detail in statuses(replies) if seq % 2 == 0]
    # Every second state is already saved, so it needs no write.
    assert codes == [(Status.OK, 0)] * count + [(Status.WORN, 0), (Status.OK, 0)] * 2 + [
        (Status.WORN, 0)
    ]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ("save_budget = 256", "save_budget must be 0 to 255"),
        ("save_budget = -1", "save_budget must be 0 to 255"),
        ("save_interval = 0", "save_interval must be 1 to 3600"),
        ("save_interval = 3601", "save_interval must be 1 to 3600"),
    ],
)
def test_an_impossible_limit_is_refused(values: str, fault: str, tmp_path: Path) -> None:
    load_board("host").copy_to(tmp_path)
    path = tmp_path / "board.toml"
    path.write_text(path.read_text().replace("\n[storage]\n", f"\n[storage]\n{values}\n"))
    with pytest.raises(InputError, match=fault):
        read_board(tmp_path)
