"""The host's link copes with a fake device on a pty that misbehaves in many ways."""

from __future__ import annotations

import errno
import os
import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from ska_edge.device import session as session_module
from ska_edge.device.device_errors import TooManySavesError
from ska_edge.device.link import Link
from ska_edge.errors import ContactLost, DeviceError, InputError
from ska_edge.rules.metric_sums import METRICS
from ska_edge.wire.frame import Frame, encode_frame
from ska_edge.wire.protocol import BY_NAME, CHUNK_MAX, PROTOCOL_VERSION, Capability, Status, Want
from tests.fake_device import CLASSES, DIGEST, EVERYTHING, INPUTS, LAYERS, STATE, FakeDevice, X


def patient(device: FakeDevice) -> Link:
    """Return a link that retries only when something is missing, however slow the machine is."""
    return Link(device.port, timeout=20)


def silent(_: Frame) -> bytes:
    return b""


def refusal(device: FakeDevice, *, timeout: float = 0.1) -> str:
    """Return the error sentence of `hello`."""
    with Link(device.port, timeout=timeout) as link, pytest.raises(DeviceError) as caught:
        link.hello()
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- a device that behaves ------------------------------------------------------------------------


def test_hello_says_what_the_device_is(device: FakeDevice) -> None:
    with patient(device) as link:
        info = link.hello()
    assert (info.board, info.digest, info.protocol) == ("fake", DIGEST, PROTOCOL_VERSION)
    assert (info.inputs, info.classes, info.layers) == (INPUTS, CLASSES, LAYERS)
    assert (info.step, info.samples, info.state_bytes) == (0, 0, len(STATE))
    assert (info.crc, info.capabilities) == (zlib.crc32(STATE), EVERYTHING)


def test_learning_returns_decisions_and_the_sums_of_every_layer(device: FakeDevice) -> None:
    with patient(device) as link:
        result = link.learn(X, 2)
    assert (result.step, result.predicted, result.decisions) == (1, 1, (-5, 32767, 0))
    expected = [device.metrics(layer) for layer in range(LAYERS)]
    assert result.metrics == tuple({name: sums[name] for name in METRICS} for sums in expected)
    assert result.metrics[1]["entropy"] == -(10**12)
    assert device.requests[-1].payload == b"\0\0\0\0\x02\0\x01" + bytes(v & 0xFF for v in X)


def test_learning_without_metrics_returns_none(device: FakeDevice) -> None:
    with patient(device) as link:
        assert link.learn(X, 2, Want(0)).metrics == ()


def test_inference_does_not_step(device: FakeDevice) -> None:
    with patient(device) as link:
        assert link.infer(X).step == 0


def test_pull_collects_all_chunks(device: FakeDevice) -> None:
    with patient(device) as link:
        assert link.pull(len(STATE)) == STATE
    assert device.names() == ["HELLO", "PULL", "PULL", "PULL"]


def test_a_state_that_changes_while_it_is_read_is_refused(device: FakeDevice) -> None:
    def respond(frame: Frame) -> bytes:
        answer = device.answer(frame)
        if frame.code == BY_NAME["PULL"].code:
            device.state = bytes(len(STATE))
        return answer

    device.respond = respond
    with patient(device) as link, pytest.raises(DeviceError, match="changed while it was read"):
        link.pull(len(STATE))


@pytest.mark.parametrize("says", [0, len(STATE) - 1, len(STATE) + 1, 2**32 - 1])
def test_a_state_of_another_size_is_not_read(device: FakeDevice, says: int) -> None:
    device.respond = lambda frame: device.reply(
        frame.seq, "WELCOME", {**device.welcome(), "seq": frame.seq, "state_bytes": says}
    )
    with patient(device) as link, pytest.raises(DeviceError, match=f"has {says} bytes of state"):
        link.pull(len(STATE))
    assert device.names() == ["HELLO"]


def test_a_state_keeps_its_token_until_it_is_replaced(device: FakeDevice) -> None:
    with patient(device) as link:
        token = link.token()
        assert token == link.token() == device.token != 0
        link.learn(X, 2)
        assert link.hello().token == token
        link.reset()
        assert link.info.token == 0
        again = link.token()
        link.push(STATE, DIGEST)
        assert len({token, again, link.token(), 0}) == 4
    with patient(device) as link:
        assert link.token() == device.token
    assert device.names().count("SET_TOKEN") == 3


