"""Whatever a host sends, the firmware executes each valid request once and answers it.

The trainer computes the expected results.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ska_edge.wire.frame import encode_frame
from ska_edge.wire.protocol import (
    BY_NAME,
    CHUNK_MAX,
    MESSAGES,
    PROTOCOL_VERSION,
    PUSH_MAX,
    Capability,
    Status,
    Want,
)
from tests.firmware_gen.runtime.piped_firmware import (
    NOTHING,
    PLANS,
    Firmware,
    Reply,
    counts,
    make,
    named,
    pulled,
    statuses,
)

TOKEN = 0xFEDCBA98
STORING = ("OFFER", "PUSH", "SAVE")  # requests that a board without memory for saves cannot execute


@pytest.fixture(scope="module")
def firmwares(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> Callable[[str], Firmware]:
    made: dict[str, Firmware] = {}

    def get(name: str) -> Firmware:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = make(PLANS[name], folder, require_toolchain("gcc"))
        return made[name]

    return get


@pytest.fixture(params=PLANS)
def each(request: pytest.FixtureRequest, firmwares: Callable[[str], Firmware]) -> Firmware:
    return firmwares(request.param)


@pytest.fixture(scope="module", params=PLANS)
def storing(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require_toolchain: Callable[[str], str],
) -> Firmware:
    folder = tmp_path_factory.mktemp("storing")
    return make(PLANS[request.param], folder, require_toolchain("gcc"), storing=True)


@pytest.fixture
def firmware(firmwares: Callable[[str], Firmware]) -> Firmware:
    return firmwares("local")


# --- what a device says ---------------------------------------------------------------------------


def test_welcome_describes_the_device_and_its_progress(each: Firmware) -> None:
    host = each.host()
    for row in range(4):
        host.learn(row)
    host.state.halve_rate(1)
    samples = [each.sample(1 + row, row) for row in range(4)]
    rate = each.request(5, "SET_RATE", halvings=1)
    seq, name, values = each.run(each.hello(), *samples, rate, each.hello(77))[-1]
    plan = each.plan
    assert (seq, name) == (77, "WELCOME")
    assert 1 <= values.pop("credit") <= 8  # for a receive buffer of 256 bytes
    assert values == {
        "protocol": PROTOCOL_VERSION,
        "seq": 77,
        "digest": bytes.fromhex(plan.digest[:16]),
        "step": host.state.step,
        "samples": 4,
        "token": 0,
        "crc": host.state.crc,
        "state_bytes": plan.state_bytes,
        "inputs": plan.inputs,
        "input_width": plan.layers[0].input.bits // 8,
        "classes": plan.classes,
        "layers": len(plan.layers),
        "halvings": 1,
        "capabilities": Capability.LEARN | Capability.METRICS | Capability.PULL | Capability.RATE,
        "saves": 0,
        "error": Status.OK,
        "error_detail": 0,
        "dropped": 0,
        "board": b"stdio".ljust(16, b"\0"),
    }


def test_hello_of_another_version_is_answered_too(firmware: Firmware) -> None:
    ((_, name, values),) = firmware.run(firmware.request(0, "HELLO", protocol=99))
    assert (name, values["protocol"]) == ("WELCOME", PROTOCOL_VERSION)


def test_samples_are_learned_as_the_trainer_learns_them(each: Firmware) -> None:
    """The device sends METRICS and the CRC only on request."""
    host, wants = each.host(), [NOTHING, Want.METRICS, Want.CRC, Want.METRICS | Want.CRC]
    requests, expected = [each.hello()], []
    for row in range(12):
        want, step = wants[row % 4], host.state.step
        requests.append(each.sample(1 + row, row, want=want))
        result = host.learn(row, want)
        if want & Want.METRICS:
            sums = host.metrics() if host.state.step > step else None
            layers = range(len(each.plan.layers))
            for layer in layers:  # the sums are 0 while a batch is being filled
                zeros = dict.fromkeys((f.name for f in BY_NAME["METRICS"].fields), 0) | {
                    "layer": layer,
                    "step": step,
                }
                expected.append((1 + row, "METRICS", sums[layer] if sums else zeros))
        expected.append((1 + row, "RESULT", result))
    assert each.run(*requests)[1:] == expected


def test_an_inference_learns_nothing(each: Firmware) -> None:
    host = each.host()
    requests = [each.sample(1, 0), each.request(2, "INFER", x=each.x(7)), *each.pulls(3)]
    replies = each.run(each.hello(), *requests)
    assert named(replies, "RESULT") == [(1, host.learn(0)), (2, host.infer(7))]
    assert pulled(replies) == host.state.to_bytes()


def test_pull_gives_every_byte_of_the_state(each: Firmware) -> None:
    host = each.host()
    for row in range(8):
        host.learn(row)
    last = each.plan.state_bytes - 1
    requests = [each.sample(1 + row, row) for row in range(8)] + each.pulls(9)
    requests.append(each.request(9 + len(each.pulls(9)), "PULL", offset=last))
    replies = each.run(each.hello(), *requests)
    data = host.state.to_bytes()
    assert pulled(replies) == data + data[-1:]
    offsets = [values["offset"] for _, values in named(replies, "CHUNK")]
    assert offsets == [*range(0, len(data), CHUNK_MAX), last]


def test_a_halved_rate_is_that_of_the_trainer(each: Firmware) -> None:
    host, most = each.host(), each.plan.rate_halvings_max
    requests, expected = [each.hello()], []
    for row, halvings in enumerate([2, 0, most, 1, 3, 0]):
        requests.append(each.request(1 + 2 * row, "SET_RATE", halvings=halvings))
        requests.append(each.sample(2 + 2 * row, row, want=Want.CRC))
        host.state.halve_rate(halvings)
        expected.append((2 + 2 * row, host.learn(row, Want.CRC)))
    replies = each.run(*requests)
    assert named(replies, "RESULT") == expected
    assert statuses(replies) == [(1 + 2 * row, Status.OK, 0) for row in range(6)]


def test_reset_starts_over(each: Firmware) -> None:
    requests = [each.sample(1 + row, row) for row in range(4)]
    requests += [each.request(5, "SET_RATE", halvings=1), each.request(6, "RESET")]
    replies = each.run(
        each.hello(), *requests, *each.pulls(7), each.sample(7 + len(each.pulls(7)), 0)
    )
    assert pulled(replies) == each.flashed.to_bytes()
    assert named(replies, "RESULT")[-1][1] == each.host().learn(0)
    assert statuses(replies)[-1] == (6, Status.OK, 0)


# --- each thing once ------------------------------------------------------------------------------


def test_a_repeated_request_is_answered_alike_and_not_executed(each: Firmware) -> None:
    both = Want.METRICS | Want.CRC
    once = [each.hello()] + [each.sample(1 + row, row, want=both) for row in range(6)]
    once += [each.request(7, "INFER", x=each.x(3)), each.request(8, "SET_RATE", halvings=1)]
    once += [each.request(9, "PULL", offset=1), each.request(10, "RESET")]
    once += [each.sample(11, 0, want=both), each.request(12, "PULL", offset=0)]
    singly = [each.run(*once[: i + 1])[len(each.run(*once[:i])) :] for i in range(len(once))]
    expected = [reply for replies in singly for reply in 3 * replies]
    assert each.run(*(3 * request for request in once)) == expected


def test_a_sample_is_learned_once_by_its_number(each: Firmware) -> None:
    """Its number is refused later, even with a new sequence number or in a new session."""
    host = each.host()
    requests = [each.hello(), each.sample(1, 0), each.sample(2, 1), each.sample(3, 1)]
    requests += [each.hello(50), each.sample(51, 1), each.sample(52, 3), each.sample(53, 2)]
    replies = each.run(*requests, *each.pulls(54))
    for row in range(3):
        host.learn(row)
    assert counts(replies) == [(1, 1), (2, 2), (53, 3)]
    assert statuses(replies) == [(seq, Status.NUMBER, 2) for seq in (3, 51, 52)]
    assert pulled(replies) == host.state.to_bytes()


def test_sequence_numbers_wrap(firmware: Firmware) -> None:
    samples = [firmware.sample(251 + i, i) for i in range(300)]
    replies = firmware.run(firmware.hello(250), *samples)
    assert counts(replies) == [((251 + i) % 256, i + 1) for i in range(300)]


def test_requests_after_a_lost_request_are_refused(each: Firmware) -> None:
    """The host then sends the lost request and those after it again, and the device learns them."""
    window = [each.sample(1 + row, row) for row in range(5)]
    replies = each.run(each.hello(), window[0], *window[2:], *window[1:], *each.pulls(6))
    assert statuses(replies) == [(seq, Status.SEQUENCE, 1) for seq in (3, 4, 5)]
    assert counts(replies) == [(1 + row, row + 1) for row in range(5)]
    host = each.host()
    for row in range(5):
        host.learn(row)
    assert pulled(replies) == host.state.to_bytes()


def test_a_request_out_of_turn_changes_nothing(firmware: Firmware) -> None:
    f = firmware
    requests = [f.sample(1, 0), f.sample(2, 1), f.sample(1, 0), f.sample(4, 2)]
    requests += [f.request(0, "RESET"), f.request(9, "SET_RATE", halvings=2)]
    host = f.host()
    host.learn(0)
    host.learn(1)
    replies = f.run(f.hello(), *requests, *f.pulls(3))
    assert statuses(replies) == [(seq, Status.SEQUENCE, 2) for seq in (1, 4, 0, 9)]
    assert pulled(replies) == host.state.to_bytes()


def test_the_same_seq_with_another_type_is_out_of_turn(firmware: Firmware) -> None:
    f = firmware
    replies = f.run(f.hello(), f.sample(1, 0), f.request(1, "RESET"), f.sample(2, 1))
    assert statuses(replies) == [(1, Status.SEQUENCE, 1)]
    assert counts(replies) == [(1, 1), (2, 2)]


def test_nothing_is_done_before_hello(firmware: Firmware) -> None:
    f = firmware
    replies = f.run(
        f.sample(0, 0), f.request(1, "RESET"), f.sample(1, 0), f.hello(0), f.sample(1, 0)
    )
    assert statuses(replies) == [(seq, Status.SEQUENCE, 0xFFFF) for seq in (0, 1, 1)]
    assert counts(replies) == [(1, 1)]


def test_a_new_hello_opens_a_session_and_keeps_the_network(firmware: Firmware) -> None:
    f = firmware
    replies = f.run(f.hello(), f.sample(1, 0), f.hello(77), f.sample(2, 1), f.sample(78, 1))
    welcomes = [values for _, values in named(replies, "WELCOME")]
    assert [(values["samples"], values["seq"]) for values in welcomes] == [(0, 0), (1, 77)]
    assert statuses(replies) == [(2, Status.SEQUENCE, 77)]
    assert counts(replies) == [(1, 1), (78, 2)]


def test_a_late_hello_does_not_turn_the_session_back(firmware: Firmware) -> None:
    f = firmware
    replies = f.run(f.hello(9), f.sample(10, 0), f.hello(9), f.sample(10, 0), f.sample(11, 1))
    welcomes = [values for _, values in named(replies, "WELCOME")]
    assert [(values["samples"], values["seq"]) for values in welcomes] == [(0, 9), (1, 10)]
    assert counts(replies) == [(10, 1), (10, 1), (11, 2)]  # answer 10 is sent twice
    assert statuses(replies) == []


# --- what cannot be done --------------------------------------------------------------------------


def refused(firmware: Firmware, request: bytes, code: Status, detail: int) -> None:
    """Check that a request is always refused and changes nothing, and that the session goes on."""
    host = firmware.host()
    before, after = host.learn(0), host.state.to_bytes()
    replies = firmware.run(firmware.hello(), firmware.sample(1, 0), 2 * request, *firmware.pulls(3))
    assert named(replies, "RESULT") == [(1, before)]
    assert statuses(replies) == 2 * [(2, code, detail)]
    assert pulled(replies) == after


def token_given(firmware: Firmware, seq: int = 1) -> bytes:
    """Return the request that gives TOKEN to a device that has learned nothing yet."""
    return firmware.request(seq, "SET_TOKEN", token=TOKEN, crc=firmware.flashed.crc)


def test_requests_for_another_state_are_refused(storing: Firmware) -> None:
    f, crc = storing, storing.flashed.crc
    wrong = [
        f.request(2, "SET_TOKEN", token=5, crc=crc ^ 1),
        f.request(3, "SET_RATE", halvings=1, token=TOKEN ^ 1),
        f.request(4, "SET_RATE", halvings=1, token=0),
        f.request(5, "SAVE", token=TOKEN - 1),
    ]
    replies = f.run(f.hello(), token_given(f), *wrong, f.sample(6, 0), f.hello(20))
    assert statuses(replies)[1:] == [
        *((2 + i, Status.TOKEN, TOKEN) for i in range(len(wrong))),
        (6, Status.NUMBER, TOKEN),
    ]
    told = named(replies, "WELCOME")[-1][1]
    assert (told["token"], told["crc"], told["halvings"], told["saves"]) == (TOKEN, crc, 0, 0)


def test_sample_numbers_begin_at_the_token_and_wrap(firmware: Firmware) -> None:
    f, token = firmware, 2**32 - 2
    given = f.request(1, "SET_TOKEN", token=token, crc=f.flashed.crc)
    samples = [f.sample(2 + row, (token + row) % 2**32, row=row) for row in range(4)]
    assert counts(f.run(f.hello(), given, *samples)) == [(2 + row, 1 + row) for row in range(4)]


def test_a_number_that_is_not_the_next_is_refused(each: Firmware) -> None:
    for number in (0, 2, 1 << 16 | 1, 2**32 - 1):
        refused(each, each.sample(2, number, row=0), Status.NUMBER, 1)


def test_a_label_that_is_not_a_class_is_refused(each: Firmware) -> None:
    for label in (each.plan.classes, 256, 65535):
        refused(each, each.sample(2, 1, label=label), Status.LABEL, label)


def test_an_offset_beyond_the_state_is_refused(each: Firmware) -> None:
    for offset in (each.plan.state_bytes, 1 << 16, 2**32 - 1):
        refused(each, each.request(2, "PULL", offset=offset), Status.OFFSET, each.plan.state_bytes)


def test_a_rate_that_is_halved_too_often_is_refused(each: Firmware) -> None:
    most = each.plan.rate_halvings_max
    for halvings in (most + 1, 128, 255):
        refused(each, each.request(2, "SET_RATE", halvings=halvings), Status.RATE, most)


@pytest.mark.parametrize("code", [0, 0x33, *(m.code for m in MESSAGES if m.direction == "reply")])
def test_an_unknown_type_is_refused(firmware: Firmware, code: int) -> None:
    refused(firmware, encode_frame(code, 2, bytes(3)), Status.TYPE, code)


@pytest.mark.parametrize("name", STORING)
def test_without_storage_nothing_is_stored(firmware: Firmware, name: str) -> None:
    values: dict[str, object] = {
        "OFFER": {"digest": bytes.fromhex(firmware.plan.digest[:16]), "crc": firmware.flashed.crc},
        "PUSH": {"offset": 0, "data": bytes(4)},
        "SAVE": {"token": 0},
    }[name]
    refused(firmware, firmware.request(2, name, **values), Status.TYPE, BY_NAME[name].code)


@pytest.mark.parametrize(
    "name",
    [
        message.name
        for message in MESSAGES
        if message.direction == "request"
        and message.name
        not in (*STORING, "CHALLENGE", "ADD_CLASS", "FORGET_CLASS", "RAW", "FEATURES")
        and message.only not in ("SKA_SENSOR", "SKA_SENSOR_KEEPS")
    ],
)
def test_a_payload_of_another_length_is_refused(each: Firmware, name: str) -> None:
    """The lengths go up to that of PUSH, the longest request; the device drops longer ones."""
    code, most, fields = BY_NAME[name].code, 68, BY_NAME[name].of(False).fields
    values: dict[str, object] = {f.name: 0 for f in fields if f.name != "x"}
    if fields and fields[-1].name == "x":
        values["x"] = bytes(each.plan.inputs * each.plan.layers[0].input.bits // 8)
    size = len(each.codec.pack(name, values))
    wrong = [length for length in range(most + 1) if length != size]
    requests = [encode_frame(code, 1 + i, bytes(length)) for i, length in enumerate(wrong)]
    replies = each.run(each.hello(), *requests, *each.pulls(1 + len(wrong)))
    assert statuses(replies) == [(1 + i, Status.LENGTH, length) for i, length in enumerate(wrong)]
    assert pulled(replies) == each.flashed.to_bytes()


# --- what is kept ---------------------------------------------------------------------------------


def pushed(firmware: Firmware, seq: int, data: bytes, *, crc: int | None = None) -> list[bytes]:
    digest, crc = bytes.fromhex(firmware.plan.digest[:16]), zlib.crc32(data) if crc is None else crc
    requests = [firmware.request(seq, "OFFER", digest=digest, crc=crc)]
    for i, at in enumerate(range(0, len(data), PUSH_MAX), 1):
        piece = data[at : at + PUSH_MAX]
        requests.append(firmware.request(seq + i, "PUSH", offset=at, data=piece))
    return requests


def other_state(firmware: Firmware) -> bytes:
    host = firmware.host()
    for row in range(7, 12):
        host.learn(row)
    return host.state.to_bytes()


def test_a_saved_state_is_loaded_after_a_restart(storing: Firmware, tmp_path: Path) -> None:
    f, file, host = storing, tmp_path / "storage", storing.host()
    samples = [f.sample(1 + row, row) for row in range(4)]
    for row in range(4):
        host.learn(row)
    first = f.run(f.hello(), *samples, 2 * f.request(5, "SAVE"), f.sample(6, 4), storage=file)
    assert statuses(first) == 2 * [(5, Status.OK, 0)]
    (_, _, values), *chunks = f.run(f.hello(), *f.pulls(1), storage=file)
    assert (values["samples"], values["saves"], values["crc"]) == (4, 1, host.state.crc)
    assert values["capabilities"] & (Capability.SAVE | Capability.PUSH) == 48
    assert pulled(chunks) == host.state.to_bytes()


def test_a_pushed_state_is_used_and_kept(storing: Firmware, tmp_path: Path) -> None:
    f, file, data = storing, tmp_path / "storage", other_state(storing)
    requests = [2 * request for request in pushed(f, 2, data)]  # each request is sent twice
    replies = f.run(f.hello(), f.sample(1, 0), *requests, *f.pulls(2 + len(requests)), storage=file)
    offsets = [*range(0, len(data), PUSH_MAX), len(data)]
    assert [detail for _, _, detail in statuses(replies)] == [at for at in offsets for _ in "12"]
    assert {code for _, code, _ in statuses(replies)} == {Status.OK}
    assert pulled(replies) == data
    assert pulled(f.run(f.hello(), *f.pulls(1), storage=file)) == data


def test_a_token_lasts_as_long_as_the_state_is_learned_on(
    storing: Firmware, tmp_path: Path
) -> None:
    f, file = storing, tmp_path / "storage"
    given = [f.hello(), f.request(1, "RESET"), token_given(f, 2)]
    *pieces, last = pushed(f, 3, other_state(f))

    def token(*requests: bytes) -> int:
        replies = f.run(*requests, f.hello(99), storage=file)
        value: int = named(replies, "WELCOME")[-1][1]["token"]
        return value

    learning = [
        f.sample(3, TOKEN, row=0),
        f.request(4, "SET_RATE", halvings=1, token=TOKEN),
        f.request(5, "SAVE", token=TOKEN),
    ]
    assert token(*given, *learning) == TOKEN
    assert token() == 0  # the device started again with exactly the saved state
    assert token(*given, f.request(3, "RESET")) == 0
    assert token(*given, *pieces) == TOKEN
    assert token(*given, *pieces, last) == 0


def test_an_interrupted_push_continues_where_it_stopped(storing: Firmware) -> None:
    f, data = storing, other_state(storing)
    offer, first, *rest = pushed(f, 1, data)
    assert rest
    again = f.request(51, "OFFER", digest=bytes.fromhex(f.plan.digest[:16]), crc=zlib.crc32(data))
    others = [
        f.request(52 + i, "PUSH", offset=at, data=data[at : at + PUSH_MAX])
        for i, at in enumerate(range(PUSH_MAX, len(data), PUSH_MAX))
    ]
    replies = f.run(
        f.hello(), offer, first, f.hello(50), again, *others, *f.pulls(52 + len(others))
    )
    assert statuses(replies)[2] == (51, Status.OK, PUSH_MAX)
    assert pulled(replies) == data


def test_a_push_that_does_not_fit_changes_nothing(storing: Firmware) -> None:
    f, data, foreign = storing, other_state(storing), bytes(8)
    offer, *pieces = pushed(f, 1, data)
    wrong = pushed(f, 1, data, crc=zlib.crc32(data) ^ 1)
    skipped = f.request(2, "PUSH", offset=PUSH_MAX, data=data[:4])
    long = [*pieces[:-1], f.request(len(pieces) + 1, "PUSH", offset=0, data=b"x")]
    cases = [
        ([f.request(1, "OFFER", digest=foreign, crc=0)], Status.DIGEST, 0),
        ([f.request(1, "PUSH", offset=0, data=data[:4])], Status.OFFSET, 0),
        ([offer, skipped], Status.OFFSET, 0),
        ([offer, *long], Status.OFFSET, (len(pieces) - 1) * PUSH_MAX),
        (wrong, Status.CRC, zlib.crc32(data)),
        (
            [offer, f.request(2, "SAVE"), f.request(3, "PUSH", offset=0, data=data[:4])],
            Status.OFFSET,
            0,
        ),
    ]
    for requests, code, detail in cases:
        replies = f.run(f.hello(), *requests, *f.pulls(1 + len(requests)))
        assert statuses(replies)[-1][1:] == (code, detail)
        assert pulled(replies) == f.flashed.to_bytes()


# --- what a device tells about its line -----------------------------------------------------------


def welcome(replies: Sequence[Reply]) -> tuple[Status, int, int]:
    """Return three values of the last WELCOME: the first error, its detail, and the number of
    dropped pieces.
    """
    values = named(replies, "WELCOME")[-1][1]
    return Status(values["error"]), values["error_detail"], values["dropped"]


def test_the_first_error_is_kept(firmware: Firmware) -> None:
    f = firmware
    bad = [f.sample(1, 0, label=7), f.sample(2, 5), f.request(3, "RESET")]
    assert welcome(f.run(f.hello(), *bad, f.hello(50))) == (Status.LABEL, 7, 0)


def test_a_request_out_of_turn_is_not_counted_as_an_error(firmware: Firmware) -> None:
    """Lost frames and lost sessions cause such requests, so they are normal."""
    f = firmware
    replies = f.run(f.sample(4, 0), f.hello(), f.sample(9, 0), f.hello(50))
    assert len(statuses(replies)) == 2
    assert welcome(replies) == (Status.OK, 0, 0)


def test_pieces_that_are_not_valid_frames_are_dropped_and_counted(firmware: Firmware) -> None:
    f, good = firmware, firmware.sample(1, 0)
    bad = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in range(len(good) - 1)]
    bad = [piece for piece in bad if piece.count(0) == 1]  # leave out pieces with a new zero byte
    bad += [good[:i] + b"\0" for i in range(1, len(good) - 1)]
    bad += [b"\xff" * 5000 + b"\0", b"\x01" * 5000 + b"\0", encode_frame(2, 1, bytes(5000))]
    replies = f.run(f.hello(), b"\0\0", *bad, good, f.sample(2, 1), f.hello(50))
    assert counts(replies) == [(1, 1), (2, 2)]
    assert len(replies) == 4
    assert welcome(replies) == (Status.OK, 0, len(bad))


def test_the_count_of_dropped_pieces_saturates(firmware: Firmware) -> None:
    f = firmware
    assert welcome(f.run(65540 * b"\x05\0", f.hello())) == (Status.OK, 0, 65535)
