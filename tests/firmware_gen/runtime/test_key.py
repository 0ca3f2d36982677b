"""A firmware with a key changes nothing for a host that lacks the key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ska_edge.frontend.frontends import front_for
from ska_edge.network.spare_names import bytes_of
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from ska_edge.wire.frame import encode_frame
from ska_edge.wire.protocol import BY_NAME, MESSAGES, TAG_BYTES, Capability, Status
from ska_edge.wire.tag import request_tag
from tests.firmware_gen.runtime.piped_firmware import (
    Firmware,
    counts,
    make,
    named,
    pulled,
    statuses,
)

KEY = bytes(range(32))
OTHER = bytes(32)
PLAN = make_plan(
    (5, 4, 4, 4),
    replay=Replay(2, 1),
    spares=1,
    raw=RawInput((70,) * 5, (9,) * 5, 11),
    front=front_for("statistics", 4, 2, ("sound",)),
)
# The firmware has no sensor.
CHANGING = [m.name for m in MESSAGES if m.changes and m.only != "SKA_SENSOR"]


@pytest.fixture(scope="module")
def firmware(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> Firmware:
    folder = tmp_path_factory.mktemp("keyed")
    return make(PLAN, folder, require_toolchain("gcc"), storing=True, key=KEY)


def values(firmware: Firmware, name: str) -> dict[str, object]:
    """Return the fields of a request to a newly started device."""
    return {
        "SAMPLE": {"number": 0, "label": 0, "want": 0, "x": firmware.x(0)},
        "SET_RATE": {"halvings": 1, "token": 0},
        "OFFER": {"digest": bytes.fromhex(firmware.plan.digest[:16]), "crc": 1},
        "PUSH": {"offset": 0, "data": b"x"},
        "SAVE": {"token": 0},
        "RESET": {},
        "SET_TOKEN": {"token": 7, "crc": firmware.flashed.crc},
        "ADD_CLASS": {"name": bytes_of("wave").tolist(), "token": 0},
        "FORGET_CLASS": {"label": firmware.plan.named, "token": 0},
        "RAW": {"reset": 1, "data": bytes(8)},
    }[name]


class Session:
    """Makes requests with tags for a device that has just started."""

    def __init__(self, firmware: Firmware, key: bytes, storage: Path | None = None) -> None:
        self.firmware, self.key, self.storage = firmware, key, storage
        self.opening = (firmware.hello(0), firmware.request(1, "CHALLENGE"))
        ((_, answer),) = named(firmware.run(*self.opening, storage=storage), "NONCE")
        self.nonce = answer["nonce"]

    def tagged(self, seq: int, number: int, name: str, /, **fields: object) -> bytes:
        code = BY_NAME[name].code
        payload = self.firmware.codec.pack(name, fields)
        tag = request_tag(self.key, self.nonce, number, code, payload)
        return encode_frame(code, seq, payload + tag)

    def sample(self, seq: int, number: int, row: int) -> bytes:
        fields = {"number": row, "label": int(self.firmware.labels[row]), "want": 0}
        return self.tagged(seq, number, "SAMPLE", x=self.firmware.x(row), **fields)

    def run(self, *requests: bytes) -> list[tuple[int, str, dict[str, object]]]:
        return self.firmware.run(*self.opening, *requests, storage=self.storage)


def test_it_says_that_it_has_a_key(firmware: Firmware) -> None:
    ((_, welcome),) = named(firmware.run(firmware.hello()), "WELCOME")
    assert welcome["capabilities"] & Capability.KEY


def test_with_the_key_it_learns_as_the_host(firmware: Firmware) -> None:
    session, host = Session(firmware, KEY), firmware.host()
    samples = [session.sample(2 + i, 1 + i, i) for i in range(5)]
    last = firmware.pulls(7)
    replies = session.run(*samples, *last)
    for row in range(5):
        host.learn(row)
    assert [count for _, count in counts(replies)] == [1, 2, 3, 4, 5]
    assert pulled(replies) == host.state.to_bytes()


def test_a_repeated_request_is_answered_again_and_done_once(firmware: Firmware) -> None:
    session = Session(firmware, KEY)
    first, second = session.sample(2, 1, 0), session.sample(3, 2, 1)
    assert counts(session.run(first, first, second, second)) == [(2, 1), (2, 1), (3, 2), (3, 2)]


def test_requests_that_only_read_need_no_key(firmware: Firmware) -> None:
    replies = firmware.run(
        firmware.hello(), firmware.request(1, "INFER", x=firmware.x(0)), *firmware.pulls(2)
    )
    assert statuses(replies) == []
    assert pulled(replies) == firmware.flashed.to_bytes()


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("way", ["no tag", "another key", "no challenge", "another number", "cut"])
def test_nobody_else_changes_it(firmware: Firmware, name: str, way: str, tmp_path: Path) -> None:
    fields = values(firmware, name)
    session = Session(firmware, OTHER if way == "another key" else KEY, tmp_path / "kept")
    request = session.tagged(2, 2 if way == "another number" else 1, name, **fields)
    code, payload = BY_NAME[name].code, firmware.codec.pack(name, fields)
    if way == "no tag":
        request = encode_frame(code, 2, payload)
    if way == "cut":
        tag = request_tag(KEY, session.nonce, 1, code, payload)
        request = encode_frame(code, 2, (payload + tag)[:-1])
    opening = session.opening
    if way == "no challenge":
        opening = (firmware.hello(0), firmware.request(1, "INFER", x=firmware.x(0)))
    replies = firmware.run(*opening, request, *firmware.pulls(2), storage=session.storage)
    assert statuses(replies) == [(2, Status.KEY, 0)]
    assert pulled(replies) == firmware.flashed.to_bytes()
    ((_, welcome),) = named(firmware.run(firmware.hello(), storage=session.storage), "WELCOME")
    assert welcome["saves"] == 0


@pytest.mark.parametrize("name", CHANGING)
def test_the_same_requests_with_a_valid_tag_are_executed(
    firmware: Firmware, name: str, tmp_path: Path
) -> None:
    session = Session(firmware, KEY, tmp_path / "kept")
    replies = session.run(session.tagged(2, 1, name, **values(firmware, name)))
    refused = [code for _, code, _ in statuses(replies) if code != Status.OK]
    # No state was offered before, and no class was added.
    expected = {"PUSH": [Status.OFFSET], "FORGET_CLASS": [Status.LABEL]}
    assert refused == expected.get(name, [])


def test_a_recorded_request_is_worth_nothing_later_in_its_session(firmware: Firmware) -> None:
    session = Session(firmware, KEY)
    halve = session.tagged(2, 1, "SET_RATE", halvings=3, token=0)
    back = session.tagged(3, 2, "SET_RATE", halvings=0, token=0)
    code, payload = (
        BY_NAME["SET_RATE"].code,
        firmware.codec.pack("SET_RATE", {"halvings": 3, "token": 0}),
    )
    tag = request_tag(KEY, session.nonce, 1, code, payload)
    replayed = encode_frame(code, 4, payload + tag)
    replies = session.run(halve, back, replayed, firmware.hello(9))
    assert statuses(replies)[-1] == (4, Status.KEY, 0)
    assert named(replies, "WELCOME")[-1][1]["halvings"] == 0


def test_a_recorded_session_is_worth_nothing_after_another(firmware: Firmware) -> None:
    session = Session(firmware, KEY)
    recorded = session.tagged(4, 1, "RESET")
    # The recorded request comes after a second CHALLENGE, to which the device gives another nonce.
    replies = session.run(
        session.sample(2, 1, 0), firmware.request(3, "CHALLENGE"), recorded, firmware.hello(9)
    )
    assert statuses(replies) == [(4, Status.KEY, 0)]
    assert named(replies, "WELCOME")[-1][1]["samples"] == 1


def test_a_recorded_session_is_refused_after_a_save(firmware: Firmware, tmp_path: Path) -> None:
    session = Session(firmware, KEY, tmp_path / "kept")
    recorded = [session.sample(2, 1, 0), session.tagged(3, 2, "SAVE", token=0)]
    assert statuses(session.run(*recorded)) == [(3, Status.OK, 0)]
    replies = session.run(*recorded)  # the device restarted from its save
    assert statuses(replies)[0] == (2, Status.KEY, 0)
    assert counts(replies) == []


def test_each_challenge_is_answered_with_another_nonce(firmware: Firmware) -> None:
    requests = [firmware.request(1 + i, "CHALLENGE") for i in range(20)]
    nonces = [
        answer["nonce"] for _, answer in named(firmware.run(firmware.hello(), *requests), "NONCE")
    ]
    assert len(nonces) == len(set(nonces)) == 20
    assert all(len(nonce) == TAG_BYTES for nonce in nonces)


def test_a_repeated_challenge_is_answered_with_the_same_nonce(firmware: Firmware) -> None:
    again = [firmware.request(1, "CHALLENGE")] * 2
    first, second = named(firmware.run(firmware.hello(), *again), "NONCE")
    assert first == second


def test_a_challenge_of_another_length_is_refused(firmware: Firmware) -> None:
    code = BY_NAME["CHALLENGE"].code
    replies = firmware.run(
        firmware.hello(), *(encode_frame(code, n, bytes(n)) for n in range(1, 60))
    )
    assert statuses(replies) == [(n, Status.LENGTH, n) for n in range(1, 60)]


def test_a_device_without_a_key_refuses_a_challenge(
    tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    plain = make(PLAN, tmp_path, require_toolchain("gcc"))
    replies = plain.run(plain.hello(), plain.request(1, "CHALLENGE"))
    assert statuses(replies) == [(1, Status.TYPE, BY_NAME["CHALLENGE"].code)]
    assert not named(replies, "WELCOME")[0][1]["capabilities"] & Capability.KEY