@pytest.mark.parametrize("ask", [Link.save, lambda link: link.halve_rate(1)])
def test_requests_for_another_state_change_nothing(
    device: FakeDevice, ask: Callable[[Link], None]
) -> None:
    with patient(device) as link:
        link.token()
        device.token ^= 1
        with pytest.raises(ContactLost, match="has another state than it had"):
            ask(link)
        assert (device.saves, device.halvings) == (0, 0)
        ask(link)  # ask for the device's present state
    assert (device.saves, device.halvings) in ((1, 0), (0, 1))


def test_a_replaced_state_gets_no_token(device: FakeDevice) -> None:
    """The state is replaced between HELLO and SET_TOKEN."""

    def respond(frame: Frame) -> bytes:
        if frame.code == BY_NAME["SET_TOKEN"].code:
            device.state = bytes(len(STATE))
        return device.answer(frame)

    device.respond = respond
    with patient(device) as link, pytest.raises(ContactLost, match="has another state"):
        link.token()
    assert device.token == 0


def test_sums_that_no_layer_can_have_are_refused(device: FakeDevice) -> None:
    given = device.metrics
    device.metrics = lambda layer: {**given(layer), "z_square": -1}  # type: ignore[method-assign]
    with (
        patient(device) as link,
        pytest.raises(DeviceError, match="z_square, which is never negative, is -1"),
    ):
        link.learn(X, 2)


def test_push_sends_the_whole_state(device: FakeDevice) -> None:
    new = bytes(reversed(STATE))
    with patient(device) as link:
        link.push(new, DIGEST)
        assert link.pull(len(STATE)) == new
    assert device.names()[:7] == ["HELLO", "OFFER", *5 * ["PUSH"]]


def test_an_interrupted_push_continues_where_it_stopped(device: FakeDevice) -> None:
    new = bytes(reversed(STATE))

    def respond(frame: Frame) -> bytes:
        if frame.code == BY_NAME["PUSH"].code and frame.payload[0] == 128:
            return b""
        return device.answer(frame)

    device.respond = respond
    with Link(device.port, timeout=0.02, tries=2) as link, pytest.raises(ContactLost):
        link.push(new, DIGEST)
    assert device.state == STATE
    device.respond = device.answer
    del device.requests[:]
    with patient(device) as link:
        link.push(new, DIGEST)
    assert device.state == new
    assert device.names() == ["HELLO", "OFFER", "PUSH", "PUSH", "PUSH"]


@pytest.mark.parametrize("missing", [Capability.PUSH, Capability.SAVE])
def test_a_device_without_memory_for_saves(device: FakeDevice, missing: Capability) -> None:
    device.capabilities &= ~missing
    with patient(device) as link:
        link.hello()
        with pytest.raises(DeviceError, match="has no memory for two saves"):
            if missing == Capability.PUSH:
                link.push(STATE, DIGEST)
            else:
                link.save()
    assert device.names() == ["HELLO"]


def test_a_state_of_another_plan_is_not_pushed(device: FakeDevice) -> None:
    with patient(device) as link, pytest.raises(DeviceError, match="runs the plan"):
        link.push(STATE, "f" * 16)
    assert device.names() == ["HELLO"]


def test_saving_and_another_rate_are_single_requests(device: FakeDevice) -> None:
    with patient(device) as link:
        link.save()
        link.halve_rate(3)
    assert device.names() == ["HELLO", "SAVE", "SET_RATE"]
    assert device.requests[-1].payload == b"\x03" + bytes(4)
    assert device.saves == 1


def too_early(device: FakeDevice, left: list[int]) -> None:
    """Make the device refuse one save for each number in `left`, and report the number as bytes
    left.
    """
    device.respond = lambda frame: (
        device.refuse(frame, Status.EARLY, left.pop(0))
        if frame.code == BY_NAME["SAVE"].code and left
        else device.answer(frame)
    )


def test_a_save_too_early_is_made_again_when_the_device_has_its_bytes(device: FakeDevice) -> None:
    left = [14_000, 8_240, 2_480]
    too_early(device, left)
    with patient(device) as link:
        link.save()
        assert device.names().count("SAVE") == 4
        assert (device.saves, left) == (1, [])
        assert len({frame.seq for frame in device.requests}) == 5  # each try is a new request


@pytest.mark.parametrize("left", [[700_000], [9_000, 9_000, 5_000], [9_000, 8_000]])
def test_a_save_that_would_take_too_long_is_an_error(device: FakeDevice, left: list[int]) -> None:
    """The wait is too long, or the device does not count the received bytes."""
    too_early(device, list(left))
    with (
        patient(device) as link,
        pytest.raises(TooManySavesError, match=f"after {left[min(1, len(left) - 1)]:,} more"),
    ):
        link.save()
    assert device.saves == 0
    assert device.names().count("SAVE") == min(2, len(left))


def test_a_worn_device_says_so(device: FakeDevice) -> None:
    device.respond = lambda frame: (
        device.refuse(frame, Status.WORN)
        if frame.code == BY_NAME["SAVE"].code
        else device.answer(frame)
    )
    with patient(device) as link:
        with pytest.raises(DeviceError, match=r"worn out: .*`ska-edge pull` reads it"):
            link.save()
        assert link.hello().samples == 0


def test_reset_returns_to_step_0(device: FakeDevice) -> None:
    with patient(device) as link:
        link.learn(X, 0)
        link.reset()
        assert link.infer(X).step == 0


def test_sequence_numbers_go_up_by_one_and_wrap(device: FakeDevice) -> None:
    with patient(device) as link:
        for _ in range(300):
            link.learn(X, 0, Want(0))
    seqs = [frame.seq for frame in device.requests]
    assert seqs == [(seqs[0] + i) % 256 for i in range(301)]
    assert device.samples == 300


def test_a_new_host_may_greet_with_the_number_of_an_old_one(device: FakeDevice) -> None:
    """The device takes the HELLO for a copy of the earlier host's HELLO; the next HELLO opens a
    session.
    """
    with patient(device) as link:
        link._seq = 40
        for _ in range(5):
            link.learn(X, 0)
    with patient(device) as link:
        link._seq = 40
        assert [link.learn(X, 0).step for _ in range(3)] == [6, 7, 8]
    assert [frame.seq for frame in device.requests] == [41, *range(42, 47), 41, 42, 43, 44, 45]


def test_values_that_do_not_fit_never_reach_the_device(device: FakeDevice) -> None:
    with patient(device) as link:
        with pytest.raises(InputError, match="field 'x'"):
            link.learn((1, 2), 0)
        assert link.learn(X, 0).step == 1
    assert device.names() == ["HELLO", "SAMPLE"]


@pytest.mark.filterwarnings("ignore:set(Daemon|Name)\\(:DeprecationWarning")  # in pyserial
@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_a_device_behind_a_bridge_is_used_like_any_other(
    device: FakeDevice, bridge: Callable[[str, str], Any], scheme: str
) -> None:
    with Link(bridge(device.port, scheme).address, timeout=20) as link:
        assert [link.learn(X, 0).step for _ in range(3)] == [1, 2, 3]
        assert link.pull(len(STATE)) == STATE
    assert len(device.requests) == 1 + 3 + 1 + 3  # a pull asks for the CRC first


# --- a line that loses, repeats and corrupts ------------------------------------------------------


def test_a_lost_request_is_sent_again_with_its_number(device: FakeDevice) -> None:
    lost: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        if frame not in lost:
            lost.append(frame)
            return b""
        return device.answer(frame)

    device.respond = respond
    with Link(device.port, timeout=0.3, tries=20) as link:
        assert link.learn(X, 0).step == 1
        assert link.learn(X, 1).step == 2
        assert link.retries >= 3
    assert lost == list(dict.fromkeys(device.requests))
    assert [frame.seq - lost[0].seq & 0xFF for frame in lost] == [0, 1, 2]


def test_a_lost_answer_is_not_learned_twice(device: FakeDevice) -> None:
    lost: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        answer = device.answer(frame)
        if frame not in lost:
            lost.append(frame)
            return b""
        return answer

    device.respond = respond
    with Link(device.port, timeout=0.3, tries=20) as link:
        assert [link.learn(X, 0).step for _ in range(3)] == [1, 2, 3]


def test_doubled_answers_are_ignored(device: FakeDevice) -> None:
    device.respond = lambda frame: 2 * device.answer(frame)
    with patient(device) as link:
        assert [link.learn(X, 0).step for _ in range(5)] == [1, 2, 3, 4, 5]
        assert link.pull(len(STATE)) == STATE


@pytest.mark.parametrize("spoiled", [0, 1, 2])
def test_a_request_with_a_damaged_answer_is_sent_again(device: FakeDevice, spoiled: int) -> None:
    seen: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        replies = device.replies(frame)
        if len(replies) == LAYERS + 1 and frame not in seen:
            seen.append(frame)
            replies[spoiled] = b"\x01" + replies[spoiled][1:]
        return b"".join(replies)

    device.respond = respond
    with Link(device.port, timeout=0.3, tries=20) as link:
        for step in (1, 2):
            result = link.learn(X, 0)
            assert result.step == step
            assert [sums[METRICS[0]] for sums in result.metrics] == [0, -(10**12)]


def test_an_answer_may_consist_of_parts_of_two_tries(device: FakeDevice) -> None:
    """METRICS of layer 1 come with the first try, and METRICS of layer 0 with the second."""
    seen: list[Frame] = []

    def respond(frame: Frame) -> bytes:
        replies = device.replies(frame)
        if len(replies) == LAYERS + 1:
            replies.pop(0 if frame not in seen else 1)
            seen.append(frame)
        return b"".join(replies)

    device.respond = respond
    with patient(device) as link:
        assert len(link.learn(X, 0).metrics) == LAYERS
    assert device.names() == ["HELLO", "SAMPLE", "SAMPLE"]


def test_garbage_between_frames_is_skipped(device: FakeDevice) -> None:
    device.respond = lambda frame: b"boot v1.2\r\n\xff\x00" + device.answer(frame) + b"\x07\x00\x03"
    with Link(device.port, timeout=0.3, tries=20) as link:
        assert [link.learn(X, 0).step for _ in range(3)] == [1, 2, 3]


def test_an_answer_to_an_earlier_request_is_skipped(device: FakeDevice) -> None:
    def respond(frame: Frame) -> bytes:
        late = device.reply(
            (frame.seq - 1) % 256,
            "RESULT",
            {"step": 99, "samples": 99, "crc": 0, "predicted": 0, "decisions": (0, 0, 0)},
        )
        return late + device.answer(frame)

    device.respond = respond
    with patient(device) as link:
        assert link.infer(X).step == 0


# --- missing and foreign devices ------------------------------------------------------------------


def test_a_silent_port_is_an_error(device: FakeDevice) -> None:
    device.respond = silent
    assert f"the device at {device.port} does not answer" in refusal(device)
    assert len(set(device.requests)) == 1
    assert 1 < len(device.requests) <= len(session_module.HELLO_WAITS)


@pytest.mark.parametrize("garbage", [b"AT\r\nERROR\r\n", b"\xff" * 100, b"\x00\x01\x02\x00"])
def test_something_else_at_the_port_is_an_error(device: FakeDevice, garbage: bytes) -> None:
    device.respond = lambda _: garbage
    assert re.search(r"is not a ska-edge device \(\d+ bytes came", refusal(device))


def test_an_echo_is_not_taken_for_a_device(device: FakeDevice) -> None:
    device.respond = lambda frame: encode_frame(*frame)
    assert re.search(r"not a ska-edge device .* no answer to HELLO at 115200", refusal(device))


@pytest.mark.parametrize("length", [1, 60])
def test_another_protocol_version_is_refused(device: FakeDevice, length: int) -> None:
    """The host reads the version first, because the rest of WELCOME may differ by version."""
    payload = bytes([PROTOCOL_VERSION + 1]).ljust(length, b"\x11")
    device.respond = lambda frame: encode_frame(BY_NAME["WELCOME"].code, frame.seq, payload)
    sentence = refusal(device, timeout=20)
    assert f"speaks protocol version {PROTOCOL_VERSION + 1}, this ska-edge speaks" in sentence


def test_a_welcome_that_is_too_short(device: FakeDevice) -> None:
    payload = bytes([PROTOCOL_VERSION])
    device.respond = lambda frame: encode_frame(BY_NAME["WELCOME"].code, frame.seq, payload)
    assert "WELCOME of 1 bytes" in refusal(device, timeout=20)


@pytest.mark.parametrize("digest", [DIGEST, DIGEST.upper(), DIGEST + "ff" * 24])
def test_the_expected_digest_passes(device: FakeDevice, digest: str) -> None:
    with patient(device) as link:
        link.expect_digest(digest)


@pytest.mark.parametrize("digest", ["fedcba9876543210" * 4, DIGEST[:-1] + "0", DIGEST[:-1], ""])
def test_another_digest_is_refused_with_both_named(device: FakeDevice, digest: str) -> None:
    with patient(device) as link, pytest.raises(DeviceError) as caught:
        link.expect_digest(digest)
    assert caught.value.exit_code == 3
    assert f"runs the plan {DIGEST}, not {digest[:16]}:" in str(caught.value)


def test_a_refused_request_says_why_and_the_session_goes_on(device: FakeDevice) -> None:
    device.respond = lambda frame: (
        device.refuse(frame, Status.LABEL, 9)
        if frame.payload[4:5] == b"\x09"
        else device.answer(frame)
    )
    with patient(device) as link:
        with pytest.raises(
            DeviceError,
            match=r"refused SAMPLE: no class has this label \(code 5, detail 9\)",
        ):
            link.learn(X, 9)
        assert link.learn(X, 0).step == 1
    assert device.names() == ["HELLO", "SAMPLE", "SAMPLE"]


def test_a_refusal_with_a_code_from_the_future(device: FakeDevice) -> None:
    device.respond = lambda frame: device.status(frame.seq, 200)
    assert "refused HELLO: no reason known to this ska-edge (code 200" in refusal(
        device, timeout=20
    )


def test_after_a_lost_session_the_next_request_opens_a_new_one(device: FakeDevice) -> None:
    with patient(device) as link:
        link.learn(X, 0)
        device.respond = lambda frame: device.status(frame.seq, Status.SEQUENCE, 0xFFFF)
        with pytest.raises(DeviceError, match="lost the session"):
            link.learn(X, 0)
        device.respond = device.answer
        assert link.learn(X, 0).step == 2
    assert device.names() == ["HELLO", "SAMPLE", "SAMPLE", "HELLO", "SAMPLE"]


def test_a_device_that_stops_answering_is_greeted_again(device: FakeDevice) -> None:
    with Link(device.port, timeout=0.3) as link:
        link.hello()
        device.respond = silent
        with pytest.raises(DeviceError, match=r"stopped answering \(3 tries of 0.3 s"):
            link.infer(X)
        device.respond = device.answer
        link.infer(X)
    # Duplicates are dropped, because a slow machine may have caused more tries.
    by_code = {message.code: message.name for message in BY_NAME.values()}
    once = [by_code[frame.code] for frame in dict.fromkeys(device.requests)]
    assert once == ["HELLO", "INFER", "HELLO", "INFER"]


def test_a_device_that_answered_before_is_not_called_a_foreign_device(device: FakeDevice) -> None:
    """Replies to other requests arrive, but the error is that the device stopped answering."""
    with Link(device.port, timeout=0.1) as link:
        link.hello()
        device.respond = lambda frame: device.status(frame.seq ^ 1, Status.OK)
        for _ in range(2):
            with pytest.raises(ContactLost, match=r"stopped answering \(8 tries of 0.059 s"):
                link.hello()


@pytest.mark.parametrize(("offset", "count"), [(7, CHUNK_MAX), (0, CHUNK_MAX - 1), (0, 1), (0, 0)])
def test_a_chunk_of_another_place_or_size_is_refused(
    device: FakeDevice, offset: int, count: int
) -> None:
    def respond(frame: Frame) -> bytes:
        if frame.code != BY_NAME["PULL"].code:
            return device.answer(frame)
        return device.reply(frame.seq, "CHUNK", {"offset": offset, "data": STATE[:count]})

    device.respond = respond
    with patient(device) as link, pytest.raises(DeviceError, match="at offset 0 of its state"):
        link.pull(len(STATE))


@pytest.mark.parametrize(("name", "wait"), [("INFER", 0.1), ("SAVE", 0.5)])
def test_the_timeout_depends_on_the_request(device: FakeDevice, name: str, wait: float) -> None:
    """Requests that write flash get a longer timeout."""
    device.respond = lambda frame: device.answer(frame) * (frame.code == BY_NAME["HELLO"].code)
    with Link(device.port, timeout=0.1) as link:
        link.hello()
        with pytest.raises(ContactLost, match=rf"stopped answering \(3 tries of {wait:g} s\)"):
            link.request(name, {"x": bytes(INPUTS)} if name == "INFER" else {"token": 0})


# --- a port that ends -----------------------------------------------------------------------------


def test_a_device_that_is_unplugged(device: FakeDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    def unplugged(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with patient(device) as link:
        link.hello()
        for method in ("read", "write"):
            with monkeypatch.context() as patch:
                patch.setattr(link._line._serial, method, unplugged)
                with pytest.raises(ContactLost, match=r"is gone.*unplugged"):
                    link.infer(X)


def test_a_port_that_does_not_open() -> None:
    with pytest.raises(DeviceError, match="there is no port /dev/no-such-port"):
        Link("/dev/no-such-port")


def test_closing_twice_is_fine(device: FakeDevice) -> None:
    link = Link(device.port)
    link.close()
    link.close()
    with pytest.raises(DeviceError, match="is gone"):
        link.hello()
